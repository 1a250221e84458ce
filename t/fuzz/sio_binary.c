/*
 * Attachments: the text of a packet, and an order in which values are taken
 * from it.  What is put together from renumbered arguments is a packet that
 * decodes again, and each placeholder still stands for the same attachment.
 *
 * Input: one byte of attachments already taken (0 .. 10), then a packet.
 */


#include "fuzz.h"
#include "codec/sio_binary.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"


static const sio_packet_limits_t  limits = { { 32, 1000 }, 10, 256 };


/* Collect as many attachments as the packet wants, of one byte each. */

static void
fuzz_collect(sio_binary_pending_t *p, sio_str_t text, unsigned want)
{
    unsigned  i;
    uint8_t   ch;

    check(sio_binary_begin(p, &fuzz_mem, text, want) == SIO_OK);
    check(sio_str_eq(sio_str(p->text, p->text_len), text));

    for (i = 0; i < want; i++) {
        ch = (uint8_t) ('a' + i);

        check(sio_binary_add(p, sio_cstr("xxxxxxxxxxxxxxxxxx"), 16)
              == SIO_DECLINED);
        check(sio_binary_add(p, sio_str(&ch, 1), 16)
              == (i + 1 == want ? SIO_OK : SIO_AGAIN));
    }

    check(p->got.n == want && p->bytes == want);
    check(sio_binary_add(p, sio_str(NULL, 0), 16) == SIO_DECLINED);
}


/* The placeholders of both, met in the same order, mean the same bytes. */

static void
fuzz_same(sio_str_t a, const sio_binary_t *from, sio_str_t b,
    const sio_binary_t *to)
{
    int              n, m;
    sio_str_t        key, again, value, other;
    sio_json_iter_t  it, jt;

    n = sio_binary_placeholder(a);
    m = sio_binary_placeholder(b);

    check((n < 0) == (m < 0));

    if (n >= 0) {
        check((unsigned) n < from->n && (unsigned) m < to->n);
        check(sio_str_eq(from->item[n], to->item[m]));
        return;
    }

    check(sio_json_type(a) == sio_json_type(b));

    switch (sio_json_type(a)) {

    case SIO_JSON_ARRAY:
        sio_json_array_iter(&it, a);
        sio_json_array_iter(&jt, b);

        while (sio_json_array_next(&it, &value) == SIO_OK) {
            check(sio_json_array_next(&jt, &other) == SIO_OK);
            fuzz_same(value, from, other, to);
        }

        check(sio_json_array_next(&jt, &other) == SIO_DONE);
        break;

    case SIO_JSON_OBJECT:
        sio_json_object_iter(&it, a);
        sio_json_object_iter(&jt, b);

        while (sio_json_object_next(&it, &key, &value) == SIO_OK) {
            check(sio_json_object_next(&jt, &again, &other) == SIO_OK);
            check(sio_str_eq(key, again));
            fuzz_same(value, from, other, to);
        }

        check(sio_json_object_next(&jt, &key, &other) == SIO_DONE);
        break;

    default:
        check(sio_str_eq(a, b));
    }
}


/* Take the arguments one by one, behind the name, into a packet of ours. */

static void
fuzz_renumber(const sio_packet_t *pkt, const sio_binary_t *from,
    unsigned taken)
{
    int           rc;
    size_t        len;
    unsigned      n;
    sio_buf_t     buf;
    sio_str_t     list, value;
    sio_binary_t  to;

    sio_buf_init(&buf, &fuzz_mem, pkt->data.len * 20 + 100);

    for (to.n = 0; to.n < taken; to.n++) {
        to.item[to.n] = sio_str(pkt->data.data, 0);
    }

    list = sio_event_args(pkt->data);

    check(sio_buf_append_char(&buf, '[') == SIO_OK);

    while (sio_event_shift(&list, &value) == SIO_OK) {
        len = buf.len;
        n = to.n;

        rc = sio_binary_renumber(&buf, value, from, &to);

        if (rc != SIO_OK) {
            check(rc == SIO_DECLINED);
            check(buf.len == len && to.n == n);
            check(taken + from->n > SIO_ATTACHMENTS);
            sio_buf_free(&buf);
            return;
        }

        check(sio_buf_append_char(&buf, ',') == SIO_OK);
    }

    if (buf.data[buf.len - 1] == ',') {
        buf.len--;
    }

    check(sio_buf_append_char(&buf, ']') == SIO_OK);
    check(to.n >= taken && to.n <= taken + from->n);

    fuzz_same(pkt->data, from, sio_buf_str(&buf), &to);

    sio_buf_free(&buf);
}


/* What goes out passes our own decoder. */

static void
fuzz_whole(const sio_packet_t *pkt, const sio_binary_t *from)
{
    sio_buf_t     data, text;
    sio_binary_t  to;
    sio_packet_t  out, again;

    sio_buf_init(&data, &fuzz_mem, pkt->data.len * 20 + 100);
    sio_buf_init(&text, &fuzz_mem, pkt->data.len * 20 + 600);

    to.n = 0;
    check(sio_binary_renumber(&data, pkt->data, from, &to) == SIO_OK);

    out = *pkt;
    out.data = sio_buf_str(&data);
    out.attachments = to.n;

    if (to.n) {
        check(sio_packet_encode(&text, &out) == SIO_OK);
        check(sio_packet_decode(sio_str(text.data + 1, text.len - 1), &limits,
                                &again) == SIO_OK);
        check(again.attachments == to.n);
    }

    sio_buf_free(&data);
    sio_buf_free(&text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sio_buf_t             buf;
    sio_str_t             text;
    sio_packet_t          pkt;
    sio_binary_t          to;
    sio_binary_pending_t  p;

    if (size == 0) {
        return 0;
    }

    text = sio_str(data + 1, size - 1);

    if (sio_packet_decode(text, &limits, &pkt) != SIO_OK) {

        /* not valid: nothing but to stay within the bytes */

        fuzz_collect(&p, text, SIO_ATTACHMENTS);
        sio_buf_init(&buf, &fuzz_mem, size * 20 + 100);
        to.n = 0;

        if (size < 256) {
            (void) sio_binary_renumber(&buf, text, &p.got, &to);
            (void) sio_binary_placeholder(text);
        }

        sio_buf_free(&buf);
        sio_binary_free(&p);
        return 0;
    }

    if (!sio_packet_is_binary(pkt.type)) {
        return 0;
    }

    fuzz_collect(&p, text, pkt.attachments);
    fuzz_renumber(&pkt, &p.got, data[0] % (SIO_ATTACHMENTS + 1));
    fuzz_whole(&pkt, &p.got);
    sio_binary_free(&p);

    return 0;
}
