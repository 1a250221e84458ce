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
read_id(const char *text, int rc, uint64_t msec, uint64_t seq,
    uint64_t behind)
{
    char             *guard;
    size_t            len;
    uint8_t           back[SIO_STREAM_ID_LEN];
    uint64_t          zeros;
    sio_stream_id_t   id;

    len = strlen(text);
    guard = (char *) guard_copy(text, len);

    is_int(sio_stream_id_read(sio_str(guard, len), &id, &zeros), rc, "%s",
           text);

    if (rc == SIO_OK) {
        ok(id.msec == msec && id.seq == seq && zeros == behind, "as it says");
        is_mem((char *) back, sio_stream_id_write(back, &id), text + zeros,
               len - zeros, "and back");
        is_int(sio_stream_id_read(sio_str(guard, len), &id, NULL),
               zeros ? SIO_ERROR : SIO_OK, "without zeros");
    }

    guard_free((uint8_t *) guard, len);
}


static void
test_ids(void)
{
    sio_stream_id_t  a = { 1, 2 }, b = { 1, 3 }, c = { 2, 0 };

    read_id("1763750000000-0", SIO_OK, 1763750000000, 0, 0);
    read_id("0-1", SIO_OK, 0, 1, 0);
    read_id("1-10", SIO_OK, 1, 10, 0);
    read_id("0001-10", SIO_OK, 1, 10, 3);
    read_id("18446744073709551615-18446744073709551615", SIO_OK, UINT64_MAX,
            UINT64_MAX, 0);

    read_id("", SIO_ERROR, 0, 0, 0);
    read_id("0", SIO_ERROR, 0, 0, 0);
    read_id("-", SIO_ERROR, 0, 0, 0);
    read_id("1-", SIO_ERROR, 0, 0, 0);
    read_id("-1", SIO_ERROR, 0, 0, 0);
    read_id("0-0", SIO_ERROR, 0, 0, 0);
    read_id("1-01", SIO_ERROR, 0, 0, 0);
    read_id("1-1 ", SIO_ERROR, 0, 0, 0);
    read_id("1-1-1", SIO_ERROR, 0, 0, 0);
    read_id("a-1", SIO_ERROR, 0, 0, 0);
    read_id("18446744073709551616-0", SIO_ERROR, 0, 0, 0);
    read_id("000000000000000000000000000000000000000001-1", SIO_ERROR, 0, 0,
            0);

    ok(sio_stream_id_cmp(&a, &b) < 0 && sio_stream_id_cmp(&c, &b) > 0
       && sio_stream_id_cmp(&a, &a) == 0, "they have an order");
}


static void
asked(const char *payload, int rc, uint64_t offset)
{
    char          *guard;
    size_t         len;
    sio_str_t      pid;
    sio_offset_t   n;

    len = strlen(payload);
    guard = (char *) guard_copy(payload, len);

    pid = sio_str(NULL, 0);
    is_int(sio_offset_asked(sio_str(guard, len), &pid, &n), rc, "%s", payload);

    if (rc == SIO_OK) {
        is_mem((char *) pid.data, pid.len, "abcdefghijklmnopqrs-", 20, "pid");
        ok(n.number == offset, "offset");
    }

    guard_free((uint8_t *) guard, len);
}


static void
test_asked(void)
{
    size_t        len;
    uint8_t       tail[SIO_OFFSET_TAIL_LEN];
    sio_offset_t  offset;

    memset(&offset, 0, sizeof(offset));

    offset.number = 1;
    len = sio_offset_tail(tail, &offset);
    is_mem((char *) tail, len, ",\"--------0\"]", 13, "a tail");

    offset.id.msec = 1763750000000;
    len = sio_offset_tail(tail, &offset);
    is_mem((char *) tail, len, ",\"01763750000000-0\"]", 20,
           "behind an entry");

    offset.number = SIO_OFFSET_BEHIND_MAX;
    offset.id.msec = UINT64_MAX;
    offset.id.seq = UINT64_MAX;
    ok(sio_offset_tail(tail, &offset) <= sizeof(tail), "the longest");

    asked("", SIO_DECLINED, 0);
    asked("{}", SIO_DECLINED, 0);
    asked("[\"pid\"]", SIO_DECLINED, 0);
    asked("{\"token\":\"x\"}", SIO_DECLINED, 0);

    asked("{\"pid\":\"abcdefghijklmnopqrs-\"}", SIO_OK, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"--------0\"}",
          SIO_OK, 1);
    asked("{\"offset\":\"-------00\",\"pid\":\"abcdefghijklmnopqrs-\",\"a\":1}",
          SIO_OK, 65);

    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"7-0\"}",
          SIO_OK, 0);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"0007-12\"}",
          SIO_OK, 3);
    asked("{\"pid\":\"abcdefghijklmnopqrs-\",\"offset\":\"7-\"}",
          SIO_ERROR, 0);

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
    test_ids();
    test_asked();

    return unit_done();
}
