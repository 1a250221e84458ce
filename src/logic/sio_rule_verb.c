/*
 * The table of verbs, and the short ones: join, leave, set, reject,
 * disconnect.
 */


#include "logic/sio_rule_check.h"
#include "logic/sio_rule_verb.h"


#define SIO_REJECT_CODE_MAX   64         /* bytes of a code of its own */
#define SIO_RULE_ROOMS_FIRST  8          /* of [*], before scratch is used */


typedef struct {
    unsigned    nrooms;
    sio_text_t  rooms[];
} sio_rule_rooms_t;


typedef struct {
    sio_str_t    name;
    sio_value_t  value;
} sio_rule_set_t;


typedef struct {
    sio_code_e   code;
    sio_str_t    custom;
    unsigned     text:1;                 /* there is a message */
    sio_text_t   message;
} sio_rule_reject_t;


static int sio_rule_join(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_leave(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_rooms(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs, sio_step_pt run);
static int sio_rule_set(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_reject(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_disconnect(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_join_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_leave_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_rooms_run(sio_run_t *run, const sio_rule_rooms_t *rooms,
    int (*each)(sio_run_t *run, sio_str_t room));
static int sio_rule_set_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_reject_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_disconnect_step(sio_run_t *run, const sio_step_t *step);


const sio_verb_t  sio_verbs[] = {

    /* name, min, max, sources, compile, usage */

    { sio_string("join"), 1, SIO_ARGS_MAX,
      SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT, sio_rule_join, " ROOM..." },

    { sio_string("leave"), 1, SIO_ARGS_MAX,
      SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT, sio_rule_leave, " ROOM..." },

    { sio_string("emit"), 3, SIO_ARGS_MAX, SIO_SOURCE_ALL, sio_rule_emit,
      " EVENT to ROOM...|all|self [except self|ROOM...] [with TEMPLATE...]"
      " [volatile] [mailbox[=KEY]] [throttle=TIME]" },

    { sio_string("relay"), 2, SIO_ARGS_MAX, SIO_SOURCE_EVENT, sio_rule_relay,
      " to ROOM...|all [except ROOM...] [with TEMPLATE...] [volatile]"
      " [throttle=TIME]" },

    { sio_string("ack"), 1, SIO_ARGS_MAX, SIO_SOURCE_EVENT|SIO_SOURCE_SERVER,
      sio_rule_ack, " TEMPLATE..." },

    { sio_string("reject"), 1, 2,
      SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT|SIO_SOURCE_API|SIO_SOURCE_SERVER,
      sio_rule_reject, " CODE [MESSAGE]" },

    { sio_string("set"), 2, 2, SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT,
      sio_rule_set, " NAME VALUE" },

    { sio_string("check"), 2, SIO_ARGS_MAX, SIO_SOURCE_ALL, sio_rule_check,
      " VALUE =|!=|~|!~ VALUE, or check in ROOM,"
      " check online USER" },

    { sio_string("expect"), 2, SIO_ARGS_MAX, SIO_SOURCE_ALL,
      sio_rule_expect, " VALUE TYPE [MIN..MAX] [\"~REGEX\"] [optional]" },

    { sio_string("limit"), 1, 3, SIO_SOURCE_ALL, sio_rule_limit,
      " RATE [burst=N] [key=VALUE]" },

    { sio_string("dedup"), 1, 2, SIO_SOURCE_EVENT|SIO_SOURCE_API,
      sio_rule_dedup, " VALUE [window=TIME]" },

    { sio_string("count"), 2, 2, SIO_SOURCE_ALL, sio_rule_count,
      " NAME ROOM" },

    { sio_string("mailbox"), 1, 2, SIO_SOURCE_ALL, sio_rule_mailbox,
      " flush, or mailbox drop KEY" },

    { sio_string("forward"), 1, 3, SIO_SOURCE_ALL, sio_rule_forward,
      " URI [timeout=TIME] [async]" },

    { sio_string("disconnect"), 0, 0, SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT,
      sio_rule_disconnect, "" },

    { sio_null_string, 0, 0, 0, NULL, NULL }
};


static int
sio_rule_join(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    return sio_rule_rooms(c, args, nargs, sio_rule_join_step);
}


static int
sio_rule_leave(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    return sio_rule_rooms(c, args, nargs, sio_rule_leave_step);
}


static int
sio_rule_rooms(sio_compile_t *c, const sio_str_t *args, unsigned nargs,
    sio_step_pt run)
{
    int                rc;
    unsigned           n;
    sio_rule_rooms_t  *rooms;

    rooms = sio_compile_alloc(c, sizeof(sio_rule_rooms_t)
                                 + (nargs - 1) * sizeof(sio_text_t));
    if (rooms == NULL) {
        return SIO_NOMEM;
    }

    for (n = 1; n < nargs; n++) {
        rc = sio_rule_room_own(c, &rooms->rooms[rooms->nrooms++], args[n]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return sio_rule_step(c, run, rooms);
}


static int
sio_rule_join_step(sio_run_t *run, const sio_step_t *step)
{
    return sio_rule_rooms_run(run, step->args, run->ops->join);
}


static int
sio_rule_leave_step(sio_run_t *run, const sio_step_t *step)
{
    return sio_rule_rooms_run(run, step->args, run->ops->leave);
}


static int
sio_rule_rooms_run(sio_run_t *run, const sio_rule_rooms_t *rooms,
    int (*each)(sio_run_t *run, sio_str_t room))
{
    int              rc;
    unsigned         n, i;
    sio_str_t        first[SIO_RULE_ROOMS_FIRST];
    sio_room_list_t  list;

    for (n = 0; n < rooms->nrooms; n++) {

        list.rooms = first;
        list.n = 0;
        list.cap = SIO_RULE_ROOMS_FIRST;

        rc = sio_run_rooms(run, &rooms->rooms[n], &list);
        if (rc != SIO_OK) {
            return rc;
        }

        for (i = 0; i < list.n; i++) {

            if (sio_room_reserved(list.rooms[i])) {
                return sio_run_fail(run, SIO_CODE_FORBIDDEN, "not allowed");
            }
        }

        for (i = 0; i < list.n; i++) {
            rc = each(run, list.rooms[i]);

            /* to leave where one is not is no failure */

            if (rc != SIO_OK
                && !(rc == SIO_DECLINED && each == run->ops->leave))
            {
                return sio_run_fail_result(run, rc);
            }
        }
    }

    return SIO_OK;
}


static int
sio_rule_set(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int              rc;
    sio_rule_set_t  *set;

    if (!sio_rule_word(args[1], 0)) {
        return sio_compile_error(c, "\"%.*s\" is not a name: it has letters,"
                                 " digits and underscores",
                                 sio_shown(args[1]));
    }

    set = sio_compile_alloc(c, sizeof(sio_rule_set_t));
    if (set == NULL) {
        return SIO_NOMEM;
    }

    if (sio_compile_copy(c, &set->name, args[1]) != SIO_OK) {
        return SIO_NOMEM;
    }

    rc = sio_value_compile(c, &set->value, args[2]);
    if (rc != SIO_OK) {
        return rc;
    }

    return sio_rule_step(c, sio_rule_set_step, set);
}


/*
 * A placeholder must not be stored: it would be sent later, without the
 * attachment that it stands for.
 */

static int
sio_rule_set_step(sio_run_t *run, const sio_step_t *step)
{
    int                    rc;
    sio_buf_t              buf;
    sio_str_t              json;
    sio_binary_t           met;
    const sio_rule_set_t  *set;

    set = step->args;

    rc = sio_value_json(run, &set->value, &json);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (run->attachments && run->attachments->n && json.len) {
        met.n = 0;
        sio_scratch_buf(run->scratch, &buf);

        rc = sio_binary_renumber(&buf, json, run->attachments, &met);
        if (rc != SIO_OK) {
            return sio_run_fail_result(run, rc);
        }

        if (met.n) {
            return sio_run_fail_value(run, SIO_CODE_INVALID, set->value.token,
                                      " must not be binary");
        }
    }

    rc = sio_socket_set(run->socket, set->name, json);

    if (rc == SIO_DECLINED) {
        return sio_run_fail_value(run, SIO_CODE_TOO_LARGE, set->value.token,
                                  " is too large to be stored");
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


static int
sio_rule_reject(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int                 rc;
    sio_code_e          code;
    sio_rule_reject_t  *reject;

    if (!sio_rule_word(args[1], 1)) {
        return sio_compile_error(c, "\"%.*s\" is not a code: it has letters,"
                                 " digits, underscores and hyphens",
                                 sio_shown(args[1]));
    }

    reject = sio_compile_alloc(c, sizeof(sio_rule_reject_t));
    if (reject == NULL) {
        return SIO_NOMEM;
    }

    for (code = SIO_CODE_INVALID; code < SIO_CODE_CUSTOM; code++) {
        if (sio_str_eq(args[1], sio_code_name(code))) {
            break;
        }
    }

    reject->code = code;

    if (sio_compile_copy(c, &reject->custom, args[1]) != SIO_OK) {
        return SIO_NOMEM;
    }

    if (nargs == 3) {
        reject->text = 1;

        rc = sio_text_compile_plain(c, &reject->message, args[2]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (sio_rule_step(c, sio_rule_reject_step, reject) != SIO_OK) {
        return SIO_NOMEM;
    }

    sio_rule_ends(c, sio_cstr("reject"));

    return SIO_OK;
}


static int
sio_rule_reject_step(sio_run_t *run, const sio_step_t *step)
{
    int                       rc;
    sio_str_t                 message;
    const sio_rule_reject_t  *reject;

    reject = step->args;

    message = sio_str("", 0);

    if (reject->text) {
        rc = sio_text_render_plain(run, &reject->message, &message);
        if (rc != SIO_OK) {
            return sio_run_fail_result(run, rc);
        }
    }

    run->rejected = 1;
    run->code = reject->code;
    run->message = message;

    if (reject->code == SIO_CODE_CUSTOM) {
        run->custom = reject->custom;
    }

    return SIO_ERROR;
}


static int
sio_rule_disconnect(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    if (sio_rule_step(c, sio_rule_disconnect_step, NULL) != SIO_OK) {
        return SIO_NOMEM;
    }

    sio_rule_ends(c, sio_cstr("disconnect"));

    return SIO_OK;
}


static int
sio_rule_disconnect_step(sio_run_t *run, const sio_step_t *step)
{
    int  rc;

    rc = run->ops->disconnect(run);

    return rc == SIO_OK ? SIO_DONE : sio_run_fail_result(run, rc);
}


int
sio_rule_word(sio_str_t s, int code)
{
    size_t   i;
    uint8_t  ch;

    if (s.len == 0 || s.len > SIO_REJECT_CODE_MAX) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        ch = s.data[i] | 0x20;

        if ((ch >= 'a' && ch <= 'z') || s.data[i] == '_'
            || (s.data[i] == '-' && code))
        {
            continue;
        }

        if (s.data[i] < '0' || s.data[i] > '9' || (i == 0 && !code)) {
            return 0;
        }
    }

    return 1;
}
