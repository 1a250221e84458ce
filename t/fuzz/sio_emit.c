/*
 * Bodies of the API: what passes keeps every promise of the header, and an
 * emit written again from what was read reads the same.
 */


#include "fuzz.h"
#include "codec/sio_emit.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"
#include "codec/sio_utf8.h"


static const sio_json_limits_t  limits = { 32, 10000 };

/* an emit written again is two arrays deeper, and has more keys */

static const sio_json_limits_t  wider = { 34, 100000 };


static void
fuzz_emit(const sio_emit_t *e)
{
    unsigned         i;
    sio_str_t        list, value;
    sio_json_info_t  info;

    check(e->event.len && e->event.len <= SIO_EMIT_EVENT_MAX);
    check(sio_utf8_valid(e->event.data, e->event.len) == SIO_OK);
    check(!sio_packet_reserved(e->event));
    check(e->nsp.len && e->nsp.data[0] == '/');
    check(e->nrooms + e->nexcept <= SIO_EMIT_ROOMS_MAX);
    check(e->ack_msec <= SIO_EMIT_ACK_MAX);
    check(!(e->ack_msec && e->volatile_));
    check(!(e->target.len && e->nrooms));
    check(e->id.len <= SIO_EMIT_ID_MAX && !(e->id.len && e->ack_msec));
    check(e->mailbox_key.len <= SIO_EMIT_MAILBOX_MAX);
    check(e->mailbox || e->mailbox_key.len == 0);
    check(!e->mailbox || (e->nrooms && e->nexcept == 0 && e->ack_msec == 0
                          && !e->volatile_));

    for (i = 0; i < e->nrooms; i++) {
        check(sio_room_name_valid(e->rooms[i]));
    }

    for (i = 0; i < e->nexcept; i++) {
        check(sio_room_name_valid(e->except[i]));
    }

    list = e->args;

    if (sio_event_shift(&list, &value) == SIO_OK) {
        check(sio_str_eq(value, e->data));

    } else {
        check(e->data.len == 0);
    }

    list = e->args;

    while (sio_event_shift(&list, &value) == SIO_OK) {
        check(sio_json_validate(value, &limits, &info, NULL) == SIO_OK);
        check(info.placeholders == 0);
    }
}


static void
fuzz_put(sio_buf_t *buf, const char *text)
{
    check(sio_buf_append_str(buf, sio_cstr(text)) == SIO_OK);
}


static void
fuzz_put_rooms(sio_buf_t *buf, const char *key, const sio_str_t *rooms,
    unsigned n)
{
    unsigned  i;

    if (n == 0) {
        return;
    }

    fuzz_put(buf, key);

    for (i = 0; i < n; i++) {
        fuzz_put(buf, i ? "," : "");
        check(sio_json_quote(buf, rooms[i]) == SIO_OK);
    }

    fuzz_put(buf, "]");
}


static void
fuzz_write(sio_buf_t *buf, const sio_emit_t *e)
{
    fuzz_put(buf, "{\"event\":");
    check(sio_json_quote(buf, e->event) == SIO_OK);
    fuzz_put(buf, ",\"namespace\":");
    check(sio_json_quote(buf, e->nsp) == SIO_OK);

    fuzz_put(buf, ",\"args\":[");
    check(sio_buf_append_str(buf, e->args) == SIO_OK);
    fuzz_put(buf, "]");

    fuzz_put_rooms(buf, ",\"to\":[", e->rooms, e->nrooms);
    fuzz_put_rooms(buf, ",\"except\":[", e->except, e->nexcept);

    if (e->target.len) {
        fuzz_put(buf, ",\"target\":");
        check(sio_json_quote(buf, e->target) == SIO_OK);
    }

    if (e->id.len) {
        fuzz_put(buf, ",\"id\":");
        check(sio_json_quote(buf, e->id) == SIO_OK);
    }

    if (e->ack_msec) {
        fuzz_put(buf, ",\"ack\":");
        check(sio_buf_append_uint(buf, e->ack_msec) == SIO_OK);
    }

    fuzz_put(buf, e->volatile_ ? ",\"volatile\":true" : "");
    fuzz_put(buf, e->local ? ",\"local\":true}" : ",\"local\":false}");
}


static void
fuzz_compare(const sio_emit_t *a, const sio_emit_t *b)
{
    unsigned  i;

    check(sio_str_eq(a->event, b->event));
    check(sio_str_eq(a->nsp, b->nsp));
    check(sio_str_eq(a->args, b->args));
    check(sio_str_eq(a->data, b->data));
    check(sio_str_eq(a->target, b->target));
    check(a->nrooms == b->nrooms);
    check(a->nexcept == b->nexcept);
    check(a->ack_msec == b->ack_msec);
    check(sio_str_eq(a->id, b->id));
    check(a->volatile_ == b->volatile_);
    check(a->local == b->local);

    for (i = 0; i < a->nrooms; i++) {
        check(sio_str_eq(a->rooms[i], b->rooms[i]));
    }

    for (i = 0; i < a->nexcept; i++) {
        check(sio_str_eq(a->except[i], b->except[i]));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              rc;
    unsigned         i;
    sio_buf_t        buf;
    sio_emit_body_t  body, again;

    sio_emit_init(&body, &fuzz_mem);
    sio_emit_init(&again, &fuzz_mem);

    rc = sio_emit_parse(&body, sio_str(data, size), &limits);

    if (rc != SIO_OK) {
        check(rc == SIO_ERROR);
        check(body.read.error != NULL);
        check(memchr(body.read.path, '\0', sizeof(body.read.path)) != NULL);
        sio_emit_free(&body);
        return 0;
    }

    check(body.nemits && body.nemits <= SIO_EMIT_BATCH_MAX);
    check(body.read.batch || body.nemits == 1);

    sio_buf_init(&buf, &fuzz_mem, SIZE_MAX);

    for (i = 0; i < body.nemits; i++) {
        fuzz_emit(&body.emits[i]);
        fuzz_put(&buf, i ? "," : "[");
        fuzz_write(&buf, &body.emits[i]);
    }

    fuzz_put(&buf, "]");

    check(sio_emit_parse(&again, sio_buf_str(&buf), &wider) == SIO_OK);
    check(again.nemits == body.nemits);

    for (i = 0; i < body.nemits; i++) {
        fuzz_compare(&body.emits[i], &again.emits[i]);
    }

    sio_buf_free(&buf);
    sio_emit_free(&again);
    sio_emit_free(&body);

    return 0;
}
