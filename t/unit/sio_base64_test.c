/*
 * Base64: RFC 4648, 10.  Test Vectors, both alphabets, strictness.
 */


#include "unit.h"
#include "codec/sio_base64.h"


static void test_vectors(void);
static void test_strict(void);
static void test_alphabets(void);
static void test_round_trip(void);


static const struct {
    const char  *plain;
    const char  *padded;
    const char  *bare;
} vectors[] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" }
};

#define NVECTORS  (sizeof(vectors) / sizeof(vectors[0]))


static const char *const  bad_texts[] = {
    "A",                    /* six bits are no byte */
    "AAAAA",
    "=", "==", "====",
    "A=", "A==", "A===",
    "AA=",                  /* half a padding */
    "AAA==",
    "AA==AA==",             /* padding inside */
    "AAA=AAAA",
    "AA=A", "=AAA",
    "AAAA=", "AAAA====",
    "AB==", "AB",           /* bits beyond the last byte */
    "AAB=", "AAB",
    "AA AA", " AAAA", "AAAA\n",
    "AA\r\nAA",
    "A*AA", "AAA\x80", "\xff\xff\xff\xff", "AAA,", "A.AA"
};

#define NBAD  (sizeof(bad_texts) / sizeof(bad_texts[0]))


int
main(void)
{
    unit_plan();

    test_vectors();
    test_strict();
    test_alphabets();
    test_round_trip();

    return unit_done();
}


static void
test_vectors(void)
{
    size_t     i, n, len;
    uint8_t    buf[32], *p;
    sio_str_t  s;

    for (i = 0; i < NVECTORS; i++) {
        s = sio_cstr(vectors[i].plain);

        n = sio_base64_encode(buf, s.data, s.len);
        is_mem(buf, n, vectors[i].padded, strlen(vectors[i].padded),
               "\"%s\" encoded", vectors[i].plain);
        is_int(n, sio_base64_encoded_len(s.len), "its length is foretold");

        n = sio_base64url_encode(buf, s.data, s.len);
        is_mem(buf, n, vectors[i].bare, strlen(vectors[i].bare),
               "\"%s\" encoded without padding", vectors[i].plain);

        len = strlen(vectors[i].padded);
        p = guard_copy(vectors[i].padded, len);
        n = 99;
        is_int(sio_base64_decode(buf, &n, p, len), SIO_OK, "decoded");
        is_mem(buf, n, s.data, s.len, "to \"%s\"", vectors[i].plain);
        ok(n <= sio_base64_decoded_max(len), "not longer than foretold");
        is_int(sio_base64url_decode(buf, &n, p, len), SIO_OK,
               "padding is no error in the other alphabet");
        guard_free(p, len);

        len = strlen(vectors[i].bare);
        p = guard_copy(vectors[i].bare, len);
        is_int(sio_base64_decode(buf, &n, p, len), SIO_OK,
               "decoded without padding");
        is_mem(buf, n, s.data, s.len, "to \"%s\"", vectors[i].plain);
        guard_free(p, len);
    }
}


static void
test_strict(void)
{
    size_t    i, n, len;
    uint8_t   buf[32], *p;

    for (i = 0; i < NBAD; i++) {
        len = strlen(bad_texts[i]);
        p = guard_copy(bad_texts[i], len);

        is_int(sio_base64_decode(buf, &n, p, len), SIO_ERROR,
               "bad text %zu", i);
        is_int(sio_base64url_decode(buf, &n, p, len), SIO_ERROR,
               "bad text %zu, url", i);

        guard_free(p, len);
    }
}


static void
test_alphabets(void)
{
    unsigned  ch, plain, url, wrong;
    size_t    n;
    uint8_t   text[4], out[3];

    plain = 0;
    url = 0;
    wrong = 0;

    for (ch = 0; ch < 256; ch++) {
        memset(text, ch, 4);

        if (sio_base64_decode(out, &n, text, 4) == SIO_OK) {
            plain++;
            (void) sio_base64_encode(text, out, 3);
            wrong += text[0] != ch || text[3] != ch;
        }

        memset(text, ch, 4);

        if (sio_base64url_decode(out, &n, text, 4) == SIO_OK) {
            url++;
            (void) sio_base64url_encode(text, out, 3);
            wrong += text[0] != ch || text[3] != ch;
        }
    }

    is_int(plain, 64, "64 digits");
    is_int(url, 64, "64 url-safe digits");
    is_int(wrong, 0, "each stands for itself");

    is_int(sio_base64_decode(out, &n, (uint8_t *) "+/+/", 4), SIO_OK, "+/");
    is_int(sio_base64_decode(out, &n, (uint8_t *) "-_-_", 4), SIO_ERROR,
           "-_ are url-safe only");
    is_int(sio_base64url_decode(out, &n, (uint8_t *) "-_-_", 4), SIO_OK, "-_");
    is_int(sio_base64url_decode(out, &n, (uint8_t *) "+/+/", 4), SIO_ERROR,
           "+/ are not");
}


static void
test_round_trip(void)
{
    size_t    i, len, n;
    uint8_t   src[257], text[sio_base64_encoded_len(257)];
    unsigned  wrong;

    wrong = 0;

    for (len = 0; len <= 257; len++) {

        for (i = 0; i < len; i++) {
            src[i] = (uint8_t) (i * 167 + len * 13);
        }

        n = sio_base64_encode(text, src, len);

        /* in place */

        wrong += sio_base64_decode(text, &n, text, n) != SIO_OK
                 || n != len || memcmp(text, src, len) != 0;

        n = sio_base64url_encode(text, src, len);
        wrong += sio_base64url_decode(text, &n, text, n) != SIO_OK
                 || n != len || memcmp(text, src, len) != 0;
    }

    is_int(wrong, 0, "lengths 0 to 257 there and back, in place");
}
