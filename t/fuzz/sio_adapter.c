/*
 * Messages from other hosts: what is decoded is JSON with as many
 * placeholders as attachments, and encoded again it decodes to the same.
 */


#include "fuzz.h"
#include "codec/sio_adapter.h"
#include "codec/sio_event.h"


static void
fuzz_json(const sio_adapter_broadcast_t *b)
{
    sio_buf_t        buf;
    sio_json_info_t  info;

    static const sio_json_limits_t  limits = { SIO_JSON_DEPTH_MAX, 1 << 24 };

    sio_buf_init(&buf, &fuzz_mem, 1 << 24);

    check(sio_event_encode(&buf, b->event, b->args) == SIO_OK);
    check(sio_json_validate(sio_buf_str(&buf), &limits, &info, NULL)
          == SIO_OK);
    check(info.placeholders == b->attachments.n);
    check(info.placeholder_nums == ((uint64_t) 1 << b->attachments.n) - 1);
    check(!info.bad_placeholder);
    check(!sio_packet_reserved(b->event));

    sio_buf_free(&buf);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                  i;
    sio_buf_t                 buf, twice;
    sio_adapter_t             a, again;
    sio_adapter_broadcast_t   b, c;

    sio_adapter_init(&a, &fuzz_mem, 1 << 20);
    sio_adapter_init(&again, &fuzz_mem, 1 << 20);
    sio_buf_init(&buf, &fuzz_mem, 1 << 22);
    sio_buf_init(&twice, &fuzz_mem, 1 << 22);

    if (sio_adapter_broadcast_decode(&a, sio_str(data, size), &b) == SIO_OK) {
        fuzz_json(&b);

        check(sio_adapter_broadcast_encode(&buf, &b) == SIO_OK);
        check(sio_adapter_broadcast_decode(&again, sio_buf_str(&buf), &c)
              == SIO_OK);

        check(sio_str_eq(b.uid, c.uid));
        check(sio_str_eq(b.nsp, c.nsp));
        check(sio_str_eq(b.event, c.event));
        check(b.attachments.n == c.attachments.n);
        check(b.opts.nrooms == c.opts.nrooms);
        check(b.opts.nexcept == c.opts.nexcept);
        check(b.volatile_ == c.volatile_);

        for (i = 0; i < b.opts.nrooms; i++) {
            check(sio_str_eq(b.opts.rooms[i], c.opts.rooms[i]));
        }

        /* once through doubles, the text stays */

        check(sio_adapter_broadcast_encode(&twice, &c) == SIO_OK);
        check(sio_adapter_broadcast_decode(&a, sio_buf_str(&twice), &b)
              == SIO_OK);
        check(sio_str_eq(b.args, c.args));
    }

    sio_adapter_free(&a);
    sio_adapter_free(&again);
    sio_buf_free(&buf);
    sio_buf_free(&twice);

    return 0;
}
