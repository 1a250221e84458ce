/*
 * Queries: against a slow and plain reading of the same text, and nothing
 * that is appended changes what came first.
 */


#include "fuzz.h"
#include "codec/eio_query.h"


/* The first value of a name, byte by byte: 1, or 0 if there is none. */

static int
fuzz_value(const uint8_t *data, size_t size, const char *name,
    sio_str_t *value)
{
    size_t  i, start, equals;

    for (i = 0, start = 0, equals = 0; i <= size; i++) {

        if (i < size && data[i] == '=' && equals == 0) {
            equals = i + 1;
        }

        if (i < size && data[i] != '&') {
            continue;
        }

        *value = equals ? sio_str(data + equals, i - equals)
                        : sio_str(data, 0);

        if (sio_str_eq(sio_str(data + start,
                               (equals ? equals - 1 : i) - start),
                       sio_cstr(name)))
        {
            return 1;
        }

        start = i + 1;
        equals = 0;
    }

    return 0;
}


static void
fuzz_compare(const uint8_t *data, size_t size, const eio_query_t *query)
{
    sio_str_t  value;

    check((query->version == 4)
          == (fuzz_value(data, size, "EIO", &value)
              && sio_str_eq(value, sio_cstr("4"))));
    check(query->version == 3 || query->version == 4);

    check((query->transport == EIO_POLLING)
          == (fuzz_value(data, size, "transport", &value)
              && sio_str_eq(value, sio_cstr("polling"))));
    check((query->transport == EIO_WEBSOCKET)
          == (fuzz_value(data, size, "transport", &value)
              && sio_str_eq(value, sio_cstr("websocket"))));

    check(query->has_sid
          == (fuzz_value(data, size, "sid", &value) && value.len != 0));
    check(query->has_sid == (query->sid.len != 0));

    if (query->has_sid) {
        check(sio_str_eq(query->sid, value));
        check(query->sid.data >= data);
        check(query->sid.data + query->sid.len <= data + size);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t      *longer;
    eio_query_t   query, again;

    static const char  tail[] = "&EIO=4&transport=polling&sid=tail";

    eio_query_parse(sio_str(data, size), &query);
    fuzz_compare(data, size, &query);

    longer = malloc(size + sizeof(tail));
    check(longer != NULL);

    if (size) {
        memcpy(longer, data, size);
    }

    memcpy(longer + size, tail, sizeof(tail) - 1);

    eio_query_parse(sio_str(longer, size + sizeof(tail) - 1), &again);
    fuzz_compare(longer, size + sizeof(tail) - 1, &again);

    if (query.version == 4) {
        check(again.version == 4);
    }

    if (query.transport != EIO_TRANSPORT_UNKNOWN) {
        check(again.transport == query.transport);
    }

    if (query.has_sid) {
        check(sio_str_eq(again.sid, query.sid));
    }

    free(longer);

    return 0;
}
