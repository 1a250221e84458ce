/*
 * The open packet: the five keys in order, all or nothing.
 */


#include <jansson.h>

#include "unit.h"
#include "codec/eio_open.h"


static void test_text(void);
static void test_parsed(void);
static void test_bounds(void);


static const eio_open_t  open_packet = {
    sio_string("lv_VI97HAXpY6yYWAAAB"), 1, 25000, 20000, 1000000
};


int
main(void)
{
    unit_plan();

    test_text();
    test_parsed();
    test_bounds();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_text(void)
{
    sio_buf_t   buf;
    eio_open_t  open;

    sio_buf_init(&buf, &unit_mem, 1000);

    is_int(eio_open_encode(&open_packet, &buf), SIO_OK, "polling");
    is_str(sio_buf_str(&buf),
           "0{\"sid\":\"lv_VI97HAXpY6yYWAAAB\",\"upgrades\":[\"websocket\"],"
           "\"pingInterval\":25000,\"pingTimeout\":20000,"
           "\"maxPayload\":1000000}", "the specification's example");

    open = open_packet;
    open.upgrade = 0;

    sio_buf_reset(&buf);

    is_int(eio_open_encode(&open, &buf), SIO_OK, "websocket");
    is_str(sio_buf_str(&buf),
           "0{\"sid\":\"lv_VI97HAXpY6yYWAAAB\",\"upgrades\":[],"
           "\"pingInterval\":25000,\"pingTimeout\":20000,"
           "\"maxPayload\":1000000}", "no upgrades");

    sio_buf_free(&buf);
}


static void
test_parsed(void)
{
    json_t      *tree;
    sio_buf_t    buf;
    eio_open_t   open;

    open = open_packet;
    open.ping_interval_msec = UINT32_MAX;
    open.ping_timeout_msec = UINT32_MAX;
    open.max_payload_bytes = UINT32_MAX;

    sio_buf_init(&buf, &unit_mem, 1000);

    is_int(eio_open_encode(&open, &buf), SIO_OK, "the greatest numbers");

    tree = json_loadb((char *) buf.data + 1, buf.len - 1, 0, NULL);

    ok(tree != NULL, "are JSON");
    is_int(json_object_size(tree), 5, "of five keys");
    is_int(json_integer_value(json_object_get(tree, "maxPayload")),
           UINT32_MAX, "and whole");

    json_decref(tree);
    sio_buf_free(&buf);
}


static void
test_bounds(void)
{
    size_t     max, len;
    unsigned   n, declined;
    sio_buf_t  buf;

    sio_buf_init(&buf, &unit_mem, 1000);
    (void) eio_open_encode(&open_packet, &buf);
    len = buf.len;
    sio_buf_free(&buf);

    declined = 0;

    for (max = 1; max <= len; max++) {
        sio_buf_init(&buf, &unit_mem, max);
        (void) sio_buf_append_char(&buf, 'x');

        declined += eio_open_encode(&open_packet, &buf) == SIO_DECLINED
                    && buf.len == 1;

        sio_buf_free(&buf);
    }

    is_int(declined, len, "a byte too little declines, and changes nothing");

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);

        if (eio_open_encode(&open_packet, &buf) != SIO_OK) {
            is_int(buf.len, 0, "allocation %u fails", n);
        }

        sio_buf_free(&buf);
    }
}
