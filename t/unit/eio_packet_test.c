/*
 * Engine.IO packets: all seven types, and what is none.
 */


#include "unit.h"
#include "codec/eio_packet.h"


static void test_types(void);
static void test_refused(void);
static void test_binary(void);


int
main(void)
{
    unit_plan();

    test_types();
    test_refused();
    test_binary();

    return unit_done();
}


static void
test_types(void)
{
    int           type;
    uint8_t      *p;
    eio_packet_t  pkt;

    for (type = EIO_OPEN; type <= EIO_NOOP; type++) {
        p = guard_copy("4probe", 6);
        p[0] = eio_packet_char((eio_packet_e) type);

        is_int(eio_packet_decode(sio_str(p, 6), &pkt), SIO_OK,
               "type %d is decoded", type);
        is_int(pkt.type, type, "type %d is itself", type);
        is_str(pkt.data, "probe", "type %d has its data", type);
        ok(pkt.binary == 0, "type %d is text", type);
        ok(pkt.data.data == p + 1, "its data is a view");

        is_int(eio_packet_decode(sio_str(p, 1), &pkt), SIO_OK,
               "type %d without data", type);
        is_int(pkt.data.len, 0, "its data is empty");

        guard_free(p, 6);
    }
}


static void
test_refused(void)
{
    unsigned      ch, refused;
    uint8_t       byte;
    eio_packet_t  pkt;

    is_int(eio_packet_decode(sio_str(NULL, 0), &pkt), SIO_ERROR,
           "an empty message is refused");

    refused = 0;

    for (ch = 0; ch < 256; ch++) {
        byte = (uint8_t) ch;
        refused += eio_packet_decode(sio_str(&byte, 1), &pkt) == SIO_ERROR;
    }

    is_int(refused, 256 - 7, "every other byte is no type");

    is_int(eio_packet_decode(sio_cstr("abc"), &pkt), SIO_ERROR,
           "abc is refused");
}


static void
test_binary(void)
{
    eio_packet_t  pkt;

    eio_packet_binary(sio_str("\x01\x02\x03\x04", 4), &pkt);

    is_int(pkt.type, EIO_MESSAGE, "bytes are a message");
    ok(pkt.binary == 1, "a binary one");
    is_mem(pkt.data.data, pkt.data.len, "\x01\x02\x03\x04", 4,
           "without a type byte");
}
