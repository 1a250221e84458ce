/*
 * eio_msg: images, payloads, images from elsewhere, packed ones, failing
 * memory.
 */


#include "unit.h"
#include "logic/eio_msg.h"


static eio_msg_t *
from(const char *image, size_t len)
{
    uint8_t    *guard;
    eio_msg_t  *msg;

    guard = guard_copy(image, len);
    msg = eio_msg_from_image(&unit_mem, sio_str(guard, len));
    guard_free(guard, len);

    return msg;
}


static void
is_refused(const char *image, size_t len, const char *name)
{
    eio_msg_t  *msg;

    msg = from(image, len);
    ok(msg == NULL, "refused: %s", name);

    if (msg) {
        eio_msg_unref(&unit_mem, msg);
    }
}


static void
two_attachments(sio_binary_t *bin)
{
    bin->n = 2;
    bin->item[0] = sio_str("\1\2\3\4", 4);
    bin->item[1] = sio_str(NULL, 0);
}


static void
test_create(void)
{
    eio_msg_t     *msg;
    sio_buf_t      buf;
    sio_binary_t   bin;

    sio_buf_init(&buf, &unit_mem, 1000);

    msg = eio_msg_create(&unit_mem, sio_cstr("4hello"), NULL);
    is_mem(msg->image, msg->len, "\x81\x06" "4hello", 8, "a text frame");
    is_int(msg->packets, 1, "one packet");
    is_int(msg->refs, 1, "one reference");
    is_int(msg->volatile_, 0, "not volatile");
    is_str(eio_msg_text(msg), "4hello", "its text");
    is_int(eio_msg_payload(msg, &buf), SIO_OK, "to a payload");
    is_str(buf, "4hello", "the payload");

    ok(eio_msg_ref(msg) == msg, "a second reference");
    eio_msg_unref(&unit_mem, msg);
    is_int(msg->refs, 1, "is given back");
    eio_msg_unref(&unit_mem, msg);

    two_attachments(&bin);
    msg = eio_msg_create(&unit_mem, sio_cstr("452-[]"), &bin);
    is_mem(msg->image, msg->len, "\x81\x06" "452-[]\x82\x04\1\2\3\4\x82\0", 16,
           "text and attachments");
    is_int(msg->packets, 3, "three packets");
    is_int(eio_msg_payload(msg, &buf), SIO_OK, "appended to a payload");
    is_str(buf, "4hello\x1e" "452-[]\x1e" "bAQIDBA==\x1e" "b",
           "the payload with both");
    eio_msg_unref(&unit_mem, msg);

    bin.n = 1;
    msg = eio_msg_create(&unit_mem, sio_cstr(""), &bin);
    is_mem(msg->image, msg->len, "\x82\x04\1\2\3\4", 6, "binary alone");
    is_int(eio_msg_text(msg).len, 0, "has no text");
    eio_msg_unref(&unit_mem, msg);

    ok(eio_msg_create(&unit_mem, sio_cstr(""), NULL) == NULL, "nothing");

    sio_buf_free(&buf);
    unit_mem_none_left("all is given back");
}


static void
test_sizes(void)
{
    size_t      i, wrong;
    uint8_t    *text;
    eio_msg_t  *msg, *again;

    static const size_t  sizes[] = { 1, 125, 126, 127, 65535, 65536, 300000 };

    wrong = 0;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        text = malloc(sizes[i]);
        memset(text, '4', sizes[i]);

        msg = eio_msg_create(&unit_mem, sio_str(text, sizes[i]), NULL);
        wrong += (!sio_str_eq(eio_msg_text(msg), sio_str(text, sizes[i])));

        again = from((char *) msg->image, msg->len);
        wrong += (again == NULL || again->packets != 1
                  || !sio_str_eq(eio_msg_text(again),
                                 sio_str(text, sizes[i])));

        eio_msg_unref(&unit_mem, again);
        eio_msg_unref(&unit_mem, msg);
        free(text);
    }

    is_int(wrong, 0, "every length of a frame's head, there and back");
}


static void
test_image(void)
{
    size_t         i, whole;
    eio_msg_t     *msg, *cut;
    sio_binary_t   bin;
    char           many[2 * (SIO_ATTACHMENTS + 1)];

    two_attachments(&bin);
    msg = eio_msg_create(&unit_mem, sio_cstr("452-[]"), &bin);
    whole = 0;

    for (i = 0; i <= msg->len; i++) {
        cut = from((char *) msg->image, i);
        whole += (cut != NULL);

        if (cut) {
            eio_msg_unref(&unit_mem, cut);
        }
    }

    is_int(whole, 3, "every truncation: only whole frames are an image");
    eio_msg_unref(&unit_mem, msg);

    is_refused("", 0, "nothing");
    is_refused("\x81\x00", 2, "an empty text");
    is_refused("\x81\x01" "4\x81\x01" "4", 6, "two texts");
    is_refused("\x82\x01" "4\x81\x01" "4", 6, "a text behind binary");
    is_refused("\x01\x01" "4", 3, "a fragment");
    is_refused("\xc1\x01" "4", 3, "a reserved bit");
    is_refused("\x89\x00", 2, "a control frame");
    is_refused("\x81\x81" "aaaa4", 7, "a mask");
    is_refused("\x81\x7e\x00\x01" "4", 5, "a length of two bytes too many");
    is_refused("\x81\x7f\0\0\0\0\0\0\0\1" "4", 11, "of eight");
    is_refused("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff" "4", 11,
               "a length that overflows");

    for (i = 0; i < sizeof(many); i += 2) {
        many[i] = (char) 0x82;
        many[i + 1] = 0;
    }

    is_refused(many, sizeof(many), "too many attachments");

    msg = from(many, sizeof(many) - 2);
    ok(msg && msg->packets == SIO_ATTACHMENTS, "as many as allowed");
    eio_msg_unref(&unit_mem, msg);
}


static void
test_memory(void)
{
    unsigned       n;
    eio_msg_t     *msg;
    sio_buf_t      buf;
    sio_binary_t   bin;

    two_attachments(&bin);

    for (n = 1; unit_mem_fail(n); n++) {
        msg = eio_msg_create(&unit_mem, sio_cstr("452-[]"), &bin);
        if (msg == NULL) {
            continue;
        }

        sio_buf_init(&buf, &unit_mem, 1000);

        if (eio_msg_payload(msg, &buf) != SIO_OK && buf.len) {
            ok(0, "a failed payload leaves bytes behind");
        }

        sio_buf_free(&buf);
        eio_msg_unref(&unit_mem, msg);
    }

    ok(n > 2, "each allocation failed in turn");

    msg = eio_msg_create(&unit_mem, sio_cstr("452-[]"), &bin);
    sio_buf_init(&buf, &unit_mem, 8);
    is_int(eio_msg_payload(msg, &buf), SIO_DECLINED, "the payload is bounded");
    is_int(buf.len, 0, "and left as it was");
    sio_buf_free(&buf);
    eio_msg_unref(&unit_mem, msg);

    unit_mem_none_left("no leak");
}


/* Packs what begins with a 4 to its first two bytes. */

static int
pack(void *ctx, sio_str_t data, sio_buf_t *buf)
{
    (*(unsigned *) ctx)++;

    if (data.len < 3 || data.data[0] != '4') {
        return SIO_DECLINED;
    }

    return sio_buf_append(buf, data.data, 2);
}


static void
test_packed(void)
{
    unsigned       calls;
    eio_msg_t     *msg, *packed;
    sio_binary_t   bin;

    calls = 0;
    two_attachments(&bin);

    msg = eio_msg_create(&unit_mem, sio_cstr("42[\"a\"]"), &bin);
    msg->volatile_ = 1;

    packed = eio_msg_packed(msg, &unit_mem, 15, pack, &calls);

    ok(packed != msg, "it is another message");
    is_mem(packed->image, packed->len, "\xc1\x02" "42" "\x82\4\1\2\3\4\x82\0",
           12, "the text is packed, the attachments are not");
    is_int(packed->packets, 3, "as many packets");
    is_int(packed->volatile_, 1, "volatile, too");

    calls = 0;
    ok(eio_msg_packed(msg, &unit_mem, 15, pack, &calls) == packed,
       "it is made once");
    ok(eio_msg_packed(packed, &unit_mem, 15, pack, &calls) == packed,
       "packed is packed");
    ok(eio_msg_packed(msg, &unit_mem, 9, pack, &calls) == msg,
       "another way is not offered");
    is_int(calls, 0, "without another try");

    (void) eio_msg_ref(packed);
    eio_msg_unref(&unit_mem, msg);
    is_int(packed->refs, 1, "it outlives the message");
    eio_msg_unref(&unit_mem, packed);

    msg = eio_msg_create(&unit_mem, sio_cstr("2"), NULL);
    ok(eio_msg_packed(msg, &unit_mem, 15, pack, &calls) == msg,
       "what does not pack stays");
    calls = 0;
    ok(eio_msg_packed(msg, &unit_mem, 15, pack, &calls) == msg && calls == 0,
       "and is not tried again");
    eio_msg_unref(&unit_mem, msg);
    unit_mem_none_left("packed: no leak");
}


static void
test_packed_memory(void)
{
    unsigned    n, calls;
    eio_msg_t  *msg, *packed;

    for (n = 1; unit_mem_fail(n); n++) {
        msg = eio_msg_create(&unit_mem, sio_cstr("42[\"a\"]"), NULL);

        if (msg) {
            packed = eio_msg_packed(msg, &unit_mem, 15, pack, &calls);
            ok(packed == msg || packed->len == 4, "allocation %u fails", n);
            eio_msg_unref(&unit_mem, msg);
        }
    }

    unit_mem_none_left("packed: no leak when memory fails");
}


static void
extended(const char *text, size_t len, const sio_binary_t *bin)
{
    char        want[400];
    unsigned    n;
    eio_msg_t  *msg, *copy, *again;

    msg = eio_msg_create(&unit_mem, sio_str(text, len), bin);
    msg->volatile_ = 1;

    copy = NULL;

    for (n = 1; unit_mem_fail(n); n++) {
        copy = eio_msg_extend(&unit_mem, msg, sio_str(",\"x\"]", 5));

        if (copy) {
            break;
        }
    }

    unit_mem_fail(0);

    memcpy(want, text, len - 1);
    memcpy(want + len - 1, ",\"x\"]", 5);

    is_mem((char *) eio_msg_text(copy).data, eio_msg_text(copy).len, want,
           len + 4, "one more argument");
    ok(copy->volatile_ && copy->packets == msg->packets, "else the same");

    again = eio_msg_from_image(&unit_mem, sio_str(copy->image, copy->len));
    ok(again != NULL, "it is an image");

    eio_msg_unref(&unit_mem, again);
    eio_msg_unref(&unit_mem, copy);
    eio_msg_unref(&unit_mem, msg);
}


static void
test_extend(void)
{
    char           long_text[125];
    eio_msg_t     *msg;
    sio_binary_t   bin;

    two_attachments(&bin);

    extended("42[\"a\"]", 7, NULL);
    extended("452-[\"a\",{},{}]", 15, &bin);

    memset(long_text, 'a', sizeof(long_text));
    memcpy(long_text, "42[\"", 4);
    memcpy(long_text + 123, "\"]", 2);
    extended(long_text, 125, &bin);

    msg = eio_msg_create(&unit_mem, sio_cstr("40{}"), NULL);
    ok(eio_msg_extend(&unit_mem, msg, sio_cstr(",1]")) == NULL, "no array");
    eio_msg_unref(&unit_mem, msg);

    msg = eio_msg_create(&unit_mem, sio_str(NULL, 0), &bin);
    ok(eio_msg_extend(&unit_mem, msg, sio_cstr(",1]")) == NULL, "no text");
    eio_msg_unref(&unit_mem, msg);
}


int
main(void)
{
    unit_plan();
    test_create();
    test_extend();
    test_sizes();
    test_image();
    test_memory();
    test_packed();
    test_packed_memory();
    return unit_done();
}
