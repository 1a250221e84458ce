/*
 * sio_offset: numbers as text and back, in order; what CONNECT payloads ask.
 */


#include "codec/sio_offset.h"
#include "unit.h"


static void
test_numbers(void)
{
    char      before[SIO_OFFSET_LEN], text[SIO_OFFSET_LEN];
    unsigned  i, wrong;
    uint64_t  n, back;

    sio_offset_encode((uint8_t *) before, 0);
    is_mem(before, SIO_OFFSET_LEN, "---------", 9, "nothing");

    sio_offset_encode((uint8_t *) text, SIO_OFFSET_MAX);
    is_mem(text, SIO_OFFSET_LEN, "zzzzzzzzz", 9, "the last one");

    wrong = 0;
    n = 1;

    for (i = 0; i < 4000; i++) {
        sio_offset_encode((uint8_t *) text, n);

        wrong += sio_offset_decode(sio_str(text, SIO_OFFSET_LEN), &back)
                 != SIO_OK;
        wrong += (back != n);
        wrong += memcmp(before, text, SIO_OFFSET_LEN) >= 0;

        memcpy(before, text, SIO_OFFSET_LEN);
        n += n / 150 + 1;
    }

    is_int(wrong, 0, "they come back, and compare as text");
    ok(n < SIO_OFFSET_MAX, "and were offsets");
}


static void
test_refused(void)
{
    unsigned      c, good;
    uint64_t      n;
    char          text[SIO_OFFSET_LEN + 1];

    good = 0;

    for (c = 0; c < 256; c++) {
        memset(text, 'A', sizeof(text));
        text[4] = (char) c;
        good += sio_offset_decode(sio_str(text, SIO_OFFSET_LEN), &n) == SIO_OK;
    }

    is_int(good, 64, "64 characters are digits");
    is_int(sio_offset_decode(sio_str("AAAAAAAAAA", 10), &n), SIO_ERROR,
           "too long");
    is_int(sio_offset_decode(sio_str("AAAAAAAA", 8), &n), SIO_ERROR,
           "too short");
    is_int(sio_offset_decode(sio_str(NULL, 0), &n), SIO_ERROR, "empty");
}


static void
asked(const char *payload, int rc, uint64_t offset)
{
    char       *guard;
    size_t      len;
    uint64_t    n;
    sio_str_t   pid;

    len = strlen(payload);
    guard = (char *) guard_copy(payload, len);

    pid = sio_str(NULL, 0);
    is_int(sio_offset_asked(sio_str(guard, len), &pid, &n), rc, "%s", payload);

    if (rc == SIO_OK) {
        is_mem((char *) pid.data, pid.len, "abcdefghijklmnopqrs-", 20, "pid");
        ok(n == offset, "offset");
    }

    guard_free((uint8_t *) guard, len);
}


static void
test_asked(void)
{
    uint8_t  tail[SIO_OFFSET_TAIL_LEN];

    sio_offset_tail(tail, 1);
    is_mem((char *) tail, sizeof(tail), ",\"--------0\"]", 13, "a tail");

    asked("", SIO_DECLINED, 0);
    asked("{}", SIO_DECLINED, 0);
    asked("[\"pid\"]", SIO_DECLINED, 0);
    asked("{\"token\":\"x\"}", SIO_DECLINED, 0);

    asked("{\"pid\":\"abcdefghijklmnopqrs-\"}", SIO_OK, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"--------0\"}",
          SIO_OK, 1);
    asked("{\"offset\":\"-------00\",\"pid\":\"abcdefghijklmnopqrs-\",\"a\":1}",
          SIO_OK, 65);

    asked("{\"pid\":1}", SIO_ERROR, 0);
    asked("{\"pid\":null}", SIO_ERROR, 0);
    asked("{\"pid\":\"\"}", SIO_ERROR, 0);
    asked("{\"pid\":[\"abcdefghijklmnopqr\"]}", SIO_ERROR, 0);
    asked("{\"pid\":\"abcdefghijklmnopqr\\\\n\"}", SIO_ERROR, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrst-\"}", SIO_ERROR, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":7}", SIO_ERROR, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"\"}", SIO_ERROR, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"--------!\"}",
          SIO_ERROR, 0);
}


int
main(void)
{
    test_numbers();
    test_refused();
    test_asked();

    return unit_done();
}
