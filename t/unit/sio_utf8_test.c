/*
 * UTF-8: every code point, every invalid pair, any slicing, fail fast.
 */


#include "unit.h"
#include "codec/sio_utf8.h"


static size_t encode(uint8_t *p, uint32_t ch);
static void test_code_points(void);
static void test_leads(void);
static void test_table(void);
static void test_slices(void);
static void test_ascii_run(void);
static void test_length(void);


typedef struct {
    const char  *bytes;
    size_t       bad;     /* index of the first impossible byte */
} utf8_bad_t;


static const utf8_bad_t  bad_texts[] = {
    { "\x80", 0 },                      /* a continuation alone */
    { "abc\xbf", 3 },
    { "\xc0\x80", 0 },                  /* overlong */
    { "\xc1\xbf", 0 },
    { "\xe0\x9f\xbf", 1 },
    { "\xf0\x8f\xbf\xbf", 1 },
    { "\xed\xa0\x80", 1 },              /* a surrogate */
    { "\xed\xbf\xbf", 1 },
    { "\xf4\x90\x80\x80", 1 },          /* above U+10FFFF */
    { "\xf5\x80\x80\x80", 0 },
    { "\xfe", 0 },
    { "\xff", 0 },
    { "\xc3(", 1 },                     /* cut short by ASCII */
    { "\xe2\x82(", 2 },
    { "\xf0\x9f\x98(", 3 },
    { "\xe2\xe2\x82\xac", 1 },          /* cut short by another character */
    { "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80 edited", 12 },
    { "0123456789abcdef01234567\xff", 24 }
};

#define NBAD  (sizeof(bad_texts) / sizeof(bad_texts[0]))


int
main(void)
{
    unit_plan();

    test_code_points();
    test_leads();
    test_table();
    test_slices();
    test_ascii_run();
    test_length();

    return unit_done();
}


static size_t
encode(uint8_t *p, uint32_t ch)
{
    if (ch < 0x80) {
        p[0] = ch;
        return 1;
    }

    if (ch < 0x800) {
        p[0] = 0xc0 | ch >> 6;
        p[1] = 0x80 | (ch & 0x3f);
        return 2;
    }

    if (ch < 0x10000) {
        p[0] = 0xe0 | ch >> 12;
        p[1] = 0x80 | (ch >> 6 & 0x3f);
        p[2] = 0x80 | (ch & 0x3f);
        return 3;
    }

    p[0] = 0xf0 | ch >> 18;
    p[1] = 0x80 | (ch >> 12 & 0x3f);
    p[2] = 0x80 | (ch >> 6 & 0x3f);
    p[3] = 0x80 | (ch & 0x3f);
    return 4;
}


static void
test_code_points(void)
{
    int       expected;
    size_t    n, cut;
    uint8_t   p[4];
    uint32_t  ch, state;
    unsigned  wrong, torn;

    wrong = 0;
    torn = 0;

    for (ch = 0; ch < 0x120000; ch++) {
        n = encode(p, ch);
        expected = ((ch >= 0xd800 && ch < 0xe000) || ch > 0x10ffff) ? SIO_ERROR
                                                                    : SIO_OK;

        wrong += sio_utf8_valid(p, n) != expected;

        if (expected != SIO_OK) {
            continue;
        }

        for (cut = 1; cut < n; cut++) {
            state = SIO_UTF8_START;
            torn += sio_utf8_valid(p, cut) != SIO_ERROR;
            torn += sio_utf8_check(&state, p, cut) != SIO_AGAIN;
            torn += sio_utf8_check(&state, p + cut, n - cut) != SIO_OK;
            torn += state != SIO_UTF8_START;
        }
    }

    is_int(wrong, 0, "every code point, surrogates and beyond the last");
    is_int(torn, 0, "every code point cut at every byte");
}


/*
 * All pairs, and all triples with a lead byte for three or more, against the
 * definition: some code point is encoded so.
 */

static void
test_leads(void)
{
    int       expected;
    size_t    n;
    uint8_t   p[3], q[4];
    uint32_t  i, ch;
    unsigned  wrong;

    wrong = 0;

    for (i = 0; i < 0x10000; i++) {
        p[0] = i >> 8;
        p[1] = i;

        ch = (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        n = encode(q, ch);
        expected = (p[0] < 0x80 && p[1] < 0x80)
                   || (n == 2 && memcmp(p, q, 2) == 0);

        wrong += (sio_utf8_valid(p, 2) == SIO_OK) != expected;
    }

    is_int(wrong, 0, "all pairs of bytes");

    wrong = 0;

    for (i = 0; i < 0x100000; i++) {
        p[0] = 0xe0 | i >> 16;
        p[1] = i >> 8;
        p[2] = i;

        ch = (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        n = encode(q, ch);
        expected = n == 3 && memcmp(p, q, 3) == 0
                   && (ch < 0xd800 || ch > 0xdfff);

        wrong += (sio_utf8_valid(p, 3) == SIO_OK) != expected;
    }

    is_int(wrong, 0, "all triples with a lead byte above 0xdf");
}


static void
test_table(void)
{
    int        rc;
    size_t     i, n;
    uint8_t   *p;
    uint32_t   state;

    for (i = 0; i < NBAD; i++) {
        n = bad_texts[i].bad;

        p = guard_copy(bad_texts[i].bytes, n + 1);

        state = SIO_UTF8_START;
        rc = sio_utf8_check(&state, p, n);
        ok(rc != SIO_ERROR, "bad text %zu is fine before byte %zu", i, n);
        is_int(sio_utf8_check(&state, p + n, 1), SIO_ERROR,
               "bad text %zu is refused at byte %zu", i, n);
        is_int(sio_utf8_valid(p, n + 1), SIO_ERROR, "also at once");

        guard_free(p, n + 1);
    }

    is_int(sio_utf8_valid(NULL, 0), SIO_OK, "no text is valid");
}


static void
test_slices(void)
{
    int          rc, expected;
    size_t       i, j, len;
    uint8_t     *p;
    uint32_t     state;
    unsigned     wrong;
    const char  *text;

    text = "plain, \xc3\xa4\xc3\xb6\xc3\xbc, \xe2\x82\xac \xed\x9f\xbf "
           "\xee\x80\x80 \xf0\x9f\x98\x80\xf4\x8f\xbf\xbf and a long ascii run"
           "\xef\xbb\xbf";
    len = strlen(text);
    wrong = 0;

    for (i = 0; i <= len; i++) {

        p = guard_copy(text, i);

        /* a truncation is valid where a character begins */

        expected = (i == len || ((uint8_t) text[i] & 0xc0) != 0x80)
                   ? SIO_OK : SIO_AGAIN;

        state = SIO_UTF8_START;
        wrong += sio_utf8_check(&state, p, i) != expected;
        wrong += sio_utf8_valid(p, i)
                 != (expected == SIO_OK ? SIO_OK : SIO_ERROR);

        rc = sio_utf8_check(&state, (const uint8_t *) text + i, len - i);
        wrong += rc != SIO_OK;

        state = SIO_UTF8_START;
        rc = SIO_OK;

        for (j = 0; j < i; j++) {
            rc = sio_utf8_check(&state, p + j, 1);
            wrong += sio_utf8_check(&state, NULL, 0) != rc;
        }

        wrong += rc != expected;

        guard_free(p, i);
    }

    is_int(wrong, 0, "every truncation, every cut, byte by byte");
}


/* A bad byte at every place of a run that is checked by words. */

static void
test_ascii_run(void)
{
    size_t     i, start;
    uint8_t   *p;
    unsigned   wrong;

    wrong = 0;

    for (start = 0; start < 8; start++) {
        for (i = start; i < 40; i++) {
            p = guard_copy("0123456789012345678901234567890123456789", 40);

            wrong += sio_utf8_valid(p + start, 40 - start) != SIO_OK;
            p[i] |= 0x80;
            wrong += sio_utf8_valid(p + start, 40 - start) != SIO_ERROR;

            guard_free(p, 40);
        }
    }

    is_int(wrong, 0, "a bad byte anywhere in an ascii run");
}


static void
test_length(void)
{
    sio_str_t  s;

    s = sio_cstr("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");

    is_int(sio_utf8_length(s.data, s.len), 4, "characters, not bytes");
    is_int(sio_utf8_length(NULL, 0), 0, "no text has none");
}
