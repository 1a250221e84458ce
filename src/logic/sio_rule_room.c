/*
 * Rooms in rules: names that are checked as early as they are known.
 */


#include "logic/sio_rule_verb.h"


static const sio_str_t  sio_rule_room_user = sio_string("user:");


int
sio_rule_room(sio_compile_t *c, sio_text_t *room, sio_str_t token)
{
    int        rc;
    sio_str_t  name;

    if (token.len == 0) {
        return sio_compile_error(c, "the name of a room is empty");
    }

    rc = sio_text_compile_plain(c, room, token);
    if (rc != SIO_OK) {
        return rc;
    }

    if (room->args || (sio_text_literal(room, &name)
                       && !sio_room_name_valid(name)))
    {
        return sio_compile_error(c, "\"%.*s\" is not a name for a room: 1 to"
                                 " %d bytes without control characters",
                                 sio_shown(token), SIO_ROOM_MAX);
    }

    return SIO_OK;
}


int
sio_rule_room_own(sio_compile_t *c, sio_text_t *room, sio_str_t token)
{
    int        rc;
    sio_str_t  name;

    rc = sio_rule_room(c, room, token);
    if (rc != SIO_OK) {
        return rc;
    }

    if (token.len >= sio_rule_room_user.len
        && sio_str_eq(sio_str(token.data, sio_rule_room_user.len),
                      sio_rule_room_user))
    {
        return sio_compile_error(c, "\"%.*s\": the rooms of users are joined"
                                 " by authentication alone",
                                 sio_shown(token));
    }

    if (sio_text_literal(room, &name) && sio_room_reserved(name)) {
        return sio_compile_error(c, "\"%.*s\" looks like the id of a socket,"
                                 " which is a room of its own",
                                 sio_shown(token));
    }

    return SIO_OK;
}


int
sio_run_room(sio_run_t *run, const sio_text_t *text, sio_str_t *room)
{
    int        rc;
    sio_str_t  culprit;

    if (sio_text_literal(text, room)) {
        return SIO_OK;
    }

    rc = sio_text_render_name(run, text, room, &culprit);

    if (rc == SIO_ERROR) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, culprit,
                                  " must be a string or an integer");
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (!sio_room_name_valid(*room)) {
        return sio_run_fail(run, SIO_CODE_INVALID,
                            "not a name for a room");
    }

    return SIO_OK;
}
