/*
 * Cluster messages from other hosts: what is decoded can be written, as JSON
 * and as MessagePack, and decodes to the same again.  The first byte tells
 * whether the rest is a message or the data of an entry.
 */


#include "fuzz.h"
#include "codec/sio_cluster.h"


static void
fuzz_names(const sio_str_t *a, unsigned na, const sio_str_t *b, unsigned nb)
{
    unsigned  i;

    check(na == nb);

    for (i = 0; i < na; i++) {
        check(sio_str_eq(a[i], b[i]));
    }
}


static void
fuzz_same(const sio_cluster_t *m, const sio_cluster_t *n)
{
    const sio_adapter_broadcast_t  *a, *b;

    a = &m->request.broadcast;
    b = &n->request.broadcast;

    check(m->type == n->type);
    check(sio_str_eq(m->uid, n->uid));
    check(sio_str_eq(m->nsp, n->nsp));
    check(sio_str_eq(m->response.id, n->response.id));
    check(sio_str_eq(a->event, b->event));
    check(m->type != SIO_CLUSTER_DISCONNECT
          || m->request.close == n->request.close);
    check(m->type == SIO_CLUSTER_BROADCAST
          ? m->attachments.n == n->attachments.n
          : m->attachments.n >= n->attachments.n);

    fuzz_names(a->opts.rooms, a->opts.nrooms, b->opts.rooms, b->opts.nrooms);
    fuzz_names(a->opts.except, a->opts.nexcept, b->opts.except,
               b->opts.nexcept);

    if (m->type == SIO_CLUSTER_BROADCAST || m->type == SIO_CLUSTER_FETCH
        || m->type == SIO_CLUSTER_SERVER_EMIT)
    {
        check(sio_str_eq(m->request.id, n->request.id));
    }

    if (m->type == SIO_CLUSTER_JOIN || m->type == SIO_CLUSTER_LEAVE) {
        fuzz_names(m->request.rooms, m->request.nrooms, n->request.rooms,
                   n->request.nrooms);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                  rc;
    sio_buf_t            buf;
    sio_adapter_t        a, b;
    sio_cluster_t        m, n;
    sio_cluster_entry_t  e;

    if (size == 0) {
        return 0;
    }

    sio_adapter_init(&a, &fuzz_mem, 1 << 20);
    sio_adapter_init(&b, &fuzz_mem, 1 << 22);
    sio_buf_init(&buf, &fuzz_mem, 1 << 22);

    e.type = sio_str(data, 1);
    e.uid = sio_cstr("uid");
    e.nsp = sio_cstr("/");
    e.data = sio_str(data + 1, size - 1);

    rc = data[0] == 'm' ? sio_cluster_decode(&a, e.data, &m)
                        : sio_cluster_entry_decode(&a, &e, &m);

    (void) sio_cluster_is_own(e.data, e.uid, e.nsp);

    if (rc != SIO_OK) {
        goto done;
    }

    if (m.attachments.n == 0) {
        check(sio_cluster_encode(&b, &buf, &m, 0) == SIO_OK);
        check(sio_cluster_decode(&b, sio_buf_str(&buf), &n) == SIO_OK);
        fuzz_same(&m, &n);
    }

    /* what MessagePack has as a number need not be the same text again */

    sio_buf_reset(&buf);

    if (sio_cluster_encode(&b, &buf, &m, 1) == SIO_OK) {
        check(sio_cluster_decode(&b, sio_buf_str(&buf), &n) == SIO_OK);
        fuzz_same(&m, &n);
    }

    sio_buf_reset(&buf);

    if (sio_cluster_data_encode(&b, &buf, &m) == SIO_OK
        && m.type < 10)
    {
        uint8_t  type = (uint8_t) ('0' + m.type);

        e.type = sio_str(&type, 1);
        e.uid = m.uid;
        e.nsp = m.nsp;
        e.data = sio_buf_str(&buf);

        check(sio_cluster_entry_decode(&b, &e, &n) == SIO_OK);
        fuzz_same(&m, &n);
    }

done:

    sio_adapter_free(&a);
    sio_adapter_free(&b);
    sio_buf_free(&buf);

    return 0;
}
