/*
 * Fuzzes what the API is guarded by: a file of keys, lists of globs, and the
 * header of signatures.  What is taken keeps every promise of the header.
 *
 * The text is a file, a header, and - cut at its first zero byte - a list and
 * a name.
 */


#include <stdio.h>

#include "fuzz.h"
#include "codec/sio_name.h"
#include "logic/sio_key.h"


/* All parts are of the text itself. */

static void
fuzz_inside(sio_str_t text, sio_str_t part)
{
    check(part.len == 0
          || (part.data >= text.data
              && part.data + part.len <= text.data + text.len));
}


static void
fuzz_file(sio_str_t text)
{
    int               rc;
    unsigned          line;
    sio_key_t         key;
    sio_key_reader_t  reader;

    sio_key_reader_init(&reader, text);
    line = 0;

    while ((rc = sio_key_read(&reader, &key)) == SIO_OK) {
        check(reader.error == NULL && reader.line > line);
        line = reader.line;

        check(key.secret.len && key.secret.len <= SIO_KEY_MAX);
        check(key.secret.data[0] != '#');
        check(key.name.len <= SIO_KEY_NAME_MAX);
        check(memchr(key.secret.data, '\n', key.secret.len) == NULL);

        fuzz_inside(text, key.secret);
        fuzz_inside(text, key.name);
        fuzz_inside(text, key.namespaces);
        fuzz_inside(text, key.events);
        fuzz_inside(text, key.calls);
    }

    check(rc == SIO_DONE ? reader.error == NULL && reader.text.len == 0
                         : rc == SIO_ERROR && *reader.error);
}


/* A glob in the plainest way: the rest of it, from each place on. */

static int
fuzz_glob(sio_str_t glob, sio_str_t name)
{
    size_t     i;
    sio_str_t  rest;

    if (glob.len == 0) {
        return name.len == 0;
    }

    rest = sio_str(glob.data + 1, glob.len - 1);

    if (*glob.data != '*') {
        return name.len && *glob.data == *name.data
               && fuzz_glob(rest, sio_str(name.data + 1, name.len - 1));
    }

    for (i = 0; i <= name.len; i++) {
        if (fuzz_glob(rest, sio_str(name.data + i, name.len - i))) {
            return 1;
        }
    }

    return 0;
}


static void
fuzz_list(sio_str_t list, sio_str_t name)
{
    int        allowed;
    size_t     len;
    unsigned   items;
    sio_str_t  rest, item;

    allowed = (list.len == 0);
    rest = list;
    items = 0;
    len = 0;

    while (sio_key_item(&rest, &item) == SIO_OK) {
        fuzz_inside(list, item);
        check(item.len == 0 || memchr(item.data, ',', item.len) == NULL);

        /* the plain way takes exponential time */

        if (item.len > 12 || name.len > 12) {
            return;
        }

        allowed |= fuzz_glob(item, name);
        len += item.len;
        items++;
    }

    check(items ? len + items - 1 == list.len : list.data == NULL);
    check(sio_key_allows(list, name) == allowed);
}


static void
fuzz_signature(sio_str_t text)
{
    char             *p, again[16 + SIO_SIGNATURES * 70 + 256];
    unsigned          i, n;
    sio_signature_t   signature;

    if (sio_signature_parse(text, &signature) != SIO_OK) {
        return;
    }

    check(signature.n >= 1 && signature.n <= SIO_SIGNATURES);
    check(signature.time.len >= 1 && signature.time.len <= 23);
    check(signature.seconds <= 999999999999ull);
    fuzz_inside(text, signature.time);
    check(strtoull((char *) signature.time.data, NULL, 10)
          == signature.seconds);

    /* written again it is the same, but for the letters of hex digits */

    p = again + sprintf(again, "t=%.*s", (int) signature.time.len,
                        signature.time.data);

    for (n = 0; n < signature.n; n++) {
        p += sprintf(p, ",v1=");

        for (i = 0; i < SIO_SIGNATURE_LEN; i++) {
            p += sprintf(p, "%02x", signature.mac[n][i]);
        }
    }

    check((size_t) (p - again) == text.len);

    for (i = 0; i < text.len; i++) {
        check(again[i] == (char) text.data[i]
              || again[i] == (char) (text.data[i] | 0x20));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      len;
    uint8_t    *copy, *zero;
    sio_str_t   text, name;

    copy = malloc(size ? size : 1);
    check(copy);

    if (size) {
        memcpy(copy, data, size);
    }

    text = sio_str(copy, size);
    fuzz_file(text);
    fuzz_signature(text);

    zero = size ? memchr(copy, 0, size) : NULL;
    len = zero ? (size_t) (zero - copy) : size;
    name = zero ? sio_str(zero + 1, size - len - 1) : sio_str(copy, 0);

    fuzz_list(sio_str(copy, len), name);

    free(copy);

    return 0;
}
