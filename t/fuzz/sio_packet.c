/*
 * Socket.IO packets: what passes has the shape a receiver's decoder asks for
 * (jansson looks), encodes to a text that decodes to the same, and an event
 * put together from its name and arguments is the same event.
 */


#include <jansson.h>

#include "fuzz.h"
#include "codec/sio_binary.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"


static const sio_packet_limits_t  limits = { { 32, 1000 }, 10, 256 };


/* The numbers of the placeholders in a tree, as a reviver finds them. */

static void
fuzz_placeholders(json_t *tree, uint64_t *nums)
{
    size_t       i;
    json_t      *child;
    const char  *key;

    if (json_is_true(json_object_get(tree, "_placeholder"))) {
        child = json_object_get(tree, "num");
        check(json_is_integer(child));
        check(json_integer_value(child) >= 0);
        check(json_integer_value(child) < SIO_ATTACHMENTS);
        *nums |= 1ull << json_integer_value(child);
    }

    json_object_foreach(tree, key, child) {
        fuzz_placeholders(child, nums);
    }

    json_array_foreach(tree, i, child) {
        fuzz_placeholders(child, nums);
    }
}


static void
fuzz_shape(const sio_packet_t *pkt)
{
    json_t    *tree, *name;
    uint64_t   nums;

    if (pkt->data.len == 0) {
        check(pkt->type == SIO_CONNECT || pkt->type == SIO_DISCONNECT);
        return;
    }

    /* NULL: a lone surrogate or a number out of range, which we accept */

    tree = json_loadb((const char *) pkt->data.data, pkt->data.len,
                      JSON_ALLOW_NUL, NULL);
    if (tree == NULL) {
        return;
    }

    switch (pkt->type) {

    case SIO_CONNECT:
        check(json_is_object(tree));
        break;

    case SIO_EVENT:
    case SIO_BINARY_EVENT:
        name = json_array_get(tree, 0);
        check(json_is_string(name) || json_is_number(name));
        check(!json_is_string(name)
              || !sio_packet_reserved(sio_str(json_string_value(name),
                                              json_string_length(name))));
        break;

    default:
        check(pkt->type == SIO_ACK || pkt->type == SIO_BINARY_ACK);
        check(json_is_array(tree));
        check(pkt->id >= 0);
    }

    /* of members of one name jansson keeps the last: there may be fewer */

    nums = 0;
    fuzz_placeholders(tree, &nums);
    check((nums & ~((1ull << pkt->attachments) - 1)) == 0);

    json_decref(tree);
}


static void
fuzz_event(const sio_packet_t *pkt)
{
    unsigned     n;
    sio_buf_t    name, text;
    sio_str_t    value, again;
    sio_event_t  event, same;

    sio_event_parse(pkt->data, &event);

    if (sio_json_type(event.name) != SIO_JSON_STRING) {
        return;
    }

    sio_buf_init(&name, &fuzz_mem, pkt->data.len);
    sio_buf_init(&text, &fuzz_mem, pkt->data.len * 6 + 16);

    check(sio_json_unescape(&name, event.name) == SIO_OK);
    check(!sio_packet_reserved(sio_buf_str(&name)));
    check(sio_event_encode(&text, sio_buf_str(&name), event.args) == SIO_OK);

    sio_event_parse(sio_buf_str(&text), &same);

    check(sio_str_eq(event.args, same.args));

    for (n = 0; sio_event_arg(&event, n, &value) == SIO_OK; n++) {
        check(sio_event_arg(&same, n, &again) == SIO_OK);
        check(value.len && sio_str_eq(value, again));
    }

    check(sio_event_arg(&same, n, &again) == SIO_DECLINED);

    sio_buf_free(&name);
    sio_buf_free(&text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sio_buf_t     buf;
    sio_packet_t  pkt, again;

    if (sio_packet_decode(sio_str(data, size), &limits, &pkt) != SIO_OK) {
        check(pkt.error != NULL);
        return 0;
    }

    check(pkt.error == NULL);
    check(pkt.type != SIO_CONNECT_ERROR);
    check(pkt.nsp.len && pkt.nsp.len <= 256 && pkt.nsp.data[0] == '/');
    check(pkt.id >= SIO_NO_ID && pkt.id <= SIO_ID_MAX);
    check(sio_packet_is_binary(pkt.type) == (pkt.attachments != 0));
    check(pkt.attachments <= SIO_ATTACHMENTS);

    fuzz_shape(&pkt);

    sio_buf_init(&buf, &fuzz_mem, size + 16);

    check(sio_packet_encode(&buf, &pkt) == SIO_OK);
    check(buf.data[0] == '4');
    check(sio_packet_decode(sio_str(buf.data + 1, buf.len - 1), &limits,
                            &again) == SIO_OK);

    check(again.type == pkt.type);
    check(again.attachments == pkt.attachments);
    check(again.id == pkt.id);
    check(sio_str_eq(again.nsp, pkt.nsp));
    check(sio_str_eq(again.data, pkt.data));

    sio_buf_free(&buf);

    if (pkt.type == SIO_EVENT || pkt.type == SIO_BINARY_EVENT) {
        fuzz_event(&pkt);
    }

    return 0;
}
