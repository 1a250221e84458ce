/*
 * Fuzzes the unpacking of a record: any bytes at all.  What is taken must
 * make a consistent session, which packs to a record that is taken again;
 * what is refused must leave nothing.
 *
 * The first byte makes one allocation fail, or the zone be full.
 */


#include "../unit/sio_fixture.h"


static unsigned  fail_in;
static long      live;


static void
check(int fine)
{
    if (!fine) {
        abort();
    }
}


static void *
fuzz_alloc(void *ctx, size_t size)
{
    if (fail_in && --fail_in == 0) {
        return NULL;
    }

    /* what a record promises must not be believed */
    check(size < (1 << 20));

    live++;

    return malloc(size);
}


static void
fuzz_free(void *ctx, void *p)
{
    live--;
    free(p);
}


static const sio_mem_t  fuzz_mem = { fuzz_alloc, fuzz_free, NULL };


static fx_conn_t *
unpack(sio_str_t record)
{
    int          rc;
    uint8_t      type;
    fx_conn_t   *conn;
    sio_wire_t   r;

    conn = fx_new();

    if (sio_wire_open(&r, record.data, record.len, &type) == SIO_OK) {
        rc = sio_record_unpack(&conn->s, &conn->c, &r, fx.now);

    } else {
        rc = SIO_ERROR;
    }

    check(fx_check() == 0);

    if (rc == SIO_OK) {
        check(conn->s.state == EIO_STATE_OPEN);
        check(sio_record_movable(&conn->c));
        return conn;
    }

    check(conn->c.sockets == NULL && conn->c.pending == NULL);
    check(conn->c.captured == NULL && eio_outq_empty(&conn->s.out));
    check(fx.enrolled == 0 && fx.rooms == 0);

    fx_free(conn);
    check(live == 0 || fx.app.namespaces.count == 0);

    return NULL;
}


static void
pack(fx_conn_t *conn, sio_buf_t *buf)
{
    sio_wire_writer_t  w;

    sio_buf_init(buf, &fx_mem, 1 << 24);
    sio_wire_begin(&w, buf, 1);
    sio_record_pack(&conn->s, &conn->c, &w, fx.now);
    check(sio_wire_end(&w) == SIO_OK);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      len;
    fx_conn_t  *conn;
    sio_buf_t   first, second;

    if (size == 0) {
        return 0;
    }

    fail_in = (data[0] & 1) ? data[0] >> 2 : 0;
    live = 0;
    fx_quiet = 1;
    fx_init(&fuzz_mem);

    if (data[0] & 2) {
        fx.refuse_after = data[0] >> 2;
    }

    conn = unpack(sio_str(data + 1, size - 1));

    fail_in = 0;
    fx.refuse_after = FX_REFUSE;

    if (conn) {
        pack(conn, &first);
        fx_message(conn, 1, sio_cstr("bytes"));
        fx_text(conn, "42[\"a\"]");
        fx_close(conn);
        check(fx_check() == 0 && fx.enrolled == 0);

        conn = unpack(sio_buf_str(&first));
        check(conn != NULL);

        /* sockets in the other order, else the same */

        len = first.len;
        pack(conn, &second);
        check(second.len == len);

        sio_buf_free(&first);
        sio_buf_free(&second);
        fx_close(conn);
    }

    check(fx_check() == 0 && fx.app.namespaces.count == 0);
    fx_cleanup();
    check(live == 0);

    return 0;
}
