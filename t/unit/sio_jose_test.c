/*
 * Unit tests of sio_jose: the examples of RFC 7515, 7516 and 7519, and what
 * looks like them.
 */


#include "unit.h"
#include "codec/sio_base64.h"
#include "codec/sio_jose.h"


/* RFC 7515, A.1.  Example JWS Using HMAC SHA-256 */

#define HEADER   "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define CLAIMS   "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"   \
                 "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define SIGNATURE  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

/* RFC 7516, A.1.  Example JWE: its header, the rest made shorter */

#define ENCRYPTED  "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ"

#define LONG       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


static sio_str_t
decoded(sio_str_t part)
{
    static uint8_t  bytes[SIO_JOSE_TOKEN_MAX];
    size_t          len;

    return sio_jose_decode(part, bytes, &len) == SIO_OK ? sio_str(bytes, len)
                                                       : sio_str("bad", 3);
}


static void
test_rfc(void)
{
    sio_jose_t         jose;
    sio_jose_header_t  header;

    is_int(sio_jose_split(sio_cstr(HEADER "." CLAIMS "." SIGNATURE), &jose),
           SIO_OK, "the example of RFC 7515");
    is_int(jose.nparts, SIO_JOSE_JWS_PARTS, "is signed");
    is_str(jose.input, HEADER "." CLAIMS, "what was signed");
    is_str(jose.part[2], SIGNATURE, "the signature");
    is_str(decoded(jose.part[1]),
           "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n"
           " \"http://example.com/is_root\":true}", "its claims");

    is_int(sio_jose_header(&unit_mem, decoded(jose.part[0]), &header), SIO_OK,
           "its header");
    is_str(header.alg, "HS256", "its algorithm");
    ok(header.kid.data == NULL && header.enc.data == NULL, "and no more");

    is_int(sio_jose_split(sio_cstr(ENCRYPTED ".AA.AA.AA.AA"), &jose), SIO_OK,
           "the header of RFC 7516");
    is_int(jose.nparts, SIO_JOSE_JWE_PARTS, "is encrypted");
    is_int(sio_jose_header(&unit_mem, decoded(jose.part[0]), &header), SIO_OK,
           "its header");
    is_str(header.enc, "A256GCM", "its encryption");

    is_int(sio_jose_split(sio_cstr("eyJhbGciOiJub25lIn0." CLAIMS "."), &jose),
           SIO_OK, "RFC 7519, 6.1: an unsecured token");
    is_int(jose.part[2].len, 0, "has no signature");

    /* RFC 7515, C */

    is_mem(decoded(sio_cstr("A-z_4ME")).data, 5, "\x03\xec\xff\xe0\xc1", 5,
           "base64url without padding");
}


static void
test_split(void)
{
    size_t       i, parts;
    char         text[8];
    uint8_t     *p;
    sio_jose_t   jose;

    static const char *const  bad[] = {
        "", ".", "..", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", ".b.c", "....",
        ".b.c.d.e", "a.b.c.d.e.", "a.b.c.d.e.f.g.h.i.j"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(sio_jose_split(sio_cstr(bad[i]), &jose), SIO_ERROR,
               "\"%s\"", bad[i]);
    }

    /* each length of a token, before a page without access */

    for (i = 0; i <= sizeof("a.b.c"); i++) {
        p = guard_copy("a.b.c.", i);
        parts = i < 4 ? 0 : i < 6 ? 3 : 0;
        snprintf(text, sizeof(text), "%.*s", (int) i, "a.b.c.");

        is_int(sio_jose_split(sio_str(p, i), &jose) == SIO_OK ? jose.nparts
                                                              : 0,
               parts, "\"%s\"", text);
        guard_free(p, i);
    }

    p = malloc(SIO_JOSE_TOKEN_MAX + 1);
    memset(p, 'a', SIO_JOSE_TOKEN_MAX + 1);
    p[1] = p[3] = '.';

    is_int(sio_jose_split(sio_str(p, SIO_JOSE_TOKEN_MAX), &jose), SIO_OK,
           "the longest");
    is_int(sio_jose_split(sio_str(p, SIO_JOSE_TOKEN_MAX + 1), &jose),
           SIO_ERROR, "and longer");
    free(p);
}


static void
test_decode(void)
{
    size_t    i, len;
    uint8_t   bytes[64];

    static const char *const  bad[] = {
        "A", "AAAAA", "AA==", "AAA=", "=", "AB", "AAB", "A A", "A+", "A/",
        "AA\n", "AA.A", "\xc3\xa9"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(sio_jose_decode(sio_cstr(bad[i]), bytes, &len), SIO_ERROR,
               "\"%s\"", bad[i]);
    }

    is_int(sio_jose_decode(sio_cstr(""), bytes, &len), SIO_OK, "nothing");
    is_int(len, 0, "is nothing");
}


static void
test_header(void)
{
    size_t             i;
    sio_jose_header_t  header;

    static const char *const  bad[] = {
        "", "{}", "[]", "5", "\"x\"", "null", "{\"alg\":\"HS256\"",
        "{\"alg\":5}", "{\"alg\":null}", "{\"alg\":[\"HS256\"]}",
        "{\"alg\":\"a\",\"alg\":\"a\"}",
        "{\"alg\":\"a\",\"\\u0061lg\":\"a\"}",
        "{\"\\u0061lg\":\"a\",\"\\u0061\\u006cg\":\"a\"}",
        "{\"alg\":\"a\",\"x\":1,\"x\":1}",
        "{\"alg\":\"a\",\"kid\":5}", "{\"alg\":\"a\",\"enc\":{}}",
        "{\"alg\":\"a\",\"crit\":[\"exp\"]}", "{\"alg\":\"a\",\"crit\":[]}",
        "{\"alg\":\"a\",\"cri\\u0074\":[]}",
        "{\"alg\":\"a\",\"b64\":false}", "{\"alg\":\"a\",\"b64\":true}",
        "{\"alg\":\"a\",\"zip\":\"DEF\"}", "{\"alg\":\"a\",}",
        "{\"alg\":\"a\"}x"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(sio_jose_header(&unit_mem, sio_cstr(bad[i]), &header),
               SIO_ERROR, "%s", bad[i]);
    }

    is_int(sio_jose_header(&unit_mem, sio_cstr(
               " {\"x\":{\"alg\":1,\"crit\":2},\"alg\":\"ES256\","
               "\"kid\":\"a\\u0062c\",\"typ\":\"JWT\"} "), &header),
           SIO_OK, "members of members are others");
    is_str(header.alg, "ES256", "the algorithm");
    ok(sio_json_raw_eq(header.kid, sio_cstr("abc")), "an id with an escape");
    unit_mem_none_left("nothing is kept");
}


static void
test_bounds(void)
{
    int                i, rc;
    char               text[SIO_JOSE_HEADER_MAX + 64];
    size_t             len;
    sio_str_t          object;
    sio_jose_header_t  header;

    len = snprintf(text, sizeof(text), "{\"alg\":\"a\"");

    for (i = 0; i < SIO_JOSE_MEMBERS_MAX - 1; i++) {
        len += snprintf(text + len, sizeof(text) - len, ",\"%d\":1", i);
    }

    text[len] = '}';
    rc = sio_jose_object(&unit_mem, sio_str(text, len + 1), &object);
    is_int(rc, SIO_OK, "%d members", SIO_JOSE_MEMBERS_MAX);

    len += snprintf(text + len, sizeof(text) - len, ",\"x\":1}");
    rc = sio_jose_object(&unit_mem, sio_str(text, len), &object);
    is_int(rc, SIO_ERROR, "and one more");

    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"alg\":\"a\"}", 11);
    is_int(sio_jose_header(&unit_mem, sio_str(text, SIO_JOSE_HEADER_MAX),
                           &header), SIO_OK, "a long header");
    is_int(sio_jose_header(&unit_mem, sio_str(text, SIO_JOSE_HEADER_MAX + 1),
                           &header), SIO_ERROR, "a longer one");

    memset(text, '[', sizeof(text));
    memcpy(text, "{\"x\":", 5);
    is_int(sio_jose_object(&unit_mem, sio_str(text, 200), &object), SIO_ERROR,
           "too deep");
}


static void
test_no_memory(void)
{
    int                rc;
    unsigned           n, failed;
    sio_jose_header_t  header;

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        rc = sio_jose_header(&unit_mem, sio_cstr(
                 "{\"alg\":\"a\",\"\\u0078\":\"" LONG "\","
                 "\"\\u0079" LONG "\":1}"), &header);
        failed += (rc == SIO_NOMEM);
        ok(rc == SIO_OK || rc == SIO_NOMEM, "allocation %u", n);
        ok(unit_mem_ctx.live == 0, "leaves nothing");
    }

    ok(failed > 0, "some have failed");
}


int
main(void)
{
    unit_plan();

    test_rfc();
    test_split();
    test_decode();
    test_header();
    test_bounds();
    test_no_memory();

    return unit_done();
}
