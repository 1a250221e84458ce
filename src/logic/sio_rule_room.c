/*
 * Rooms in rules: names that are checked as early as they are known.
 */


#include "logic/sio_rule_emit.h"
#include "logic/sio_rule_verb.h"


static int sio_run_room_add(sio_run_t *run, const sio_text_t *text,
    sio_room_list_t *list);


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
sio_rule_room_each(sio_compile_t *c, sio_text_t *room, sio_str_t token)
{
    int  rc;

    c->each = 1;
    rc = sio_rule_room(c, room, token);
    c->each = 0;

    return rc;
}


int
sio_rule_room_is_user(const sio_text_t *room)
{
    return sio_room_user(room->token).data != NULL;
}


int
sio_rule_room_own(sio_compile_t *c, sio_text_t *room, sio_str_t token)
{
    int        rc;
    sio_str_t  name;

    rc = sio_rule_room_each(c, room, token);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_emit_param_like(token)) {
        return sio_compile_error(c, "\"%.*s\" is no room, it stands behind"
                                 " \"emit\" or \"relay\"",
                                 sio_shown(token));
    }

    if (sio_rule_room_is_user(room)) {
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
sio_run_name(sio_run_t *run, const sio_text_t *text, sio_str_t *name)
{
    int        rc;
    sio_str_t  culprit;

    if (sio_text_literal(text, name)) {
        return SIO_OK;
    }

    rc = sio_text_render_name(run, text, name, &culprit);

    if (rc == SIO_ERROR) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, culprit,
                                  " must be a string or an integer");
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


int
sio_run_key(sio_run_t *run, const sio_text_t *text, sio_str_t *key)
{
    int  rc;

    rc = sio_run_name(run, text, key);

    if (rc == SIO_OK && !sio_room_name_valid(*key)) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, text->token,
                                  " is not a key");
    }

    return rc;
}


int
sio_run_room(sio_run_t *run, const sio_text_t *text, sio_str_t *room)
{
    int  rc;

    rc = sio_run_name(run, text, room);
    if (rc != SIO_OK) {
        return rc;
    }

    if (text->template.nrefs && !sio_room_name_valid(*room)) {
        return sio_run_fail(run, SIO_CODE_INVALID,
                            "not a name for a room");
    }

    return SIO_OK;
}


int
sio_run_rooms(sio_run_t *run, const sio_text_t *text, sio_room_list_t *list)
{
    int         rc;
    sio_walk_t  walk;

    if (text->each == NULL) {
        return sio_run_room_add(run, text, list);
    }

    rc = sio_walk_begin(run, &walk, text->each);

    if (rc == SIO_DONE || rc == SIO_ERROR) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, text->each->token,
                                  " must be in an array");
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    while (rc == SIO_OK && sio_walk_next(run, &walk) == SIO_OK) {
        rc = sio_run_room_add(run, text, list);
    }

    sio_walk_end(run);

    return rc;
}


static int
sio_run_room_add(sio_run_t *run, const sio_text_t *text,
    sio_room_list_t *list)
{
    int        rc;
    sio_str_t  room;

    rc = sio_run_room(run, text, &room);

    return rc == SIO_OK ? sio_run_room_push(run, room, list) : rc;
}


int
sio_run_room_push(sio_run_t *run, sio_str_t room, sio_room_list_t *list)
{
    unsigned    cap;
    sio_str_t  *rooms;

    if (list->n == SIO_EMIT_ROOMS_MAX) {
        return sio_run_fail(run, SIO_CODE_TOO_LARGE, "too many rooms");
    }

    if (list->n == list->cap) {
        cap = 4 * list->cap;
        cap = cap < SIO_EMIT_ROOMS_MAX ? cap : SIO_EMIT_ROOMS_MAX;

        rooms = sio_scratch_alloc(run->scratch, cap * sizeof(sio_str_t));
        if (rooms == NULL) {
            return sio_run_fail_result(run, SIO_NOMEM);
        }

        memcpy(rooms, list->rooms, list->n * sizeof(sio_str_t));

        list->rooms = rooms;
        list->cap = cap;
    }

    list->rooms[list->n++] = room;

    return SIO_OK;
}
