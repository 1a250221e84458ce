/*
 * Lost sessions that others left: what is decoded is written, and read again
 * as the same.
 */


#include "fuzz.h"
#include "codec/sio_base64.h"
#include "codec/sio_name.h"
#include "codec/sio_session.h"


static void
fuzz_same(const sio_session_t *s, const sio_session_t *t)
{
    unsigned         i;
    sio_stream_id_t  since[2];

    check(sio_str_eq(s->sid, t->sid) && sio_str_eq(s->pid, t->pid));
    check(sio_str_eq(s->host, t->host) && sio_str_eq(s->nsp, t->nsp));
    check(sio_str_eq(s->user, t->user));
    check(sio_str_eq(s->version, t->version) || s->host.len == 0);
    check(sio_stream_id_cmp(&s->offset, &t->offset) == 0
          || s->host.len == 0);
    check(s->nrooms == t->nrooms);

    for (i = 0; i < s->nrooms; i++) {
        check(sio_str_eq(s->rooms[i], t->rooms[i]));

        since[0] = sio_session_since(s, i);
        since[1] = sio_session_since(t, i);
        check(sio_stream_id_cmp(&since[0], &since[1]) == 0
              || s->host.len == 0);
    }
}


/* The input is the MessagePack, or behind a "b" the base64 of it. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sio_buf_t      text, again;
    sio_adapter_t  a, b, c;
    sio_session_t  s, t;

    if (size == 0) {
        return 0;
    }

    sio_adapter_init(&a, &fuzz_mem, 1 << 20);
    sio_adapter_init(&b, &fuzz_mem, 1 << 22);
    sio_adapter_init(&c, &fuzz_mem, 1 << 22);
    sio_buf_init(&text, &fuzz_mem, 1 << 22);
    sio_buf_init(&again, &fuzz_mem, 1 << 22);

    if (data[0] == 'b') {
        check(sio_buf_append(&text, data + 1, size - 1) == SIO_OK);

    } else {
        check(sio_buf_reserve(&text, sio_base64_encoded_len(size)) == SIO_OK);
        text.len = sio_base64_encode(text.data, data, size);
    }

    if (sio_session_decode(&a, sio_buf_str(&text), &s) == SIO_OK) {
        check(sio_socket_id_like(s.sid) && sio_socket_id_like(s.pid));

        if (sio_session_encode(&b, &again, &s) == SIO_OK) {
            check(sio_session_decode(&c, sio_buf_str(&again), &t) == SIO_OK);
            fuzz_same(&s, &t);
        }
    }

    sio_adapter_free(&a);
    sio_adapter_free(&b);
    sio_adapter_free(&c);
    sio_buf_free(&text);
    sio_buf_free(&again);

    return 0;
}
