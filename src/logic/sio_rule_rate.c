/*
 * How often: limit refuses, throttle= drops silently, dedup does a thing once.
 *
 *     limit RATE [burst=N] [key=VALUE]
 *     emit ... throttle=TIME
 *     dedup VALUE [window=TIME]
 *
 * What is counted is named by a key: the step, and whom or what it counts.
 * The step's name must be the same in all workers, and after a reload, so it
 * is made of the rule's pattern and the step's place in it.
 */


#include "logic/sio_rule_emit.h"
#include "logic/sio_rule_verb.h"


#define SIO_TIME_MAX       (30 * 86400000ULL)
#define SIO_DEDUP_WINDOW   (5 * 60000)


typedef struct {
    sio_str_t    step;                   /* begins the key */
    sio_limit_t  limit;
    sio_text_t   key;
    unsigned     keyed:1;
} sio_rule_limit_t;


typedef struct {
    sio_str_t    step;
    sio_text_t   value;
    uint32_t     msec;
} sio_rule_dedup_t;


typedef struct {
    sio_emit_hook_t  hook;
    sio_str_t        step;
    uint32_t         msec;
} sio_rule_throttle_t;


static int sio_rate_step(sio_compile_t *c, sio_str_t *step);
static int sio_rate_param(sio_str_t token, const char *name,
    sio_str_t *value);
static int sio_rule_limit_param(sio_compile_t *c, sio_rule_limit_t *limit,
    sio_str_t token);
static int sio_rule_limit_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_dedup_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_throttle_run(sio_run_t *run, const sio_emit_hook_t *hook,
    sio_emission_t *emission);
static sio_str_t sio_rate_who(sio_run_t *run, unsigned socket);
static int sio_rate_key(sio_run_t *run, const sio_str_t *parts, unsigned n,
    sio_str_t *key);


int
sio_rule_limit(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int                rc;
    unsigned           n;
    sio_rule_limit_t  *limit;

    limit = sio_compile_alloc(c, sizeof(sio_rule_limit_t));
    if (limit == NULL) {
        return SIO_NOMEM;
    }

    if (sio_limit_rate_parse(args[1], &limit->limit.rate) != SIO_OK) {
        return sio_compile_error(c, "\"%.*s\" is not a rate: 1 to %d in a"
                                 " second or a minute, as 10r/s or 30r/m",
                                 sio_shown(args[1]), SIO_RATE_MAX);
    }

    for (n = 2; n < nargs; n++) {
        rc = sio_rule_limit_param(c, limit, args[n]);

        if (rc == SIO_OK) {
            rc = sio_compile_once(c, args, n);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (sio_rate_step(c, &limit->step) != SIO_OK
        || sio_rule_check_step(c, sio_rule_limit_step, limit) != SIO_OK)
    {
        return SIO_NOMEM;
    }

    return SIO_OK;
}


static int
sio_rule_limit_param(sio_compile_t *c, sio_rule_limit_t *limit,
    sio_str_t token)
{
    uint64_t        n;
    sio_str_t       value;
    const uint8_t  *p;

    if (sio_rate_param(token, "burst", &value) == SIO_OK) {
        p = value.data;

        if (sio_limit_number(&p, value.data + value.len, SIO_BURST_MAX, &n)
            != SIO_OK
            || p != value.data + value.len)
        {
            return sio_compile_error(c, "\"%.*s\" is not one burst of 0 to"
                                     " %d", sio_shown(token), SIO_BURST_MAX);
        }

        limit->limit.burst = n * SIO_LIMIT_ONE;

        return SIO_OK;
    }

    if (sio_rate_param(token, "key", &value) == SIO_OK) {

        if (value.len == 0) {
            return sio_compile_error(c, "\"key=\" has no value");
        }

        limit->keyed = 1;

        return sio_text_compile_plain(c, &limit->key, value);
    }

    return sio_compile_error(c, "unexpected \"%.*s\": behind the rate stand"
                             " burst=N and key=VALUE", sio_shown(token));
}


static int
sio_rule_limit_step(sio_run_t *run, const sio_step_t *step)
{
    int                      rc;
    sio_str_t                parts[4], key;
    const sio_rule_limit_t  *limit;

    limit = step->args;

    parts[0] = limit->step;
    parts[1] = run->nsp;
    parts[2] = sio_str("", 0);

    if (limit->keyed) {
        rc = sio_run_name(run, &limit->key, &parts[2]);
        if (rc != SIO_OK) {
            return rc;
        }

    } else {
        parts[2] = sio_rate_who(run, 0);
    }

    if (run->ops->limit == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    rc = sio_rate_key(run, parts, 3, &key);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    rc = run->ops->limit(run, key, &limit->limit);

    if (rc == SIO_DECLINED) {
        return sio_run_fail(run, SIO_CODE_RATE_LIMITED, "");
    }

    if (rc == SIO_ERROR && run->code == SIO_CODE_NONE) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


int
sio_rule_dedup(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int                rc;
    sio_str_t          value;
    sio_rule_dedup_t  *dedup;

    dedup = sio_compile_alloc(c, sizeof(sio_rule_dedup_t));
    if (dedup == NULL) {
        return SIO_NOMEM;
    }

    dedup->msec = SIO_DEDUP_WINDOW;

    rc = sio_text_compile_plain(c, &dedup->value, args[1]);
    if (rc != SIO_OK) {
        return rc;
    }

    if (dedup->value.template.nrefs == 0) {
        return sio_compile_error(c, "\"%.*s\" is literal: \"dedup\" takes what"
                                 " tells one event from another, as $.id",
                                 sio_shown(args[1]));
    }

    if (nargs == 3) {

        if (sio_rate_param(args[2], "window", &value) != SIO_OK) {
            return sio_compile_error(c, "unexpected \"%.*s\": behind the value"
                                     " stands window=TIME",
                                     sio_shown(args[2]));
        }

        if (sio_rule_time(c, value, &dedup->msec) != SIO_OK) {
            return SIO_ERROR;
        }
    }

    if (sio_rate_step(c, &dedup->step) != SIO_OK
        || sio_rule_step(c, sio_rule_dedup_step, dedup) != SIO_OK)
    {
        return SIO_NOMEM;
    }

    return SIO_OK;
}


/* A repeat has been acked by the op, and ends the rule. */

static int
sio_rule_dedup_step(sio_run_t *run, const sio_step_t *step)
{
    int                      rc;
    sio_str_t                parts[4], key;
    const sio_rule_dedup_t  *dedup;

    dedup = step->args;

    rc = sio_run_name(run, &dedup->value, &parts[3]);
    if (rc != SIO_OK) {
        return rc;
    }

    if (run->ops->dedup == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    parts[0] = dedup->step;
    parts[1] = run->nsp;
    parts[2] = sio_rate_who(run, 0);

    rc = sio_rate_key(run, parts, 4, &key);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    rc = run->ops->dedup(run, key, dedup->msec);

    if (rc == SIO_DONE) {
        return SIO_DONE;
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


int
sio_emit_param_throttle(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value)
{
    sio_rule_throttle_t  *throttle;

    throttle = sio_compile_alloc(c, sizeof(sio_rule_throttle_t));
    if (throttle == NULL) {
        return SIO_NOMEM;
    }

    if (sio_rule_time(c, value, &throttle->msec) != SIO_OK) {
        return SIO_ERROR;
    }

    if (sio_rate_step(c, &throttle->step) != SIO_OK) {
        return SIO_NOMEM;
    }

    throttle->hook.run = sio_rule_throttle_run;
    throttle->hook.next = emit->hooks;
    emit->hooks = &throttle->hook;

    return SIO_OK;
}


/*
 * Each tab counts by itself, and each event: of a rule for "typing:*" a stop
 * is not dropped because a start was sent.
 */

static int
sio_rule_throttle_run(sio_run_t *run, const sio_emit_hook_t *hook,
    sio_emission_t *emission)
{
    int                         rc;
    sio_str_t                   parts[5], key;
    const sio_rule_throttle_t  *throttle;

    throttle = (const sio_rule_throttle_t *) hook;

    if (run->ops->throttle == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    parts[0] = throttle->step;
    parts[1] = run->nsp;
    parts[2] = sio_rate_who(run, 1);
    parts[3] = emission->event;
    parts[4] = emission->target.nrooms ? emission->target.rooms[0]
                                       : sio_str("", 0);

    rc = sio_rate_key(run, parts, 5, &key);

    return rc == SIO_OK ? run->ops->throttle(run, key, throttle->msec) : rc;
}


/* The user, else the socket; the other way round where a socket counts. */

static sio_str_t
sio_rate_who(sio_run_t *run, unsigned socket)
{
    sio_str_t  user;

    if (run->socket == NULL) {
        return run->user;
    }

    user = sio_socket_user(run->socket);

    return socket || user.len == 0 ? sio_socket_sid(run->socket) : user;
}


/* Parts with their lengths, so that no two lists of parts are one key. */

static int
sio_rate_key(sio_run_t *run, const sio_str_t *parts, unsigned n,
    sio_str_t *key)
{
    unsigned      i;
    sio_buf_t     buf;
    sio_writer_t  w;

    sio_scratch_buf(run->scratch, &buf);
    sio_writer_begin(&w, &buf);

    for (i = 0; i < n; i++) {
        sio_writer_put_uint(&w, parts[i].len);
        sio_writer_put_text(&w, ":");
        sio_writer_put_str(&w, parts[i]);
    }

    *key = sio_buf_str(&buf);

    return w.rc;
}


/* The step that comes next, in the words of the configuration. */

static int
sio_rate_step(sio_compile_t *c, sio_str_t *step)
{
    sio_buf_t     buf;
    sio_writer_t  w;

    sio_buf_init(&buf, c->mem, SIZE_MAX);
    sio_writer_begin(&w, &buf);

    sio_writer_put_uint(&w, c->source);
    sio_writer_put_text(&w, " ");
    sio_writer_put_uint(&w, c->rule->nsteps);
    sio_writer_put_text(&w, " ");
    sio_writer_put_str(&w, c->rule->pattern);
    sio_writer_put_text(&w, " ");
    sio_writer_put_str(&w, c->rule->target);

    *step = sio_buf_str(&buf);

    return w.rc;
}


/* NAME=VALUE: SIO_OK and the value, or SIO_DECLINED. */

static int
sio_rate_param(sio_str_t token, const char *name, sio_str_t *value)
{
    size_t  len;

    len = strlen(name);

    if (token.len <= len || memcmp(token.data, name, len) != 0
        || token.data[len] != '=')
    {
        return SIO_DECLINED;
    }

    *value = sio_str(token.data + len + 1, token.len - len - 1);

    return SIO_OK;
}


/* As nginx has them: 500ms, 10s, 1m30s, and seconds without a unit. */

int
sio_rule_time(sio_compile_t *c, sio_str_t text, uint32_t *msec)
{
    size_t          i;
    uint64_t        n, sum, last;
    const uint8_t  *p, *end;

    static const struct {
        sio_str_t  name;
        uint64_t   msec;
    } units[] = {
        { sio_string("d"), 86400000 },
        { sio_string("h"), 3600000 },
        { sio_string("ms"), 1 },
        { sio_string("m"), 60000 },
        { sio_string("s"), 1000 },
        { sio_null_string, 1000 }
    };

    p = text.data;
    end = text.data + text.len;
    sum = 0;
    last = UINT64_MAX;

    while (p < end) {

        if (sio_limit_number(&p, end, SIO_TIME_MAX, &n) != SIO_OK) {
            break;
        }

        for (i = 0; i < 5; i++) {
            if ((size_t) (end - p) >= units[i].name.len
                && memcmp(p, units[i].name.data, units[i].name.len) == 0)
            {
                break;
            }
        }

        if (units[i].msec >= last || (i == 5 && p < end)) {
            break;
        }

        p += units[i].name.len;
        last = units[i].msec;
        sum += n > SIO_TIME_MAX / last ? SIO_TIME_MAX + 1 : n * last;
    }

    if (p < end || sum == 0 || sum > SIO_TIME_MAX) {
        return sio_compile_error(c, "\"%.*s\" is not a time of 1ms to 30d, as"
                                 " 500ms, 10s or 1m30s", sio_shown(text));
    }

    *msec = (uint32_t) sum;

    return SIO_OK;
}
