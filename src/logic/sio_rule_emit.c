/*
 * emit, relay and ack: what a rule sends.
 *
 * Where nothing is to be changed, the arguments of the event are sent on as
 * the slice they came in, with their attachments.  A template makes new
 * text, and the attachments that it has placeholders of are renumbered.
 */


#include "codec/sio_name.h"
#include "logic/sio_rule_emit.h"
#include "logic/sio_rule_verb.h"


/* What the tokens at hand belong to. */

typedef enum {
    SIO_EMIT_NONE = 0,
    SIO_EMIT_TO,
    SIO_EMIT_EXCEPT,
    SIO_EMIT_WITH
} sio_emit_section_e;


typedef struct {
    unsigned    n;
    sio_text_t  texts[];
} sio_rule_ack_t;


static int sio_emit_event(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t token);
static int sio_emit_sections(sio_compile_t *c, sio_rule_emit_t *emit,
    const sio_str_t *args, unsigned nargs);
static int sio_emit_section(sio_compile_t *c, sio_str_t token,
    sio_emit_section_e *section, unsigned *seen);
static int sio_emit_token(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t token, sio_emit_section_e section);
static int sio_emit_room(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t token, unsigned *count);
static int sio_emit_finish(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t verb, unsigned seen);
static int sio_emit_users(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t verb, unsigned except);
static int sio_rule_emit_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_emit_hooks(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission);
static int sio_rule_emit_key(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission);
static int sio_rule_emit_event(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission);
static int sio_rule_emit_rooms(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_str_t *rooms, sio_emission_t *emission);
static int sio_rule_ack_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_texts(sio_run_t *run, const sio_text_t *texts,
    unsigned n, sio_buf_t *buf, sio_binary_t *to);


static const sio_str_t  sio_emit_keywords[] = {
    sio_null_string,
    sio_string("to"),
    sio_string("except"),
    sio_string("with")
};


int
sio_rule_emit(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int               rc;
    sio_rule_emit_t  *emit;

    emit = sio_compile_alloc(c, sizeof(sio_rule_emit_t));
    if (emit == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_emit_event(c, emit, args[1]);

    if (rc == SIO_OK) {
        rc = sio_emit_sections(c, emit, args, nargs);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    return sio_rule_step(c, sio_rule_emit_step, emit);
}


/* relay to ROOM = emit $event to ROOM except self */

int
sio_rule_relay(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int               rc;
    unsigned          n;
    sio_rule_emit_t  *emit;

    emit = sio_compile_alloc(c, sizeof(sio_rule_emit_t));
    if (emit == NULL) {
        return SIO_NOMEM;
    }

    /* "relay chat to ..." */

    if (!sio_str_eq(args[1], sio_cstr("to"))) {

        for (n = 2; n < nargs; n++) {
            if (sio_str_eq(args[n], sio_cstr("to"))) {
                return sio_compile_error(c, "\"relay\" keeps the name of the"
                                         " event, for \"%.*s\" use \"emit\"",
                                         sio_shown(args[1]));
            }
        }
    }

    rc = sio_emit_event(c, emit, sio_cstr("$event"));

    if (rc == SIO_OK) {
        rc = sio_emit_sections(c, emit, args, nargs);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (emit->self) {
        return sio_compile_error(c, "\"relay\" goes to others, for \"self\""
                                 " use: emit $event to self");
    }

    emit->except_self = 1;

    return sio_rule_step(c, sio_rule_emit_step, emit);
}


static int
sio_emit_event(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t token)
{
    int        rc;
    sio_str_t  name;

    rc = sio_text_compile_plain(c, &emit->event, token);
    if (rc != SIO_OK) {
        return rc;
    }

    /* the event's own name has been checked when it came in */

    emit->fixed = sio_str_eq(token, sio_cstr("$event"));

    if (!sio_text_literal(&emit->event, &name)) {
        return SIO_OK;
    }

    if (name.len == 0 || name.len > SIO_EMIT_EVENT_MAX) {
        return sio_compile_error(c, "the name of the event has 1 to %d bytes",
                                 SIO_EMIT_EVENT_MAX);
    }

    if (sio_packet_reserved(name)) {
        return sio_compile_error(c, "\"%.*s\" is an event name that Socket.IO"
                                 " reserves: it would close the receivers",
                                 sio_shown(name));
    }

    emit->fixed = 1;

    return SIO_OK;
}


static int
sio_emit_sections(sio_compile_t *c, sio_rule_emit_t *emit,
    const sio_str_t *args, unsigned nargs)
{
    int                 rc;
    unsigned            n, seen;
    sio_emit_section_e  section;

    emit->rooms = sio_compile_alloc(c, nargs * sizeof(sio_text_t));
    emit->with = sio_compile_alloc(c, nargs * sizeof(sio_text_t));

    if (emit->rooms == NULL || emit->with == NULL) {
        return SIO_NOMEM;
    }

    seen = 0;
    section = SIO_EMIT_NONE;

    /* the name of an emit's event may be a keyword */

    for (n = sio_str_eq(args[0], sio_cstr("relay")) ? 1 : 2; n < nargs; n++) {

        rc = sio_emit_section(c, args[n], &section, &seen);
        if (rc == SIO_OK) {
            continue;
        }

        if (rc == SIO_DECLINED) {
            rc = sio_emit_param(c, emit, args[n]);

            if (rc == SIO_OK) {
                rc = sio_compile_once(c, args, n);
            }

            if (rc == SIO_OK) {
                section = SIO_EMIT_NONE;
                continue;
            }
        }

        if (rc == SIO_DECLINED) {
            rc = sio_emit_token(c, emit, args[n], section);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return sio_emit_finish(c, emit, args[0], seen);
}


/* Whether a section begins: SIO_OK, SIO_DECLINED, SIO_ERROR. */

static int
sio_emit_section(sio_compile_t *c, sio_str_t token,
    sio_emit_section_e *section, unsigned *seen)
{
    sio_emit_section_e  n;

    for (n = SIO_EMIT_TO; n <= SIO_EMIT_WITH; n++) {

        if (!sio_str_eq(token, sio_emit_keywords[n])) {
            continue;
        }

        if (*seen & (1u << n)) {
            return sio_compile_error(c, "\"%.*s\" stands there twice",
                                     sio_shown(token));
        }

        *seen |= 1u << n;
        *section = n;

        return SIO_OK;
    }

    return SIO_DECLINED;
}


static int
sio_emit_token(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t token,
    sio_emit_section_e section)
{
    unsigned    n;
    sio_hint_t  hint;

    switch (section) {

    case SIO_EMIT_TO:
        if (sio_str_eq(token, sio_cstr("self"))) {
            emit->self = 1;
            return SIO_OK;
        }

        if (sio_str_eq(token, sio_cstr("all"))) {
            emit->all = 1;
            return SIO_OK;
        }

        if (emit->nexcept) {
            return sio_compile_error(c, "\"except\" stands behind \"to\"");
        }

        return sio_emit_room(c, emit, token, &emit->nrooms);

    case SIO_EMIT_EXCEPT:
        if (sio_str_eq(token, sio_cstr("self"))) {
            emit->except_self = 1;
            return SIO_OK;
        }

        if (sio_str_eq(token, sio_cstr("all"))) {
            return sio_compile_error(c, "\"except all\" leaves nobody");
        }

        return sio_emit_room(c, emit, token, &emit->nexcept);

    case SIO_EMIT_WITH:
        return sio_text_compile(c, &emit->with[emit->nwith++], token);

    default:
        sio_hint_init(&hint, token);

        for (n = SIO_EMIT_TO; n <= SIO_EMIT_WITH; n++) {
            sio_hint_try(&hint, sio_emit_keywords[n]);
        }

        for (n = 0; sio_emit_params[n].name.len; n++) {
            sio_hint_try(&hint, sio_emit_params[n].name);
        }

        return sio_compile_error(c, "unexpected \"%.*s\"%s", sio_shown(token),
                                 sio_hint_text(&hint));
    }
}


static int
sio_emit_room(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t token,
    unsigned *count)
{
    unsigned  n;

    n = emit->nrooms + emit->nexcept;

    if (n == SIO_RULE_ROOMS_MAX) {
        return sio_compile_error(c, "more than %d rooms", SIO_RULE_ROOMS_MAX);
    }

    (*count)++;

    return sio_rule_room_each(c, &emit->rooms[n], token);
}


static int
sio_emit_finish(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t verb,
    unsigned seen)
{
    unsigned  targets;

    targets = !!emit->nrooms + emit->self + emit->all;

    if (!(seen & (1u << SIO_EMIT_TO)) || targets == 0) {
        return sio_compile_error(c, "\"%.*s\" does not say to whom: to"
                                 " ROOM...|all|self", sio_shown(verb));
    }

    if (targets > 1) {
        return sio_compile_error(c, "\"%s\" stands alone behind \"to\"",
                                 emit->self ? "self" : "all");
    }

    if ((seen & (1u << SIO_EMIT_EXCEPT)) && !emit->except_self
        && emit->nexcept == 0)
    {
        return sio_compile_error(c, "\"except\" names nobody");
    }

    if (emit->self && (emit->except_self || emit->nexcept)) {
        return sio_compile_error(c, "\"to self\" has no \"except\"");
    }

    if ((seen & (1u << SIO_EMIT_WITH)) && emit->nwith == 0) {
        return sio_compile_error(c, "\"with\" has no template");
    }

    if ((emit->self || emit->except_self)
        && !(c->source & SIO_SOURCE_SOCKET))
    {
        return sio_compile_error(c, "\"self\" cannot be used in %s",
                                 sio_compile_where(c));
    }

    if (emit->self && c->source == SIO_SOURCE_DISCONNECT) {
        return sio_compile_error(c, "\"to self\" reaches nobody in %s",
                                 sio_compile_where(c));
    }

    emit->verbatim = emit->nwith == 0
                     || (emit->nwith == 1 && emit->with[0].args);

    return sio_emit_users(c, emit, verb, !!(seen & (1u << SIO_EMIT_EXCEPT)));
}


/* To rooms of users: for $sent, and for mailboxes. */

static int
sio_emit_users(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t verb,
    unsigned except)
{
    unsigned  n, users;

    users = 0;

    for (n = 0; n < emit->nrooms; n++) {
        users += sio_rule_room_is_user(&emit->rooms[n]);
    }

    if (users) {
        emit->next = c->rule->to_users;
        c->rule->to_users = emit;
    }

    if (!emit->mailbox) {
        return SIO_OK;
    }

    if (sio_str_eq(verb, sio_cstr("relay"))) {
        return sio_compile_error(c, "\"relay\" has no mailbox, use: emit"
                                 " $event to user:ID mailbox");
    }

    if (users == 0 || users < emit->nrooms) {
        return sio_compile_error(c, "a mailbox is a user's: with \"mailbox\""
                                 " all rooms behind \"to\" are user:ID");
    }

    if (except) {
        return sio_compile_error(c, "\"mailbox\" takes no \"except\"");
    }

    if (emit->volatile_) {
        return sio_compile_error(c, "what is \"volatile\" is not kept in a"
                                 " mailbox");
    }

    return SIO_OK;
}


int
sio_rule_emit_ask(sio_compile_t *c)
{
    sio_rule_emit_t  *emit;

    emit = c->rule ? c->rule->to_users : NULL;

    if (emit == NULL) {
        return SIO_DECLINED;
    }

    for ( /* void */ ; emit; emit = emit->next) {
        emit->sent = 1;
    }

    return SIO_OK;
}


static int
sio_rule_emit_step(sio_run_t *run, const sio_step_t *step)
{
    int                     rc;
    sio_buf_t               buf;
    sio_str_t               rooms[SIO_RULE_ROOMS_MAX + 1];
    sio_binary_t            to;
    sio_emission_t          emission;
    const sio_rule_emit_t  *emit;

    emit = step->args;

    memset(&emission, 0, sizeof(sio_emission_t));

    emission.self = emit->self;
    emission.volatile_ = emit->volatile_;

    rc = sio_rule_emit_event(run, emit, &emission);

    if (rc == SIO_OK) {
        rc = sio_rule_emit_rooms(run, emit, rooms, &emission);
    }

    if (rc == SIO_OK) {
        rc = sio_rule_emit_hooks(run, emit, &emission);
    }

    if (rc != SIO_OK) {
        return rc == SIO_DONE ? SIO_OK : rc;
    }

    if (emit->verbatim) {
        emission.args = run->payload.args;

        if (run->attachments && run->attachments->n) {
            emission.attachments = run->attachments;
        }

    } else {
        to.n = 0;
        sio_scratch_buf(run->scratch, &buf);

        rc = sio_rule_texts(run, emit->with, emit->nwith, &buf, &to);
        if (rc != SIO_OK) {
            return rc;
        }

        emission.args = sio_buf_str(&buf);
        emission.attachments = to.n ? &to : NULL;
    }

    rc = run->ops->emit(run, &emission);

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


/* Before anything is rendered that costs more.  SIO_DONE: to nobody. */

static int
sio_rule_emit_hooks(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission)
{
    int                     rc;
    const sio_emit_hook_t  *hook;

    if (emit->sent) {
        run->sent.delivered = sio_cstr("[]");
        run->sent.queued = sio_cstr("[]");
        run->sent.rejected = sio_cstr("[]");

        emission->sent = &run->sent;
    }

    /* no rooms would be all; no elements of [*] are nobody */

    if (emit->nrooms && emission->target.nrooms == 0) {
        return SIO_DONE;
    }

    if (emit->mailbox) {
        rc = sio_rule_emit_key(run, emit, emission);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    for (hook = emit->hooks; hook; hook = hook->next) {

        rc = hook->run(run, hook, emission);

        if (rc == SIO_DECLINED) {
            return SIO_DONE;
        }

        if (rc != SIO_OK) {
            return sio_run_fail_result(run, rc);
        }
    }

    return SIO_OK;
}


/* Nobody has an empty id: what is kept for it would never be fetched. */

static int
sio_rule_emit_key(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission)
{
    unsigned  n;

    for (n = 0; n < emission->target.nrooms; n++) {

        if (emission->target.rooms[n].len <= SIO_USER_ROOM_LEN) {
            return sio_run_fail(run, SIO_CODE_INVALID,
                                "the id of a user is empty");
        }
    }

    emission->mailbox = 1;

    return emit->keyed
           ? sio_run_key(run, &emit->mailbox_key, &emission->mailbox_key)
           : SIO_OK;
}


static int
sio_rule_emit_event(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_emission_t *emission)
{
    int        rc;
    sio_str_t  culprit;

    rc = sio_text_render_name(run, &emit->event, &emission->event, &culprit);

    if (rc == SIO_ERROR) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, culprit,
                                  " must be a string or an integer");
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (!emit->fixed && (emission->event.len == 0
                         || emission->event.len > SIO_EMIT_EVENT_MAX
                         || sio_packet_reserved(emission->event)))
    {
        return sio_run_fail(run, SIO_CODE_INVALID,
                            "not a name for an event");
    }

    return SIO_OK;
}


static int
sio_rule_emit_rooms(sio_run_t *run, const sio_rule_emit_t *emit,
    sio_str_t *rooms, sio_emission_t *emission)
{
    int              rc;
    unsigned         n, count;
    sio_room_list_t  list;

    list.rooms = rooms;
    list.n = 0;
    list.cap = SIO_RULE_ROOMS_MAX + 1;

    count = emit->nrooms + emit->nexcept;

    for (n = 0; n < count; n++) {

        rc = sio_run_rooms(run, &emit->rooms[n], &list);
        if (rc != SIO_OK) {
            return rc;
        }

        if (n + 1 == emit->nrooms) {
            emission->target.nrooms = list.n;
        }
    }

    if (emit->except_self) {
        rc = sio_run_room_push(run, sio_socket_sid(run->socket), &list);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    emission->target.rooms = list.rooms;
    emission->target.except = list.rooms + emission->target.nrooms;
    emission->target.nexcept = list.n - emission->target.nrooms;

    return SIO_OK;
}


int
sio_rule_ack(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int              rc;
    unsigned         n;
    sio_rule_ack_t  *ack;

    ack = sio_compile_alloc(c, sizeof(sio_rule_ack_t)
                               + (nargs - 1) * sizeof(sio_text_t));
    if (ack == NULL) {
        return SIO_NOMEM;
    }

    for (n = 1; n < nargs; n++) {
        rc = sio_text_compile(c, &ack->texts[ack->n++], args[n]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return sio_rule_step(c, sio_rule_ack_step, ack);
}


/* The first ack counts; a client takes no second one. */

static int
sio_rule_ack_step(sio_run_t *run, const sio_step_t *step)
{
    int                    rc;
    sio_buf_t              buf;
    sio_binary_t           to;
    const sio_rule_ack_t  *ack;

    ack = step->args;

    if (run->ack_id == SIO_NO_ID || run->acked) {
        return SIO_OK;
    }

    to.n = 0;
    sio_scratch_buf(run->scratch, &buf);

    rc = sio_rule_texts(run, ack->texts, ack->n, &buf, &to);
    if (rc != SIO_OK) {
        return rc;
    }

    run->acked = 1;

    rc = run->ops->ack(run, sio_buf_str(&buf), to.n ? &to : NULL);

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


/* Templates one behind another, as arguments; $args may be none at all. */

static int
sio_rule_texts(sio_run_t *run, const sio_text_t *texts, unsigned n,
    sio_buf_t *buf, sio_binary_t *to)
{
    int       rc;
    size_t    len;
    unsigned  i;

    for (i = 0; i < n; i++) {
        len = buf->len;

        rc = len ? sio_buf_append_char(buf, ',') : SIO_OK;

        if (rc == SIO_OK) {
            rc = sio_text_render(run, &texts[i], buf, to);
        }

        if (rc == SIO_ERROR) {
            return sio_run_fail(run, SIO_CODE_INVALID, "a forged attachment");
        }

        if (rc != SIO_OK) {
            return sio_run_fail_result(run, rc);
        }

        if (len && buf->len == len + 1) {
            buf->len = len;
        }
    }

    return SIO_OK;
}
