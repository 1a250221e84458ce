/*
 * Requests and answers from other hosts: what is decoded and can be written,
 * decodes to the same again.
 */


#include "fuzz.h"
#include "codec/sio_adapter_request.h"


static void
fuzz_names(const sio_str_t *a, unsigned na, const sio_str_t *b, unsigned nb)
{
    unsigned  i;

    check(na == nb);

    for (i = 0; i < na; i++) {
        check(sio_str_eq(a[i], b[i]));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sio_buf_t        buf;
    sio_adapter_t    a, again;
    sio_request_t    r, s;
    sio_response_t   answer;

    sio_adapter_init(&a, &fuzz_mem, 1 << 20);
    sio_adapter_init(&again, &fuzz_mem, 1 << 22);
    sio_buf_init(&buf, &fuzz_mem, 1 << 22);

    if (sio_adapter_request_decode(&a, sio_str(data, size), &r) == SIO_OK
        && r.type != SIO_REQUEST_BROADCAST && r.type != SIO_REQUEST_SOCKETS)
    {
        check(sio_adapter_request_encode(&buf, &r) == SIO_OK);
        check(sio_adapter_request_decode(&again, sio_buf_str(&buf), &s)
              == SIO_OK);

        check(r.type == s.type);
        check(sio_str_eq(r.uid, s.uid));
        check(sio_str_eq(r.id, s.id));

        if (r.type == SIO_REQUEST_SERVER_EMIT) {
            check(sio_str_eq(r.data, s.data));

        } else if (r.type != SIO_REQUEST_ALL_ROOMS) {
            fuzz_names(r.broadcast.opts.rooms, r.broadcast.opts.nrooms,
                       s.broadcast.opts.rooms, s.broadcast.opts.nrooms);
            fuzz_names(r.broadcast.opts.except, r.broadcast.opts.nexcept,
                       s.broadcast.opts.except, s.broadcast.opts.nexcept);
        }
    }

    (void) sio_adapter_response_decode(&a, sio_str(data, size), &answer);

    sio_adapter_free(&a);
    sio_adapter_free(&again);
    sio_buf_free(&buf);

    return 0;
}
