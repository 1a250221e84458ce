/* sio_metrics: counters and gauges of JSON, labels, failing memory. */


#include "unit.h"
#include "codec/sio_metrics.h"


static const char *const  gauges[] = { "x_open", "x_deep_now", NULL };


static void
test_object(void)
{
    sio_buf_t  buf;

    sio_buf_init(&buf, &unit_mem, 4096);

    is_int(sio_metrics_object(&buf, sio_cstr("x"), sio_cstr("app=\"a\""),
               gauges,
               sio_cstr("{\"open\":3,\"in\":12,\"text\":\"7\",\"list\":[1],"
                        "\"deep\":{\"now\":true,\"out\":0},\"half\":1.5}")),
           SIO_OK, "an object");

    is_str(sio_buf_str(&buf),
           "# TYPE x_open gauge\nx_open{app=\"a\"} 3\n"
           "# TYPE x_in_total counter\nx_in_total{app=\"a\"} 12\n"
           "# TYPE x_deep_now gauge\nx_deep_now{app=\"a\"} 1\n"
           "# TYPE x_deep_out_total counter\nx_deep_out_total{app=\"a\"} 0\n",
           "numbers and booleans, objects in it, nothing else");

    sio_buf_reset(&buf);
    is_int(sio_metrics_object(&buf, sio_cstr("z"), sio_str(NULL, 0), NULL,
                              sio_cstr("{\"size\":1}")), SIO_OK, "gauges");
    is_str(sio_buf_str(&buf), "# TYPE z_size gauge\nz_size{} 1\n",
           "all of them");
    sio_buf_free(&buf);
}


static void
test_label(void)
{
    sio_buf_t  buf;

    sio_buf_init(&buf, &unit_mem, 4096);
    (void) sio_metrics_label(&buf, "a", sio_cstr("b\"c\\d\ne"));
    (void) sio_metrics_label(&buf, "f", sio_cstr(""));
    is_str(sio_buf_str(&buf), "a=\"b\\\"c\\\\d\\ne\",f=\"\"",
           "labels are escaped");
    sio_buf_free(&buf);
}


static void
test_each(void)
{
    sio_buf_t  buf;

    sio_buf_init(&buf, &unit_mem, 4096);

    is_int(sio_metrics_each(&buf, sio_cstr("n"), sio_cstr("app=\"a\""), "nsp",
               sio_cstr("{\"/\":{\"sockets\":1,\"online\":2},"
                        "\"/\\\"\\u0041\":{\"sockets\":3}}")),
           SIO_OK, "an object of objects");

    is_str(sio_buf_str(&buf),
           "# TYPE n_sockets gauge\n"
           "n_sockets{app=\"a\",nsp=\"/\"} 1\n"
           "n_sockets{app=\"a\",nsp=\"/\\\"A\"} 3\n"
           "# TYPE n_online gauge\n"
           "n_online{app=\"a\",nsp=\"/\"} 2\n",
           "a metric's lines stand together");

    sio_buf_reset(&buf);
    is_int(sio_metrics_each(&buf, sio_cstr("n"), sio_str(NULL, 0), "nsp",
                            sio_cstr("{}")), SIO_OK, "of none");
    is_int(buf.len, 0, "nothing");
    sio_buf_free(&buf);
}


static void
test_memory(void)
{
    int        rc;
    unsigned   n;
    sio_buf_t  buf;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 4096);
        rc = sio_metrics_each(&buf, sio_cstr("n"), sio_cstr("app=\"a\""),
                              "nsp", sio_cstr("{\"/\":{\"sockets\":1}}"));
        ok(rc == SIO_OK || rc == SIO_NOMEM, "allocation %u fails", n);
        sio_buf_free(&buf);
    }

    unit_mem_none_left("no leak");
}


int
main(void)
{
    unit_plan();
    test_object();
    test_label();
    test_each();
    test_memory();
    return unit_done();
}
