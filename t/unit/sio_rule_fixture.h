/*
 * Rules in a small world, for unit tests and fuzzing: a socket of user "bob"
 * in the room "lobby", and ops that write down what they are told.
 *
 *     rx_init(&unit_mem);
 *     rx_on("chat", "check in $.room; relay to $.room;")
 *                            compiles: "", or the error
 *     rx_event("[\"chat\",{\"room\":\"lobby\"}]")
 *                            what the run did
 *     rx_cleanup();
 *
 * The text of a rule is cut into tokens as nginx does it.
 */


#ifndef _SIO_RULE_FIXTURE_H_INCLUDED_
#define _SIO_RULE_FIXTURE_H_INCLUDED_


#define PCRE2_CODE_UNIT_WIDTH  8

#include <pcre2.h>

#include "sio_fixture.h"
#include "logic/sio_rule.h"
#include "logic/sio_rule_check.h"
#include "logic/sio_rule_emit.h"


#define RX_ARGS     100
#define RX_REGEXES  200


typedef struct {
    const sio_mem_t  *mem;
    sio_scratch_t     pool;              /* of the configuration */
    sio_scratch_t     scratch;
    sio_compile_t     c;
    sio_rules_t       rules;
    sio_rules_t       api;
    sio_rule_t        connect;
    sio_rule_t        disconnect;
    sio_rule_t        online;
    sio_rule_t        offline;
    pcre2_code       *regexes[RX_REGEXES];
    unsigned          nregexes;
    fx_conn_t        *conn;
    sio_binary_t      attachments;
    sio_run_t         run;
    uint64_t          now;
    unsigned          wait;              /* times that emit says SIO_AGAIN */
    int               fails;             /* what ops return, if not 0 */
    const sio_rule_ops_t  *ops;          /* of the runs; NULL: rx_ops */
} rx_t;


static rx_t  rx;


static inline int
rx_join(sio_run_t *run, sio_str_t room)
{
    fx_log("join %.*s;", FX_STR(room));

    return rx.fails ? rx.fails : sio_room_join(run->socket, room);
}


static inline int
rx_leave(sio_run_t *run, sio_str_t room)
{
    fx_log("leave %.*s;", FX_STR(room));

    return sio_room_leave(run->socket, room);
}


static inline void
rx_log_rooms(const char *title, const sio_str_t *rooms, unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        fx_log("%s", i ? "," : title);

        if (rx.run.socket
            && sio_str_eq(rooms[i], sio_socket_sid(rx.run.socket)))
        {
            fx_log("SELF");

        } else {
            fx_log("%.*s", FX_STR(rooms[i]));
        }
    }
}


static inline void
rx_log_attachments(const sio_binary_t *attachments)
{
    unsigned  i;

    for (i = 0; attachments && i < attachments->n; i++) {
        fx_log(" <%.*s>", FX_STR(attachments->item[i]));
    }
}


static inline int
rx_emit(sio_run_t *run, const sio_emission_t *emission)
{
    const sio_target_t  *target;

    if (rx.wait) {
        rx.wait--;
        return SIO_AGAIN;
    }

    target = &emission->target;

    fx_log("emit %.*s(%.*s)", FX_STR(emission->event),
           FX_STR(emission->args));
    rx_log_attachments(emission->attachments);

    if (emission->self) {
        fx_log(" self");

    } else if (target->nrooms == 0) {
        fx_log(" all");
    }

    rx_log_rooms(" to ", target->rooms, target->nrooms);
    rx_log_rooms(" except ", target->except, target->nexcept);

    fx_log("%s", emission->volatile_ ? " volatile" : "");

    if (emission->mailbox) {
        fx_log(" mailbox=%.*s", FX_STR(emission->mailbox_key));
    }

    if (emission->sent) {
        fx_log(" sent");
        emission->sent->delivered = sio_cstr("[\"7\"]");
        emission->sent->rejected = sio_cstr("[\"8\",\"9\"]");
    }

    fx_log(";");

    return SIO_OK;
}


/* amy is online; a key has a NUL nowhere, and is written down. */

static inline int
rx_online(sio_run_t *run, sio_str_t user)
{
    return sio_str_eq(user, sio_cstr("amy")) ? SIO_OK : SIO_DECLINED;
}


static inline int
rx_count(sio_run_t *run, sio_str_t room, uint64_t *n)
{
    *n = room.len;

    return rx.fails ? rx.fails : SIO_OK;
}


static inline int
rx_limit(sio_run_t *run, sio_str_t key, const sio_limit_t *limit)
{
    fx_log("limit %u+%u %.*s;", (unsigned) limit->rate,
           (unsigned) limit->burst, FX_STR(key));

    return rx.fails;
}


static inline int
rx_throttle(sio_run_t *run, sio_str_t key, uint32_t msec)
{
    fx_log("throttle %u %.*s;", msec, FX_STR(key));

    return rx.fails;
}


static inline int
rx_dedup(sio_run_t *run, sio_str_t key, uint32_t msec)
{
    fx_log("dedup %u %.*s;", msec, FX_STR(key));

    return rx.fails;
}


static inline int
rx_mailbox_flush(sio_run_t *run)
{
    fx_log("flush;");

    return rx.fails;
}


static inline int
rx_mailbox_drop(sio_run_t *run, sio_str_t key)
{
    fx_log("drop %.*s;", FX_STR(key));

    return rx.fails;
}


static inline int
rx_ack(sio_run_t *run, sio_str_t args, const sio_binary_t *attachments)
{
    fx_log("ack %.*s", FX_STR(args));
    rx_log_attachments(attachments);
    fx_log(";");

    return SIO_OK;
}


/* A call waits, or says what rx.fails says; the test answers. */

static inline int
rx_forward(sio_run_t *run, const sio_forward_t *forward, sio_str_t body)
{
    fx_log("forward %s %u%s %.*s;", (const char *) forward->webhook,
           forward->msec, forward->async ? " async" : "", FX_STR(body));

    return rx.fails ? rx.fails : forward->async ? SIO_OK : SIO_AGAIN;
}


static inline int
rx_answer(sio_run_t *run, const sio_emit_t *emit, unsigned check,
    const char **error)
{
    if (sio_str_eq(emit->event, sio_cstr("bad"))) {
        *error = "is bad";
        return SIO_ERROR;
    }

    if (!check) {
        fx_log("answer %.*s %.*s(%.*s);", FX_STR(emit->nsp),
               FX_STR(emit->event), FX_STR(emit->args));
    }

    return SIO_OK;
}


static inline void
rx_complain(sio_run_t *run, const char *path, const char *error)
{
    fx_log("complain %s: %s;", path, error);
}


static inline int
rx_disconnect(sio_run_t *run)
{
    fx_log("disconnect;");

    return SIO_OK;
}


static inline int
rx_variable(sio_run_t *run, unsigned index, sio_str_t *bytes)
{
    static const sio_str_t  values[] = {
        sio_string("127.0.0.1"),
        sio_string("a\"b"),
        sio_string("\xff\xfe"),
        sio_string("")
    };

    if (index >= 4) {
        return SIO_DECLINED;
    }

    *bytes = values[index];

    return SIO_OK;
}


static inline int
rx_match(void *regex, sio_str_t subject, int *captures, unsigned ncaptures)
{
    int                   rc;
    unsigned              i;
    PCRE2_SIZE           *offsets;
    pcre2_match_data     *data;
    pcre2_match_context  *context;

    context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(context, 1000);

    data = pcre2_match_data_create(32, NULL);
    rc = pcre2_match(regex, subject.data, subject.len, 0, 0, data, context);

    for (i = 0; rc > 0 && captures && i < ncaptures; i++) {
        offsets = pcre2_get_ovector_pointer(data);
        captures[2 * i] = (int) i < rc ? (int) offsets[2 * i] : -1;
        captures[2 * i + 1] = (int) i < rc ? (int) offsets[2 * i + 1] : -1;
    }

    pcre2_match_data_free(data);
    pcre2_match_context_free(context);

    return rc > 0 ? SIO_OK
                  : rc == PCRE2_ERROR_NOMATCH ? SIO_DECLINED : SIO_ERROR;
}


static inline uint64_t
rx_now(sio_run_t *run)
{
    return rx.now;
}


static inline void
rx_uuid(sio_run_t *run, uint8_t text[36])
{
    memcpy(text, "123e4567-e89b-42d3-a456-426614174000", 36);
}


static const sio_rule_ops_t  rx_ops = {
    .join = rx_join,
    .leave = rx_leave,
    .emit = rx_emit,
    .ack = rx_ack,
    .disconnect = rx_disconnect,
    .forward = rx_forward,
    .answer = rx_answer,
    .complain = rx_complain,
    .variable = rx_variable,
    .match = rx_match,
    .online = rx_online,
    .count = rx_count,
    .limit = rx_limit,
    .throttle = rx_throttle,
    .dedup = rx_dedup,
    .mailbox_flush = rx_mailbox_flush,
    .mailbox_drop = rx_mailbox_drop,
    .now_msec = rx_now,
    .uuid = rx_uuid
};


static inline int
rx_regex(sio_compile_t *c, sio_str_t pattern, void **regex)
{
    int         error;
    PCRE2_SIZE  offset;

    if (rx.nregexes == RX_REGEXES) {
        return SIO_NOMEM;
    }

    *regex = pcre2_compile(pattern.data, pattern.len, PCRE2_DOTALL, &error,
                           &offset, NULL);

    if (*regex == NULL) {
        return sio_compile_error(c, "bad expression \"%.*s\"",
                                 sio_shown(pattern));
    }

    rx.regexes[rx.nregexes++] = *regex;

    return SIO_OK;
}


static inline int
rx_group(sio_compile_t *c, sio_str_t name, unsigned *number)
{
    int       n;
    char      text[64];
    uint32_t  count;

    if (name.len >= sizeof(text)) {
        return SIO_DECLINED;
    }

    memcpy(text, name.data, name.len);
    text[name.len] = '\0';

    if (text[0] >= '0' && text[0] <= '9') {
        (void) pcre2_pattern_info(c->rule->regex, PCRE2_INFO_CAPTURECOUNT,
                                  &count);
        *number = (unsigned) atoi(text);

        return *number <= count ? SIO_OK : SIO_DECLINED;
    }

    n = pcre2_substring_number_from_name(c->rule->regex, (PCRE2_SPTR) text);
    *number = (unsigned) n;

    return n > 0 ? SIO_OK : SIO_DECLINED;
}


static inline int
rx_find_variable(sio_compile_t *c, sio_str_t name, unsigned *index)
{
    unsigned  i;

    static const char  *names[] = {
        "remote_addr", "http_quote", "http_bytes", "arg_empty", "arg_none"
    };

    for (i = 0; i < 5; i++) {
        if (sio_str_eq(name, sio_cstr(names[i]))) {
            *index = i;
            return SIO_OK;
        }
    }

    return SIO_DECLINED;
}


/* Its text, terminated. */

static inline int
rx_webhook(sio_compile_t *c, sio_str_t uri, void **webhook)
{
    char  *p;

    p = sio_alloc(c->mem, uri.len + 1);
    if (p == NULL) {
        return SIO_NOMEM;
    }

    memcpy(p, uri.data, uri.len);
    p[uri.len] = '\0';
    *webhook = p;

    return SIO_OK;
}


static inline void
rx_init(const sio_mem_t *mem)
{
    sio_socket_t  *socket;

    memset(&rx, 0, sizeof(rx_t));

    rx.mem = mem;
    rx.now = 1795255200000ull;           /* 2026-11-21T10:00:00.000Z */

    fx_init(&fx_mem);

    rx.conn = fx_open();
    fx_text(rx.conn, "40{\"token\":\"t\",\"n\":5}");

    socket = fx_socket(rx.conn, "/");
    (void) fx_identify(socket, sio_cstr("bob"));
    (void) sio_room_join(socket, sio_cstr("lobby"));
    (void) fx_log_take();

    sio_scratch_init(&rx.pool, mem, 1 << 26);
    sio_scratch_init(&rx.scratch, mem, 1 << 20);

    rx.c.mem = &rx.pool.mem;
    rx.c.regex = rx_regex;
    rx.c.group = rx_group;
    rx.c.variable = rx_find_variable;
    rx.c.webhook = rx_webhook;

    sio_rules_init(&rx.rules, &rx.pool.mem, &fx.hash);
    sio_rules_init(&rx.api, &rx.pool.mem, &fx.hash);
}


static inline void
rx_cleanup(void)
{
    while (rx.nregexes) {
        pcre2_code_free(rx.regexes[--rx.nregexes]);
    }

    sio_scratch_free(&rx.scratch);
    sio_scratch_free(&rx.pool);
    fx_close(rx.conn);
    fx_cleanup();
}


/* The tokens up to ";", "{" or "}", which is returned; '\0' at the end. */

static inline char
rx_tokens(const char **text, sio_str_t *args, unsigned *nargs)
{
    char         quote;
    const char  *p, *start;

    *nargs = 0;

    for (p = *text; *p; /* void */ ) {

        if (strchr(" \n\t", *p)) {
            p++;
            continue;
        }

        if (strchr(";{}", *p)) {
            *text = p + 1;
            return *p;
        }

        quote = (*p == '\'' || *p == '"') ? *p++ : '\0';
        start = p;

        while (*p && (quote ? *p != quote
                            : !strchr(" \n\t;", *p)
                              && !(*p == '{' && p[-1] != '$')))
        {
            p++;
        }

        if (*nargs < RX_ARGS) {
            args[(*nargs)++] = sio_str(start, p - start);
        }

        if (quote && *p) {
            p++;
        }
    }

    *text = p;

    return '\0';
}


/* Steps up to the end of a block. */

static inline int
rx_block(const char **text)
{
    int         rc;
    char        end;
    unsigned    nargs, mark, open;
    sio_str_t   args[RX_ARGS];

    open = 0;
    mark = 0;

    for ( ;; ) {
        end = rx_tokens(text, args, &nargs);

        if (open && !(end == '{' && nargs == 1
                      && sio_str_eq(args[0], sio_cstr("otherwise"))))
        {
            sio_rule_end(&rx.c, mark);
            open = 0;
        }

        if (end == '}' || end == '\0') {
            return SIO_OK;
        }

        rx.c.line++;

        if (nargs == 0) {
            continue;
        }

        if (end == ';') {
            rc = sio_rule_compile(&rx.c, NULL, args, nargs);

        } else {
            rc = open ? sio_rule_otherwise(&rx.c, &mark)
                      : sio_rule_when(&rx.c, args, nargs, &mark);

            if (rc == SIO_OK) {
                rc = rx_block(text);
                open++;
            }
        }

        if (rc != SIO_OK) {
            return rc;
        }

        if (open == 2) {
            sio_rule_end(&rx.c, mark);
            open = 0;
        }
    }
}


static inline int
rx_compile(unsigned source, const char *pattern, const char *target,
    const char *text)
{
    int  rc;

    rx.c.source = source;
    rx.c.error[0] = '\0';
    rx.c.line = 1;

    switch (source) {

    case SIO_SOURCE_CONNECT:
        rc = sio_rule_init(&rx.c, &rx.connect, sio_cstr("connect"));
        break;

    case SIO_SOURCE_DISCONNECT:
        rc = sio_rule_init(&rx.c, &rx.disconnect, sio_cstr("disconnect"));
        break;

    case SIO_SOURCE_ONLINE:
        rc = sio_rule_init(&rx.c, &rx.online, sio_cstr("online"));
        break;

    case SIO_SOURCE_OFFLINE:
        rc = sio_rule_init(&rx.c, &rx.offline, sio_cstr("offline"));
        break;

    default:
        rc = sio_rules_add(&rx.c,
                           source == SIO_SOURCE_API ? &rx.api : &rx.rules,
                           sio_cstr(pattern), sio_cstr(target));
    }

    return rc == SIO_OK ? rx_block(&text) : rc;
}


static inline const char *
rx_result(int rc)
{
    return rc == SIO_OK || rc == SIO_ERROR ? rx.c.error : "no memory";
}


static inline const char *
rx_on(const char *pattern, const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_EVENT, pattern, "", text));
}


static inline const char *
rx_on_connect(const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_CONNECT, "", "", text));
}


static inline const char *
rx_on_disconnect(const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_DISCONNECT, "", "", text));
}


static inline const char *
rx_on_online(const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_ONLINE, "", "", text));
}


static inline const char *
rx_on_offline(const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_OFFLINE, "", "", text));
}


static inline const char *
rx_on_api(const char *target, const char *pattern, const char *text)
{
    return rx_result(rx_compile(SIO_SOURCE_API, pattern, target, text));
}


/* Forget all rules, and what was compiled. */

static inline void
rx_forget(void)
{
    sio_scratch_reset(&rx.pool);
    sio_rules_init(&rx.rules, &rx.pool.mem, &fx.hash);
    sio_rules_init(&rx.api, &rx.pool.mem, &fx.hash);
}


/* Run rx.run.rule from rx.run.pos on; the error is written down. */

static inline int
rx_go(void)
{
    int        rc;
    sio_buf_t  buf;

    rc = sio_rule_run(&rx.run);

    if (rc == SIO_ERROR) {
        sio_buf_init(&buf, &fx_mem, 1 << 20);
        (void) sio_rule_error(&rx.run, &buf);
        fx_log("%s %.*s;", rx.run.rejected ? "reject" : "error",
               FX_STR(sio_buf_str(&buf)));
        sio_buf_free(&buf);

    } else if (rc == SIO_AGAIN) {
        fx_log("wait;");
    }

    return rc;
}


static inline void
rx_run_init(sio_socket_t *socket)
{
    sio_scratch_reset(&rx.scratch);
    memset(&rx.run, 0, sizeof(sio_run_t));

    rx.run.ops = rx.ops ? rx.ops : &rx_ops;
    rx.run.mem = rx.mem;
    rx.run.socket = socket;
    rx.run.nsp = sio_cstr("/");
    rx.run.ack_id = SIO_NO_ID;
    rx.run.scratch = &rx.scratch;
}


/* pkt: a packet's text behind the "4", as "2[...]" or "51-7[...]". */

static inline const char *
rx_packet(sio_str_t text)
{
    sio_packet_t  pkt;

    if (sio_packet_decode(text, &fx.limits.packet, &pkt) != SIO_OK
        || (pkt.type != SIO_EVENT && pkt.type != SIO_BINARY_EVENT))
    {
        return "bad packet";
    }

    rx_run_init(fx_socket(rx.conn, "/"));
    rx.run.ack_id = pkt.id;

    if (pkt.type == SIO_BINARY_EVENT) {
        rx.attachments.n = pkt.attachments;
        rx.run.attachments = &rx.attachments;
    }

    if (sio_run_payload(&rx.run, pkt.data) != SIO_OK) {
        return "no memory";
    }

    rx.run.rule = sio_rules_find(&rx.rules, &rx_ops, rx.run.event,
                                 sio_cstr(""), rx.run.captures);
    if (rx.run.rule == NULL) {
        return "no rule";
    }

    (void) rx_go();

    return fx_log_take();
}


static inline const char *
rx_event(const char *data)
{
    static char  text[4096];             /* a run that waits refers to it */

    (void) snprintf(text, sizeof(text), "2%s", data);

    return rx_packet(sio_cstr(text));
}


/* The same with an ack id. */

static inline const char *
rx_event_ack(const char *data)
{
    static char  text[4096];

    (void) snprintf(text, sizeof(text), "27%s", data);

    return rx_packet(sio_cstr(text));
}


static inline const char *
rx_life(const sio_rule_t *rule, const char *reason)
{
    rx_run_init(fx_socket(rx.conn, "/"));

    rx.run.rule = rule;
    rx.run.reason = sio_cstr(reason);

    (void) rx_go();

    return fx_log_take();
}


static inline const char *
rx_presence(const sio_rule_t *rule, const char *user)
{
    rx_run_init(NULL);

    rx.run.rule = rule;
    rx.run.user = sio_cstr(user);

    (void) rx_go();

    return fx_log_take();
}


static inline const char *
rx_post(const char *target, const char *event, const char *args)
{
    rx_run_init(NULL);

    rx.run.event = sio_cstr(event);
    rx.run.payload.args = sio_cstr(args);

    rx.run.rule = sio_rules_find(&rx.api, &rx_ops, rx.run.event,
                                 sio_cstr(target), rx.run.captures);
    if (rx.run.rule == NULL) {
        return "no rule";
    }

    (void) rx_go();

    return fx_log_take();
}


#endif /* _SIO_RULE_FIXTURE_H_INCLUDED_ */
