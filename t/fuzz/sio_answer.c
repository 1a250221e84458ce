/*
 * Answers of applications: what passes keeps every promise of the header.
 */


#include "fuzz.h"
#include "codec/sio_answer.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"
#include "codec/sio_utf8.h"


static const sio_json_limits_t  limits = { 32, 10000 };


static void
fuzz_object(sio_str_t text)
{
    sio_json_info_t  info;

    if (text.len) {
        check(sio_json_type(text) == SIO_JSON_OBJECT);
        check(sio_json_validate(text, &limits, &info, NULL) == SIO_OK);
        check(info.placeholders == 0);
    }
}


static void
fuzz_rooms(const sio_str_t *rooms, unsigned n)
{
    while (n--) {
        check(sio_room_name_valid(rooms[n]) && !sio_room_reserved(rooms[n]));
    }
}


static void
fuzz_answer(const sio_answer_body_t *body)
{
    unsigned             i;
    sio_str_t            list, value;
    sio_json_info_t      info;
    const sio_answer_t  *a;

    a = &body->answer;

    fuzz_object(a->error);
    fuzz_object(a->set);
    fuzz_rooms(a->join, a->njoin);
    fuzz_rooms(a->leave, a->nleave);

    check(!(a->acks && a->error.len));
    check(a->code.len <= SIO_ANSWER_CODE_MAX);
    check(sio_utf8_valid(a->code.data, a->code.len) == SIO_OK);
    check(sio_utf8_valid(a->message.data, a->message.len) == SIO_OK);
    check(body->emit.nemits <= SIO_ANSWER_EMITS_MAX);

    list = a->ack;

    while (sio_event_shift(&list, &value) == SIO_OK) {
        check(sio_json_validate(value, &limits, &info, NULL) == SIO_OK);
        check(info.placeholders == 0);
    }

    for (i = 0; i < body->emit.nemits; i++) {
        check(body->emit.emits[i].event.len);
        check(!sio_packet_reserved(body->emit.emits[i].event));
        check(body->emit.emits[i].ack_msec == 0);
        check(body->emit.emits[i].target.len == 0);
        check(body->emit.emits[i].nsp.len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                rc;
    sio_answer_body_t  body;

    sio_answer_init(&body, &fuzz_mem, sio_cstr("/n"));

    rc = sio_answer_parse(&body, sio_str(data, size), &limits);

    if (rc == SIO_OK) {
        fuzz_answer(&body);

    } else {
        check(rc == SIO_ERROR);
        check(body.read.error != NULL);
        check(memchr(body.path, '\0', sizeof(body.path)) != NULL);
    }

    rc = sio_answer_error(&body, sio_str(data, size), &limits);

    if (rc == SIO_OK) {
        fuzz_object(body.answer.error);
        check(body.answer.error.len);

    } else {
        check(rc == SIO_DECLINED);
    }

    sio_answer_free(&body);

    return 0;
}
