/*
 * The kinds of values that need nothing but a run.
 */


#include "codec/eio_query.h"
#include "codec/sio_date.h"
#include "logic/sio_client.h"
#include "logic/sio_rule.h"
#include "logic/sio_rule_emit.h"


#define SIO_UUID_LEN     36

#define SIO_SOURCE_PAYLOAD  (SIO_SOURCE_ALL & ~SIO_SOURCE_LIFE)


static int sio_value_found(sio_str_t root, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_data(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_args(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_args_compile(sio_compile_t *c, sio_value_t *value);
static int sio_value_user(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_auth(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_claim(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_socket(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_socket_compile(sio_compile_t *c, sio_value_t *value);
static int sio_value_stored(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_event(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_namespace(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_transport(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_reason(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_now(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_now_msec(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_uuid(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_sent(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_sent_compile(sio_compile_t *c, sio_value_t *value);


const sio_value_kind_t  sio_value_kinds[] = {

    /* name, sources, path, plain, get, compile */

    { sio_string("data"), SIO_SOURCE_PAYLOAD, 1, 0, sio_value_data, NULL },
    { sio_string("args"), SIO_SOURCE_PAYLOAD, 1, 0, sio_value_args,
      sio_value_args_compile },
    { sio_string("user"), SIO_SOURCE_USER, 0, 1, sio_value_user, NULL },
    { sio_string("auth"), SIO_SOURCE_SOCKET, 1, 0, sio_value_auth, NULL },
    { sio_string("claim"), SIO_SOURCE_SOCKET, 1, 0, sio_value_claim, NULL },
    { sio_string("socket"), SIO_SOURCE_SOCKET, 1, 1, sio_value_socket,
      sio_value_socket_compile },
    { sio_string("event"), SIO_SOURCE_PAYLOAD, 0, 1, sio_value_event, NULL },
    { sio_string("namespace"), SIO_SOURCE_ALL, 0, 1, sio_value_namespace,
      NULL },
    { sio_string("transport"), SIO_SOURCE_SOCKET, 0, 1, sio_value_transport,
      NULL },
    { sio_string("reason"), SIO_SOURCE_DISCONNECT, 0, 1, sio_value_reason,
      NULL },
    { sio_string("now"), SIO_SOURCE_ALL, 0, 1, sio_value_now, NULL },
    { sio_string("now_ms"), SIO_SOURCE_ALL, 0, 0, sio_value_now_msec, NULL },
    { sio_string("uuid"), SIO_SOURCE_ALL, 0, 1, sio_value_uuid, NULL },
    { sio_string("sent"), SIO_SOURCE_ALL, 1, 0, sio_value_sent,
      sio_value_sent_compile },

    { sio_null_string, 0, 0, 0, NULL, NULL }
};


/* Follow the path of value from root. */

static int
sio_value_found(sio_str_t root, const sio_value_t *value, sio_str_t *out)
{
    if (sio_json_lookup(root, value->steps, value->nsteps, out) != SIO_OK) {
        *out = sio_str(NULL, 0);
    }

    return SIO_OK;
}


static int
sio_value_data(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    sio_str_t  arg;

    if (sio_walk_recall(run, value, out) == SIO_OK) {
        return SIO_OK;
    }

    if (sio_event_arg(&run->payload, value->index, &arg) == SIO_OK) {
        (void) sio_value_found(arg, value, out);

    } else {
        *out = sio_str(NULL, 0);
    }

    sio_walk_note(run, value, *out);

    return SIO_OK;
}


/* "$args" as a value among others is an array. */

static int
sio_value_args(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    uint8_t    *p;
    sio_str_t   args;

    args = run->payload.args;

    p = sio_scratch_alloc(run->scratch, args.len + 2);
    if (p == NULL) {
        return SIO_NOMEM;
    }

    p[0] = '[';

    if (args.len) {
        memcpy(p + 1, args.data, args.len);
    }

    p[args.len + 1] = ']';

    *out = sio_str(p, args.len + 2);

    return SIO_OK;
}


/* "$args[1].x" is "$[1].x". */

static int
sio_value_args_compile(sio_compile_t *c, sio_value_t *value)
{
    if (value->nsteps == 0) {
        return SIO_OK;
    }

    if (value->steps[0].type != SIO_JSON_INDEX) {
        return sio_compile_error(c, "\"$args\" is a list: its members are"
                                 " $args[0] and so on");
    }

    value->get = sio_value_data;
    value->index = value->steps[0].index;
    value->steps++;
    value->nsteps--;

    return SIO_OK;
}


static int
sio_value_user(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    *out = run->socket ? sio_socket_user(run->socket) : run->user;

    return SIO_OK;
}


static int
sio_value_auth(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    sio_str_t  auth;

    if (sio_walk_recall(run, value, out) == SIO_OK) {
        return SIO_OK;
    }

    auth = sio_cstr("{}");

    if (run->socket && run->socket->auth) {
        auth = sio_socket_auth(run->socket);
    }

    (void) sio_value_found(auth, value, out);
    sio_walk_note(run, value, *out);

    return SIO_OK;
}


/* What a token says of its user: of one that has no claims, nothing. */

static int
sio_value_claim(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    sio_claimed_t  claimed;

    if (sio_walk_recall(run, value, out) == SIO_OK) {
        return SIO_OK;
    }

    sio_identity_claimed(run->socket ? run->socket->identity : NULL, &claimed);

    (void) sio_value_found(claimed.claims.len ? claimed.claims
                                              : sio_cstr("{}"), value, out);
    sio_walk_note(run, value, *out);

    return SIO_OK;
}


static int
sio_value_socket(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    *out = run->socket ? sio_socket_sid(run->socket) : sio_str(NULL, 0);

    return SIO_OK;
}


static int
sio_value_socket_compile(sio_compile_t *c, sio_value_t *value)
{
    if (value->nsteps == 0 && !value->each) {
        return SIO_OK;
    }

    if (value->nsteps == 0 || value->steps[0].type != SIO_JSON_MEMBER) {
        return sio_compile_error(c, "\"%.*s\": what is stored on the socket"
                                 " has a name, as in $socket.name",
                                 sio_shown(value->token));
    }

    value->get = sio_value_stored;
    value->plain = 0;
    value->name = value->steps[0].name;
    value->steps++;
    value->nsteps--;

    return SIO_OK;
}


static int
sio_value_stored(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    sio_str_t  json;

    if (run->socket == NULL
        || sio_socket_get(run->socket, value->name, &json) != SIO_OK)
    {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    return sio_value_found(json, value, out);
}


static int
sio_value_event(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    *out = run->event.len ? run->event : sio_str("", 0);

    return SIO_OK;
}


static int
sio_value_namespace(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    *out = run->nsp;

    return SIO_OK;
}


static int
sio_value_transport(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    if (run->socket == NULL) {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    *out = run->socket->client->session->transport == EIO_WEBSOCKET
           ? sio_cstr("websocket") : sio_cstr("polling");

    return SIO_OK;
}


static int
sio_value_reason(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    *out = run->reason;

    return SIO_OK;
}


static int
sio_value_now(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    uint8_t  *text;

    text = sio_scratch_alloc(run->scratch, SIO_DATE_LEN);
    if (text == NULL) {
        return SIO_NOMEM;
    }

    sio_date_write(text, (int64_t) run->ops->now_msec(run));

    *out = sio_str(text, SIO_DATE_LEN);

    return SIO_OK;
}


static int
sio_value_now_msec(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    int        rc;
    sio_buf_t  buf;

    sio_scratch_buf(run->scratch, &buf);

    rc = sio_buf_append_uint(&buf, run->ops->now_msec(run));

    *out = sio_buf_str(&buf);

    return rc;
}


static int
sio_value_uuid(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    uint8_t  *text;

    text = sio_scratch_alloc(run->scratch, SIO_UUID_LEN);
    if (text == NULL) {
        return SIO_NOMEM;
    }

    run->ops->uuid(run, text);

    *out = sio_str(text, SIO_UUID_LEN);

    return SIO_OK;
}


static int
sio_value_sent_compile(sio_compile_t *c, sio_value_t *value)
{
    unsigned    n;
    sio_str_t   name;
    sio_hint_t  hint;

    static const sio_str_t  names[] = {
        sio_string("delivered"),
        sio_string("queued"),
        sio_string("rejected")
    };

    name = sio_str(NULL, 0);

    if (value->nsteps && value->steps[0].type == SIO_JSON_MEMBER) {
        name = value->steps[0].name;
    }

    sio_hint_init(&hint, name);

    for (n = 0; n < 3; n++) {

        if (sio_str_eq(name, names[n])) {
            break;
        }

        sio_hint_try(&hint, names[n]);
    }

    if (n == 3) {
        return sio_compile_error(c, "\"%.*s\" is none of $sent.delivered,"
                                 " $sent.queued and $sent.rejected%s",
                                 sio_shown(value->token),
                                 sio_hint_text(&hint));
    }

    if (sio_rule_emit_ask(c) != SIO_OK) {
        return sio_compile_error(c, "\"%.*s\": no \"emit ... to user:ID\""
                                 " stands before it",
                                 sio_shown(value->token));
    }

    value->index = n;
    value->steps++;
    value->nsteps--;

    return SIO_OK;
}


static int
sio_value_sent(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    const sio_str_t  *lists[] = {
        &run->sent.delivered, &run->sent.queued, &run->sent.rejected
    };

    return sio_value_found(*lists[value->index], value, out);
}
