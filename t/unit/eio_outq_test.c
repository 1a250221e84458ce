/*
 * eio_outq: order, the bound, what volatile means, bytes offered stay, and a
 * random run against a model that keeps the bytes.
 */


#include "unit.h"
#include "logic/eio_outq.h"


static eio_outq_t  q;
static unsigned    dropped;


static eio_msg_t *
message(unsigned len, uint8_t ch, int is_volatile)
{
    uint8_t     text[70000];
    eio_msg_t  *msg;

    memset(text, ch, len);
    msg = eio_msg_create(&unit_mem, sio_str(text, len), NULL);

    if (msg) {
        msg->volatile_ = is_volatile ? 1 : 0;
    }

    return msg;
}


/* Push a message of len bytes of ch; in upper case it is volatile. */

static int
push(unsigned len, char ch, size_t max)
{
    int         rc;
    eio_msg_t  *msg;

    msg = message(len, (uint8_t) ch, ch >= 'A' && ch <= 'Z');
    if (msg == NULL) {
        return SIO_NOMEM;
    }

    rc = eio_outq_push(&q, &unit_mem, msg, max, &dropped);
    eio_msg_unref(&unit_mem, msg);

    return rc;
}


static size_t
peek(uint8_t *scratch, size_t cap, const uint8_t **data)
{
    sio_str_t  bytes;

    bytes = eio_outq_peek(&q, scratch, cap);
    *data = bytes.data;

    return bytes.len;
}


static void
start(void)
{
    eio_outq_init(&q);
    dropped = 0;
}


static int
same(const char *letters, size_t len)
{
    size_t                  n;
    const eio_outq_node_t  *node;

    n = 0;

    for (node = eio_outq_first(&q); node; node = node->next) {
        if (n == len || eio_msg_text(node->msg).data[0] != letters[n]) {
            return 0;
        }

        n++;
    }

    return n == len && q.bytes == 10 * len;
}


/* The first letters of all messages, as a polling answer has them. */

static void
is_queue(const char *expected, const char *name)
{
    size_t                  n;
    char                    letters[100];
    const eio_outq_node_t  *node;

    n = 0;

    for (node = eio_outq_first(&q); node && n < 100; node = node->next) {
        letters[n++] = (char) eio_msg_text(node->msg).data[0];
    }

    is_mem(letters, n, expected, strlen(expected), "%s", name);
}


static void
test_bound(void)
{
    start();

    is_int(push(8, 'a', 30), SIO_OK, "10 of 30 bytes");
    is_int(push(8, 'b', 30), SIO_OK, "20");
    is_int(push(8, 'c', 30), SIO_OK, "30");
    is_int(q.bytes, 30, "the bytes are counted");
    is_int(push(8, 'd', 30), SIO_DECLINED, "no more");
    is_int(push(8, 'D', 30), SIO_OK, "a volatile one is dropped");
    is_int(dropped, 1, "and counted");
    is_queue("abc", "the queue is as it was");
    eio_outq_free(&q, &unit_mem);
    is_int(q.bytes, 0, "free: no bytes");

    start();
    (void) push(8, 'A', 50);
    (void) push(8, 'b', 50);
    (void) push(8, 'C', 50);
    (void) push(8, 'D', 50);
    (void) push(8, 'e', 50);
    is_int(push(8, 'f', 50), SIO_OK, "a volatile one makes room");
    is_queue("bCDef", "the oldest");
    is_int(push(18, 'g', 50), SIO_OK, "two make room");
    is_queue("befg", "for a larger one");
    is_int(push(1, 'h', 50), SIO_DECLINED, "none is left");
    is_int(dropped, 3, "three were dropped");
    is_int(q.volatiles, 0, "none waits");
    (void) push(8, 'x', 100);
    is_queue("befgx", "the tail is in order after the last was dropped");
    eio_outq_free(&q, &unit_mem);

    start();
    (void) push(8, 'a', 20);
    (void) push(8, 'B', 20);
    is_int(push(8, 'c', 20), SIO_OK, "the last is dropped");
    is_queue("ac", "and its place taken");
    eio_outq_free(&q, &unit_mem);

    unit_mem_none_left("no leak");
}


/*
 * Anything in any order: compared with a string of letters, of which the
 * capitals are volatile.
 */

static void
test_order(void)
{
    char      model[40], letter;
    size_t    n, i, sent;
    uint32_t  seed;
    unsigned  step, wrong;
    uint8_t   scratch[400];

    start();

    n = 0;
    seed = 1;
    wrong = 0;

    for (step = 0; step < 20000 && !wrong; step++) {
        seed = seed * 1664525 + 1013904223;

        if ((seed >> 16) % 3) {
            letter = (char) ((seed >> 20) % 26 + ((seed >> 28) % 2 ? 'a'
                                                                   : 'A'));
            if (n < 30) {
                wrong += (push(8, letter, 1000) != SIO_OK);

            } else {
                wrong += (push(8, letter, 10 * n) == SIO_NOMEM);

                if (letter < 'a') {
                    continue;
                }

                for (i = 0; i < n && model[i] >= 'a'; i++) { /* void */ }

                if (i == n) {
                    continue;
                }

                memmove(model + i, model + i + 1, n - i - 1);
                n--;
            }

            model[n++] = letter;

        } else if (n) {
            sent = (seed >> 20) % n + 1;
            (void) eio_outq_peek(&q, scratch, 10 * sent);
            (void) eio_outq_sent(&q, &unit_mem, 10 * sent);
            n -= sent;
            memmove(model, model + sent, n);
        }

        wrong += !same(model, n);
    }

    is_int(wrong, 0, "20,000 steps, as a string would have it");

    eio_outq_free(&q, &unit_mem);
    unit_mem_none_left("no leak");
}


static void
test_offered(void)
{
    uint8_t         scratch[15];
    const uint8_t  *data;

    start();
    (void) push(8, 'A', 40);
    (void) push(8, 'B', 40);
    (void) push(8, 'C', 40);
    (void) push(8, 'D', 40);

    is_int(peek(scratch, 15, &data), 15, "one and a half");
    is_int(push(18, 'e', 40), SIO_OK, "two volatile ones make room");
    is_queue("ABe", "but none that is offered, not even in part");
    is_int(push(1, 'f', 40), SIO_DECLINED, "so it stays full");

    is_int(peek(scratch, 15, &data), 15, "the same again");
    is_mem(data, 15, "\x81\x08" "AAAAAAAA\x81\x08" "BBB", 15, "same bytes");

    is_int(eio_outq_sent(&q, &unit_mem, 15), 1, "one packet has ended");
    is_int(q.offered, 0, "all that was offered is sent");
    is_int(push(18, 'g', 40), SIO_DECLINED, "a message begun stays");
    is_queue("Be", "as the head");
    is_int(q.head_sent, 5, "half sent");
    eio_outq_free(&q, &unit_mem);

    start();
    (void) push(8, 'a', 100);
    (void) push(8, 'b', 100);
    is_int(peek(scratch, 10, &data), 10, "a head that fills");
    ok(data == q.head.msg->image, "is not copied");
    eio_outq_sent(&q, &unit_mem, 10);
    is_int(peek(scratch, 5, &data), 10, "the only one");
    ok(data == q.head.msg->image, "is not copied, whatever its size");
    eio_outq_sent(&q, &unit_mem, 10);
    ok(eio_outq_empty(&q), "empty");
    is_int(peek(scratch, 15, &data), 0, "nothing to offer");
    is_int(push(8, 'c', 100), SIO_OK, "the head is free again");
    is_int(peek(scratch, 5, &data), 10, "and used");
    is_int(eio_outq_sent(&q, &unit_mem, 10), 1, "sent");
    unit_mem_none_left("an empty queue owns no memory");
}


static void
test_payload(void)
{
    uint8_t       marks;
    sio_buf_t     buf;
    eio_msg_t    *msg;
    sio_binary_t  bin;

    start();
    marks = 0;
    sio_buf_init(&buf, &unit_mem, 100);

    is_int(eio_outq_payload(&q, &unit_mem, &buf, 16, 100, &marks), 0,
           "empty");

    (void) push(1, 'a', 100);
    (void) push(1, 'b', 100);
    (void) push(1, 'c', 100);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 2, 100, &marks), 2,
           "two packets");
    is_str(buf, "a\x1e" "b", "in order");
    is_int(q.bytes, 3, "one is left");

    sio_buf_reset(&buf);
    (void) push(1, 'd', 100);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 16, 1, &marks), 1,
           "one message, whatever its bytes");

    sio_buf_reset(&buf);
    bin.n = 2;
    bin.item[0] = bin.item[1] = sio_str("x", 1);
    msg = eio_msg_create(&unit_mem, sio_cstr("e"), &bin);
    (void) eio_outq_push(&q, &unit_mem, msg, 100, &dropped);
    eio_msg_unref(&unit_mem, msg);

    is_int(eio_outq_payload(&q, &unit_mem, &buf, 3, 100, &marks), 1,
           "a message is not torn");
    is_str(buf, "d", "the one before it");
    sio_buf_reset(&buf);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 1, 100, &marks), 1,
           "one message, whatever its packets");
    is_str(buf, "e\x1e" "beA==\x1e" "beA==", "whole");

    sio_buf_free(&buf);
    sio_buf_init(&buf, &unit_mem, 3);
    (void) push(2, 'f', 100);
    (void) push(2, 'g', 100);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 16, 100, &marks), 1,
           "buf is full");
    is_queue("g", "what did not fit waits");

    sio_buf_free(&buf);
    eio_outq_free(&q, &unit_mem);
    unit_mem_none_left("no leak");
}


/* Marks are passed where an answer gets to, and take no room in it. */

static eio_msg_t *
last(void)
{
    eio_outq_node_t  *node;

    for (node = &q.head; node->next; node = node->next) { /* void */ }

    return node->msg;
}


static void
test_marks(void)
{
    uint8_t    marks;
    unsigned   i;
    sio_buf_t  buf;

    static const char  letters[] = "22a2b22c2";

    start();
    marks = 0;
    sio_buf_init(&buf, &unit_mem, 100);

    for (i = 0; letters[i]; i++) {
        (void) push(1, letters[i], 100);
        if (letters[i] == '2') {
            last()->mark = 1;
        }
    }

    is_int(eio_outq_pass(&q, &unit_mem), 2, "marks: those in front");
    is_queue("a2b22c2", "marks: are gone");
    is_int(eio_outq_pass(&q, &unit_mem), 0, "marks: none is in front");
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 2, 100, &marks), 2,
           "marks: two messages");
    is_str(buf, "a\x1e" "b", "marks: none is in the payload");
    is_int(marks, 3, "marks: those between and behind are counted");
    is_queue("c2", "marks: what is left");
    is_int(q.bytes, 6, "marks: with its bytes");
    sio_buf_reset(&buf);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 2, 100, &marks), 1,
           "marks: the last message");
    is_int(marks, 4, "marks: and the last mark");
    is_int(q.bytes, 0, "marks: no byte is left");

    (void) push(1, '2', 100);
    last()->mark = 1;
    sio_buf_reset(&buf);
    is_int(eio_outq_payload(&q, &unit_mem, &buf, 2, 100, &marks), 0,
           "marks: a mark alone is no message");
    ok(marks == 5 && buf.len == 0 && eio_outq_empty(&q), "marks: but passed");

    sio_buf_free(&buf);
    eio_outq_free(&q, &unit_mem);
    unit_mem_none_left("no leak");
}


static void
test_memory(void)
{
    unsigned  n;

    for (n = 1; unit_mem_fail(n); n++) {
        start();

        if (push(4, 'a', 100) == SIO_OK && push(4, 'b', 100) != SIO_OK) {
            is_queue("a", "what waits stays");
        }

        eio_outq_free(&q, &unit_mem);
    }

    is_int(n, 5, "each allocation failed in turn");
    unit_mem_none_left("no leak");
}


/*
 * The bytes that come out are those that went in, without the messages that
 * were dropped: read back as frames, each whole, sequence numbers rising.
 */

static uint8_t  stream[1 << 22];
static size_t   stream_len;


static unsigned
stream_wrong(unsigned *frames)
{
    size_t    pos, head, len;
    unsigned  wrong, number, last;

    wrong = 0;
    last = 0;
    *frames = 0;

    for (pos = 0; pos < stream_len; pos += head + len) {
        head = 2;
        len = stream[pos + 1];

        if (len == 126) {
            head = 4;
            len = (size_t) (stream[pos + 2] << 8 | stream[pos + 3]);
        }

        number = (unsigned) atoi((char *) &stream[pos + head]);
        wrong += (stream[pos] != 0x81 || number <= last
                  || pos + head + len > stream_len);
        last = number;
        (*frames)++;
    }

    return wrong + (pos != stream_len);
}


static void
random_push(unsigned number, unsigned n)
{
    char        text[400];
    eio_msg_t  *msg;

    memset(text, ' ', sizeof(text));
    (void) snprintf(text, sizeof(text), "%u", number);

    msg = eio_msg_create(&unit_mem, sio_str(text, 12 + n % 300), NULL);
    msg->volatile_ = (n >> 9) & 1;
    (void) eio_outq_push(&q, &unit_mem, msg, 2000, &dropped);
    eio_msg_unref(&unit_mem, msg);
}


static void
test_random(void)
{
    size_t          len, again, kept, n_sent;
    uint8_t         scratch[512], before[2000];
    unsigned        n, round, frames, wrong;
    const uint8_t  *data;

    start();
    stream_len = 0;
    n = 7;
    wrong = 0;
    kept = 0;

    for (round = 1; stream_len + 2000 < sizeof(stream) && round < 100000;
         round++)
    {
        n = n * 1103515245 + 12345;

        if ((n >> 28) < 12) {
            random_push(round, n >> 8);
            wrong += (q.bytes > 2000);
            continue;
        }

        len = peek(scratch, sizeof(scratch), &data);

        if (len == 0) {
            continue;
        }

        /* What an earlier peek offered and was not sent comes again. */

        again = kept < len ? kept : len;
        wrong += (len < kept || memcmp(data, before, again) != 0);

        n_sent = (n >> 8) % (len + 1);
        memcpy(stream + stream_len, data, n_sent);
        stream_len += n_sent;

        kept = len - n_sent;
        memcpy(before, data + n_sent, kept);
        eio_outq_sent(&q, &unit_mem, n_sent);
    }

    while ((len = peek(scratch, sizeof(scratch), &data)) != 0) {
        memcpy(stream + stream_len, data, len);
        stream_len += len;
        eio_outq_sent(&q, &unit_mem, len);
    }

    is_int(wrong, 0, "random: offered bytes stay, the bound holds");
    is_int(stream_wrong(&frames), 0, "random: whole frames in order");
    ok(frames > 5000 && dropped > 1000, "random: %u frames, %u dropped",
       frames, dropped);
    is_int(q.bytes + q.offered + q.volatiles + q.head_sent, 0,
           "random: nothing is left");
    unit_mem_none_left("random: no leak");
}


static eio_msg_t *
instead(void *ctx, eio_msg_t *msg)
{
    return eio_msg_text(msg).data[0] == 'a' ? ctx : msg;
}


static void
test_replace(void)
{
    size_t          len;
    eio_msg_t      *other;
    const uint8_t  *data;
    uint8_t         scratch[8];

    start();
    push(4, 'a', 1000);
    push(4, 'b', 1000);
    push(4, 'a', 1000);

    len = peek(scratch, sizeof(scratch), &data);
    is_int(len, 8, "the first, and a part of the second, are offered");

    other = message(2, 'z', 0);
    eio_outq_replace(&q, &unit_mem, instead, other);

    is_int(q.bytes, 6 + 6 + 4, "the last is another one");
    is_int(other->refs, 2, "of which the queue has a reference");

    (void) eio_outq_sent(&q, &unit_mem, 8);
    len = peek(scratch, sizeof(scratch), &data);
    is_mem(data, len, "bbbb\x81\2zz", 8, "what was offered stays");

    eio_outq_free(&q, &unit_mem);
    eio_msg_unref(&unit_mem, other);
    unit_mem_none_left("replace: no leak");
}


int
main(void)
{
    unit_plan();
    test_bound();
    test_order();
    test_offered();
    test_payload();
    test_marks();
    test_memory();
    test_replace();
    test_random();
    return unit_done();
}
