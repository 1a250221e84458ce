/*
 * forward URI [timeout=TIME] [async]
 *
 * The event is posted to a location of this server, and the run waits for the
 * answer, which says what is to be done.  With async it goes on at once, and
 * what is answered counts for nothing.
 *
 * Nothing that an application answers can do more than a post to the API: the
 * rooms of users and sockets are joined by nobody.
 */


#include "codec/sio_answer.h"
#include "logic/sio_rule_verb.h"


#define SIO_FORWARD_TIMEOUT      5000        /* msec */
#define SIO_FORWARD_TIMEOUT_MAX  60000
#define SIO_FORWARD_URI_MAX      1024        /* bytes */
#define SIO_FORWARD_HEAD         256         /* of a body, beside the values */


/* What can be done to the socket only while it is there. */

#define SIO_FORWARD_SOCKET       (SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT)


static int sio_forward_uri(sio_compile_t *c, sio_str_t uri);
static int sio_forward_step(sio_run_t *run, const sio_step_t *step);
static int sio_forward_body(sio_run_t *run, const sio_forward_t *forward,
    sio_buf_t *buf);
static int sio_forward_args(sio_run_t *run, const sio_forward_t *forward,
    sio_str_t *args, sio_str_t *data);
static void sio_forward_member(sio_writer_t *w, const char *name,
    sio_str_t value);
static int sio_forward_answered(sio_run_t *run, const sio_forward_t *forward,
    const sio_forwarded_t *answer);
static int sio_forward_refused(sio_run_t *run, const sio_forwarded_t *answer);
static sio_code_e sio_forward_code(unsigned status);
static int sio_forward_error(sio_run_t *run, const sio_answer_t *answer,
    sio_code_e code);
static int sio_forward_invalid(sio_run_t *run, const char *path,
    const char *error);
static int sio_forward_check(sio_run_t *run, const sio_forward_t *forward,
    const sio_answer_body_t *body);
static int sio_forward_apply(sio_run_t *run, const sio_answer_body_t *body);
static int sio_forward_rooms(sio_run_t *run, const sio_answer_t *answer);
static int sio_forward_set(sio_run_t *run, sio_str_t set);


/* An answer is read once, by few: it may be as deep as an event. */

static const sio_json_limits_t  sio_forward_limits = { 64, 100000 };


int
sio_rule_forward(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int             rc;
    unsigned        i;
    sio_forward_t  *forward;

    if (sio_forward_uri(c, args[1]) != SIO_OK) {
        return SIO_ERROR;
    }

    forward = sio_compile_alloc(c, sizeof(sio_forward_t));
    if (forward == NULL) {
        return SIO_NOMEM;
    }

    memset(forward, 0, sizeof(sio_forward_t));
    forward->msec = SIO_FORWARD_TIMEOUT;
    forward->source = c->source;

    for (i = 2; i < nargs; i++) {

        if (sio_compile_once(c, args, i) != SIO_OK) {
            return SIO_ERROR;
        }

        if (sio_str_eq(args[i], sio_cstr("async"))) {
            forward->async = 1;
            continue;
        }

        if (args[i].len < 8 || memcmp(args[i].data, "timeout=", 8) != 0) {
            return sio_compile_error(c, "\"%.*s\" is unknown in \"forward\","
                                     " which has timeout=TIME and async",
                                     sio_shown(args[i]));
        }

        if (sio_rule_time(c, sio_str(args[i].data + 8, args[i].len - 8),
                          &forward->msec)
            != SIO_OK)
        {
            return SIO_ERROR;
        }

        if (forward->msec > SIO_FORWARD_TIMEOUT_MAX) {
            return sio_compile_error(c, "\"%.*s\" is too long: a socket waits"
                                     " for at most 60s", sio_shown(args[i]));
        }
    }

    if (!forward->async
        && (c->source & (SIO_SOURCE_API|SIO_SOURCE_SERVER)))
    {
        return sio_compile_error(c, "\"forward\" needs \"async\" in %s",
                                 sio_compile_where(c));
    }

    if (c->webhook == NULL) {
        return sio_compile_error(c, "\"forward\" is not to be had here");
    }

    rc = c->webhook(c, args[1], &forward->webhook);
    if (rc != SIO_OK) {
        return rc;
    }

    if (!forward->async) {
        c->rule->waits = 1;
    }

    return sio_rule_step(c, sio_forward_step, forward);
}


static int
sio_forward_uri(sio_compile_t *c, sio_str_t uri)
{
    size_t  i;

    if (uri.len == 0 || uri.data[0] != '/') {
        return sio_compile_error(c, "\"%.*s\" is not the path of a location of"
                                 " this server, as /app/events",
                                 sio_shown(uri));
    }

    if (uri.len > SIO_FORWARD_URI_MAX) {
        return sio_compile_error(c, "the path in \"forward\" is too long");
    }

    for (i = 0; i < uri.len; i++) {
        if (uri.data[i] <= ' ' || uri.data[i] == 0x7f || uri.data[i] == '#'
            || uri.data[i] == '$')
        {
            return sio_compile_error(c, "\"%.*s\" is not a path: it has a"
                                     " character that no path has",
                                     sio_shown(uri));
        }
    }

    return SIO_OK;
}


static int
sio_forward_step(sio_run_t *run, const sio_step_t *step)
{
    int                   rc;
    sio_buf_t             buf;
    sio_forwarded_t      *answer;
    const sio_forward_t  *forward;

    forward = step->args;

    if (run->pending) {
        return sio_forward_answered(run, forward, run->pending);
    }

    if (run->ops->forward == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    answer = sio_scratch_alloc(run->scratch, sizeof(sio_forwarded_t));
    if (answer == NULL) {
        return sio_run_fail_result(run, SIO_NOMEM);
    }

    memset(answer, 0, sizeof(sio_forwarded_t));
    sio_scratch_buf(run->scratch, &buf);

    rc = sio_forward_body(run, forward, &buf);

    if (rc == SIO_OK) {
        rc = run->ops->forward(run, forward, sio_buf_str(&buf));
    }

    if (rc == SIO_AGAIN) {
        run->pending = answer;
        return SIO_AGAIN;
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


/* {"namespace","event","args","data","socket","user","claims"} */

static int
sio_forward_body(sio_run_t *run, const sio_forward_t *forward, sio_buf_t *buf)
{
    int            rc;
    sio_str_t      args, data, event, socket, user, claims;
    sio_writer_t   w;
    sio_claimed_t  claimed;

    rc = sio_forward_args(run, forward, &args, &data);
    if (rc != SIO_OK) {
        return rc;
    }

    event = (forward->source & SIO_SOURCE_LIFE) ? run->rule->pattern
                                                : run->event;
    socket = run->socket ? sio_socket_sid(run->socket) : sio_str(NULL, 0);
    user = run->socket ? sio_socket_user(run->socket) : run->user;

    sio_identity_claimed(run->socket ? run->socket->identity : NULL, &claimed);
    claims = claimed.claims.len ? claimed.claims : sio_cstr("{}");

    rc = sio_buf_reserve(buf, SIO_FORWARD_HEAD + args.len + data.len
                              + 6 * event.len + claims.len);
    if (rc != SIO_OK) {
        return rc;
    }

    sio_writer_begin(&w, buf);

    sio_forward_member(&w, "{\"namespace\":", run->nsp);
    sio_forward_member(&w, ",\"event\":", event);
    sio_writer_put_text(&w, ",\"args\":[");
    sio_writer_put_str(&w, args);
    sio_writer_put_text(&w, "],\"data\":");
    sio_writer_put_str(&w, data);
    sio_forward_member(&w, ",\"socket\":", socket);
    sio_forward_member(&w, ",\"user\":", user);
    sio_writer_put_text(&w, ",\"claims\":");
    sio_writer_put_str(&w, claims);
    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w);
}


/* Bytes of attachments stand where their placeholders did. */

static int
sio_forward_args(sio_run_t *run, const sio_forward_t *forward,
    sio_str_t *args, sio_str_t *data)
{
    int        rc;
    sio_buf_t  buf, work;
    sio_str_t  list;

    sio_scratch_buf(run->scratch, &buf);
    sio_scratch_buf(run->scratch, &work);

    *args = sio_str(NULL, 0);
    *data = sio_cstr("null");

    switch (forward->source) {

    case SIO_SOURCE_CONNECT:

        if (run->socket && run->socket->auth) {
            *args = sio_socket_auth(run->socket);
            *data = *args;
        }

        return SIO_OK;

    case SIO_SOURCE_DISCONNECT:
        rc = sio_json_quote(&buf, run->reason);
        break;

    case SIO_SOURCE_ONLINE:
    case SIO_SOURCE_OFFLINE:
        return SIO_OK;

    default:
        rc = sio_binary_inline(&buf, run->payload.args, run->attachments,
                               &work);
    }

    *args = sio_buf_str(&buf);
    list = *args;

    if (rc == SIO_OK && list.len) {
        (void) sio_event_shift(&list, data);
    }

    return rc;
}


/* An empty name is none: null. */

static void
sio_forward_member(sio_writer_t *w, const char *name, sio_str_t value)
{
    sio_writer_put_text(w, name);
    sio_writer_check(w, value.len ? sio_json_quote(w->buf, value)
                                  : sio_buf_append(w->buf, "null", 4));
}


static int
sio_forward_answered(sio_run_t *run, const sio_forward_t *forward,
    const sio_forwarded_t *answer)
{
    int                rc;
    sio_answer_body_t  body;

    if (answer->status >= 400 && answer->status < 500) {
        return sio_forward_refused(run, answer);
    }

    if (answer->status < 200 || answer->status >= 300) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    if (answer->body.len == 0) {
        return SIO_OK;
    }

    /* all of it is the run's scratch: nothing is to be freed */

    sio_answer_init(&body, &run->scratch->mem, run->nsp);

    rc = sio_answer_parse(&body, answer->body, &sio_forward_limits);

    if (rc == SIO_ERROR) {
        return sio_forward_invalid(run, body.path, body.read.error);
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    rc = sio_forward_check(run, forward, &body);

    return rc == SIO_OK ? sio_forward_apply(run, &body) : rc;
}


/* What the application says goes into the ack; a page for people does not. */

static int
sio_forward_refused(sio_run_t *run, const sio_forwarded_t *answer)
{
    int                rc;
    sio_code_e         code;
    sio_answer_body_t  body;

    code = sio_forward_code(answer->status);

    sio_answer_init(&body, &run->scratch->mem, run->nsp);

    rc = sio_answer_error(&body, answer->body, &sio_forward_limits);

    if (rc == SIO_NOMEM) {
        return sio_run_fail_result(run, rc);
    }

    return rc == SIO_OK ? sio_forward_error(run, &body.answer, code)
                        : sio_run_fail(run, code, "");
}


static sio_code_e
sio_forward_code(unsigned status)
{
    switch (status) {

    case 400:
    case 422:
        return SIO_CODE_INVALID;

    case 408:
        return SIO_CODE_TIMEOUT;

    case 413:
        return SIO_CODE_TOO_LARGE;

    case 429:
        return SIO_CODE_RATE_LIMITED;

    default:
        return SIO_CODE_FORBIDDEN;
    }
}


static int
sio_forward_error(sio_run_t *run, const sio_answer_t *answer, sio_code_e code)
{
    sio_code_e  named;

    if (answer->code.len) {

        for (named = SIO_CODE_INVALID; named < SIO_CODE_CUSTOM; named++) {
            if (sio_str_eq(answer->code, sio_code_name(named))) {
                break;
            }
        }

        code = named;
        run->custom = answer->code;
    }

    run->rejected = 1;
    run->code = code;
    run->message = answer->message;
    run->error = answer->error;

    return SIO_ERROR;
}


/* The client is not told what is wrong with the application. */

static int
sio_forward_invalid(sio_run_t *run, const char *path, const char *error)
{
    if (run->ops->complain) {
        run->ops->complain(run, path, error);
    }

    return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
}


/* Nothing is done of an answer that can't be done as a whole. */

static int
sio_forward_check(sio_run_t *run, const sio_forward_t *forward,
    const sio_answer_body_t *body)
{
    unsigned             i;
    const char          *path, *error;
    const sio_answer_t  *answer;

    answer = &body->answer;

    if (!(forward->source & SIO_FORWARD_SOCKET)) {

        path = answer->njoin ? "join" : answer->nleave ? "leave"
               : answer->set.len ? "set"
               : answer->disconnect ? "disconnect" : NULL;

        if (path) {
            return sio_forward_invalid(run, path, "needs a socket, and there"
                                       " is none");
        }
    }

    for (i = 0; i < body->emit.nemits; i++) {
        error = NULL;

        if (run->ops->answer(run, &body->emit.emits[i], 1, &error) != SIO_OK) {
            return sio_forward_invalid(run, "emit",
                                       error ? error : "can't be sent");
        }
    }

    return SIO_OK;
}


static int
sio_forward_apply(sio_run_t *run, const sio_answer_body_t *body)
{
    int                  rc;
    unsigned             i;
    const char          *error;
    const sio_answer_t  *answer;

    answer = &body->answer;

    rc = sio_forward_rooms(run, answer);

    if (rc == SIO_OK && answer->set.len) {
        rc = sio_forward_set(run, answer->set);
    }

    for (i = 0; rc == SIO_OK && i < body->emit.nemits; i++) {
        error = NULL;
        rc = run->ops->answer(run, &body->emit.emits[i], 0, &error);
    }

    if (rc == SIO_OK && answer->acks && run->ack_id != SIO_NO_ID
        && !run->acked)
    {
        run->acked = 1;
        rc = run->ops->ack(run, answer->ack, NULL);
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (answer->disconnect) {
        rc = run->ops->disconnect(run);

        if (rc != SIO_OK) {
            return sio_run_fail_result(run, rc);
        }
    }

    if (answer->error.len) {
        return sio_forward_error(run, answer, SIO_CODE_FORBIDDEN);
    }

    return answer->disconnect ? SIO_DONE : SIO_OK;
}


static int
sio_forward_rooms(sio_run_t *run, const sio_answer_t *answer)
{
    int       rc;
    unsigned  i;

    for (i = 0; i < answer->njoin; i++) {
        rc = run->ops->join(run, answer->join[i]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    for (i = 0; i < answer->nleave; i++) {
        rc = run->ops->leave(run, answer->leave[i]);
        if (rc != SIO_OK && rc != SIO_DECLINED) {
            return rc;
        }
    }

    return SIO_OK;
}


static int
sio_forward_set(sio_run_t *run, sio_str_t set)
{
    int              rc;
    sio_str_t        name, value;
    sio_json_iter_t  it;

    sio_json_object_iter(&it, set);

    while (sio_json_object_next(&it, &name, &value) == SIO_OK) {

        if (!sio_rule_word(name, 0)) {
            return sio_forward_invalid(run, "set", "has a name that is none:"
                                       " letters, digits and underscores");
        }

        if (sio_json_type(value) == SIO_JSON_NULL) {
            value = sio_str(NULL, 0);
        }

        rc = sio_socket_set(run->socket, name, value);

        if (rc == SIO_DECLINED) {
            return sio_forward_invalid(run, "set", "is too large to be"
                                       " stored");
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}
