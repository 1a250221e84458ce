/*
 * Messages of Node's Redis adapter and emitter, as captured from them.
 */


#include "sio_adapter_fixture.h"


static const struct {
    const char  *hex;
    const char  *uid;
    const char  *nsp;
    const char  *event;
    const char  *args;
    const char  *rooms;
    const char  *except;
    unsigned     attachments;
    unsigned     volatile_;
    unsigned     ours;           /* we write it byte for byte */
} vectors[] = {
    { "93a635345066395883a47479706502a46461746192a568656c6c6fa5776f726c64a3"
      "6e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380",
      "54Pf9X", "/", "hello", "\"world\"", "", "", 0, 0, 1 },
    { "93a635345066395883a47479706502a46461746194a568656c6c6f01a13281a16192"
      "c3c0a36e7370a12f83a5726f6f6d7391a5726f6f6d31a665786365707490a5666c61"
      "677380",
      "54Pf9X", "/", "hello", "1,\"2\",{\"a\":[true,null]}", "room1", "",
      0, 0, 1 },
    { "93a635345066395883a47479706502a46461746191a26576a36e7370a12f83a5726f"
      "6f6d7392a5726f6f6d31a5726f6f6d32a665786365707491a178a5666c61677382a8"
      "766f6c6174696c65c3a8636f6d7072657373c2",
      "54Pf9X", "/", "ev", "", "room1,room2", "x", 0, 1, 0 },
    { "93a635345066395883a47479706502a46461746192a362696ec403010203a36e7370"
      "a12f83a5726f6f6d7390a665786365707490a5666c61677380",
      "54Pf9X", "/", "bin", "{\"_placeholder\":true,\"num\":0}", "", "",
      1, 0, 1 },
    { "93a67569316f783083a47479706502a46461746191a568656c6c6fa36e7370a72f63"
      "7573746f6d83a5726f6f6d7390a665786365707490a5666c61677380",
      "ui1ox0", "/custom", "hello", "", "", "", 0, 0, 1 },
    { "93a653504a51574c83a47479706502a46461746191a162a36e7370a12f83a5726f6f"
      "6d7390a665786365707491b433326d734f7462746366696366704a7941414141a566"
      "6c61677380",
      "SPJQWL", "/", "b", "", "", "32msOtbtcficfpJyAAAA", 0, 0, 1 },
    { "93a653504a51574c83a47479706502a46461746191a16ea36e7370a12f83a5726f6f"
      "6d73917ba665786365707490a5666c61677380",
      "SPJQWL", "/", "n", "", "123", "", 0, 0, 0 },
    { "93a653504a51574c83a47479706502a46461746193a175c0d7ff1d5353006553f100"
      "a36e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380",
      "SPJQWL", "/", "u", "null,\"2023-11-14T22:13:20.123Z\"", "", "",
      0, 0, 0 },
    { "93a7656d697474657283a47479706502a46461746192a568656c6c6fa5776f726c64"
      "a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490",
      "emitter", "/", "hello", "\"world\"", "", "", 0, 0, 0 },
    { "93a7656d697474657283a47479706502a46461746193a568656c6c6f81a16ba176c4"
      "02ff00a36e7370a12f83a5726f6f6d7391a5726f6f6d31a5666c61677380a6657863"
      "65707490",
      "emitter", "/", "hello",
      "{\"k\":\"v\"},{\"_placeholder\":true,\"num\":0}", "room1", "",
      1, 0, 0 },
    { "93a7656d697474657283a47479706502a46461746191a165a36e7370a72f63757374"
      "6f6d83a5726f6f6d7392a161a162a5666c61677381a8766f6c6174696c65c3a66578"
      "6365707491a163",
      "emitter", "/custom", "e", "", "a,b", "c", 0, 1, 0 },
    { "93a7656d697474657283a47479706502a4646174619aa16ec0c3ffcd012ccb3ff800"
      "0000000000a9c3a9e282acf09f9880d7ff1d5353006553f1009080a36e7370a12f83"
      "a5726f6f6d7390a665786365707490a5666c61677380",
      "emitter", "/", "n", "null,true,-1,300,1.5,"
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\","
      "\"2023-11-14T22:13:20.123Z\",[],{}", "", "", 0, 0, 0 },
    { "93a7656d697474657282a47479706502a46461746191a56e6f6e737082a5726f6f6d"
      "7390a665786365707490",
      "emitter", "/", "nonsp", "", "", "", 0, 0, 0 }
};


static void
test_vectors(void)
{
    size_t                    i, len;
    uint8_t                   data[512], *p;
    sio_buf_t                 buf;
    sio_adapter_t             a;
    sio_adapter_broadcast_t   b;

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        len = bytes(vectors[i].hex, data);
        p = guard_copy(data, len);

        is_int(sio_adapter_broadcast_decode(&a, sio_str(p, len), &b), SIO_OK,
               "vector %d", (int) i);
        is_str(b.uid, vectors[i].uid, "uid");
        is_str(b.nsp, vectors[i].nsp, "namespace");
        is_str(b.event, vectors[i].event, "event");
        is_str(b.args, vectors[i].args, "arguments");
        is_str(sio_cstr(names(b.opts.rooms, b.opts.nrooms)),
               vectors[i].rooms, "rooms");
        is_str(sio_cstr(names(b.opts.except, b.opts.nexcept)),
               vectors[i].except, "except");
        is_int(b.attachments.n, vectors[i].attachments, "attachments");
        is_int(b.volatile_, vectors[i].volatile_, "volatile");

        if (vectors[i].ours) {
            sio_buf_init(&buf, &unit_mem, 100000);
            is_int(sio_adapter_broadcast_encode(&buf, &b), SIO_OK,
                   "encoded again");
            is_mem(buf.data, buf.len, p, len, "the same bytes");
            sio_buf_free(&buf);
        }

        guard_free(p, len);
    }

    sio_adapter_free(&a);
}


/* Every cut and every flipped bit: refused, or decoded to something. */

static void
test_damaged(void)
{
    size_t                    i, cut, len;
    uint8_t                   data[512], *p;
    sio_adapter_t             a;
    sio_adapter_broadcast_t   b;

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        len = bytes(vectors[i].hex, data);

        for (cut = 0; cut < len; cut++) {
            p = guard_copy(data, cut);

            if (sio_adapter_broadcast_decode(&a, sio_str(p, cut), &b)
                == SIO_OK)
            {
                ok(0, "vector %d cut at %d", (int) i, (int) cut);
            }

            guard_free(p, cut);
        }

        for (cut = 0; cut < 8 * len; cut++) {
            p = guard_copy(data, len);
            p[cut / 8] ^= (uint8_t) (1u << cut % 8);
            (void) sio_adapter_broadcast_decode(&a, sio_str(p, len), &b);
            guard_free(p, len);
        }
    }

    ok(1, "damaged messages do no harm");

    sio_adapter_free(&a);
}


static void
test_refused(void)
{
    size_t                    i, len;
    uint8_t                   data[512];
    sio_adapter_t             a;
    sio_adapter_broadcast_t   b;

    static const struct {
        const char  *hex;
        int          rc;
        const char  *what;
    } cases[] = {
        { "93a161" "82a47479706502a46461746191a7636f6e6e656374" "80",
          SIO_ERROR, "a reserved event" },
        { "93a161" "82a47479706502a46461746191a1ff" "80",
          SIO_ERROR, "a name that is no UTF-8" },
        { "93a161" "82a47479706503a46461746191a161" "80",
          SIO_DECLINED, "an ack" },
        { "93a161" "81a47479706502" "80", SIO_ERROR, "no data" },
        { "93a161" "82a47479706502a46461746190" "80", SIO_ERROR, "no event" },
        { "93a161" "82a47479706502a46461746191a161" "81a5726f6f6d73a178",
          SIO_ERROR, "rooms that are no array" },
        { "93a161" "82a47479706502a46461746191a161"
          "81a5726f6f6d7391c3", SIO_ERROR, "a room that is no name" },
        { "93a161" "82a47479706502a46461746191a161"
          "81a5726f6f6d73dc03e8", SIO_ERROR, "a thousand rooms, and none" }
    };

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = bytes(cases[i].hex, data);
        is_int(sio_adapter_broadcast_decode(&a, sio_str(data, len), &b),
               cases[i].rc, "%s", cases[i].what);
    }

    sio_adapter_free(&a);
}


static void
test_channels(void)
{
    sio_buf_t  buf;
    sio_str_t  nsp, tail, prefix;

    prefix = sio_cstr("socket.io");

    sio_buf_init(&buf, &unit_mem, 1000);

    (void) sio_adapter_channel(&buf, prefix, SIO_CHANNEL_BROADCAST,
                               sio_cstr("/"), sio_cstr("room1"));
    is_str(sio_buf_str(&buf), "socket.io#/#room1#", "a room's channel");
    is_int(sio_adapter_channel_parse(sio_buf_str(&buf), prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &tail),
           SIO_OK, "and back");
    is_str(nsp, "/", "its namespace");
    is_str(tail, "room1", "its room");
    is_int(sio_adapter_channel_parse(sio_buf_str(&buf), prefix,
                                     SIO_CHANNEL_REQUEST, &nsp, &tail),
           SIO_DECLINED, "which is none for requests");

    sio_buf_reset(&buf);
    (void) sio_adapter_channel(&buf, prefix, SIO_CHANNEL_RESPONSE,
                               sio_cstr("/a"), sio_str(NULL, 0));
    is_str(sio_buf_str(&buf), "socket.io-response#/a#", "for responses");

    is_int(sio_adapter_channel_parse(sio_cstr("socket.io#/#a#b#"), prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &tail),
           SIO_OK, "a room with a hash");
    is_str(tail, "a#b", "keeps it");

    is_int(sio_adapter_channel_parse(sio_cstr("socket.io#/"), prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &tail),
           SIO_DECLINED, "no channel");
    is_int(sio_adapter_channel_parse(sio_cstr("socket.io##"), prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &tail),
           SIO_DECLINED, "no namespace");

    sio_buf_free(&buf);
}


static void
test_failures(void)
{
    int                       n;
    size_t                    len;
    uint8_t                   data[512];
    sio_buf_t                 buf;
    sio_adapter_t             a;
    sio_adapter_broadcast_t   b;

    len = bytes(vectors[6].hex, data);

    for (n = 1; unit_mem_fail(n); n++) {
        sio_adapter_init(&a, &unit_mem, 100000);
        sio_buf_init(&buf, &unit_mem, 100000);

        if (sio_adapter_broadcast_decode(&a, sio_str(data, len), &b)
            == SIO_OK)
        {
            (void) sio_adapter_broadcast_encode(&buf, &b);
        }

        sio_adapter_free(&a);
        sio_buf_free(&buf);
    }

    ok(n > 1, "every allocation failed once");
}


int
main(void)
{
    unit_plan();

    test_vectors();
    test_damaged();
    test_refused();
    test_channels();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}
