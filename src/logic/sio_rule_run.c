/*
 * Runs: the walk over the steps, and how a run fails.
 *
 * What a client is told of a failure has no room, no statement and no host in
 * it: the codes have messages of their own, and a value is named as the
 * configuration names it.
 */


#include "logic/sio_rule.h"


typedef struct {
    sio_str_t  name;
    sio_str_t  message;                  /* where none was given */
} sio_code_text_t;


static const sio_code_text_t  sio_code_texts[] = {
    { sio_string(""), sio_string("") },
    { sio_string("invalid"), sio_string("invalid data") },
    { sio_string("forbidden"), sio_string("not allowed") },
    { sio_string("unknown_event"), sio_string("unknown event") },
    { sio_string("rate_limited"), sio_string("too many events") },
    { sio_string("timeout"), sio_string("timed out") },
    { sio_string("unavailable"), sio_string("try again later") },
    { sio_string("too_large"), sio_string("too large") },
    { sio_string("internal"), sio_string("internal error") },
    { sio_string(""), sio_string("rejected") }
};


static void sio_run_dry(sio_run_t *run);


int
sio_run_payload(sio_run_t *run, sio_str_t data)
{
    sio_str_t  name;

    sio_event_parse(data, &run->payload);

    name = run->payload.name;

    if (sio_json_type(name) != SIO_JSON_STRING) {
        run->event = name;
        return SIO_OK;
    }

    return sio_value_unescape(run, name, &run->event);
}


int
sio_rule_run(sio_run_t *run)
{
    int                rc;
    const sio_rule_t  *rule;
    const sio_step_t  *step;

    rule = run->rule;

    while (run->pos < rule->nsteps) {
        step = &rule->steps[run->pos++];
        run->step = step;

        rc = step->run(run, step);

        if (rc == SIO_OK) {
            run->pending = NULL;
            continue;
        }

        if (rc == SIO_AGAIN) {
            run->pos = step - rule->steps;
            return SIO_AGAIN;
        }

        if (rc == SIO_ERROR && step->check && run->dry_run) {
            sio_run_dry(run);
            continue;
        }

        run->pos = rule->nsteps;
        run->pending = NULL;

        if (rc == SIO_DONE) {
            return SIO_OK;
        }

        return rc == SIO_ERROR && run->code != SIO_CODE_NONE
               ? SIO_ERROR : sio_run_fail_result(run, rc);
    }

    return SIO_OK;
}


static void
sio_run_dry(sio_run_t *run)
{
    if (run->ops->dry_run) {
        run->ops->dry_run(run);
    }

    run->code = SIO_CODE_NONE;
    run->message = sio_str(NULL, 0);
    run->error = sio_str(NULL, 0);
    run->pending = NULL;
}


int
sio_run_fail(sio_run_t *run, sio_code_e code, const char *message)
{
    run->code = code;
    run->message = sio_cstr(message);

    return SIO_ERROR;
}


int
sio_run_fail_value(sio_run_t *run, sio_code_e code, sio_str_t token,
    const char *message)
{
    size_t    len;
    uint8_t  *p;

    len = strlen(message);
    run->code = code;

    p = sio_scratch_alloc(run->scratch, token.len + len);
    if (p == NULL) {
        run->message = sio_str(NULL, 0);
        return SIO_ERROR;
    }

    memcpy(p, token.data, token.len);
    memcpy(p + token.len, message, len);

    run->message = sio_str(p, token.len + len);

    return SIO_ERROR;
}


int
sio_run_fail_result(sio_run_t *run, int rc)
{
    switch (rc) {

    case SIO_AGAIN:
        return SIO_AGAIN;

    case SIO_DECLINED:
        run->code = SIO_CODE_TOO_LARGE;
        break;

    case SIO_NOMEM:
        run->code = run->scratch->full ? SIO_CODE_TOO_LARGE
                                       : SIO_CODE_UNAVAILABLE;
        break;

    default:
        if (run->code != SIO_CODE_NONE) {
            return SIO_ERROR;
        }

        run->code = SIO_CODE_INTERNAL;
        break;
    }

    run->message = sio_str(NULL, 0);

    return SIO_ERROR;
}


int
sio_rule_error(const sio_run_t *run, sio_buf_t *buf)
{
    sio_str_t     code, message;
    sio_code_e    which;
    sio_writer_t  w;

    if (run->error.len) {
        return sio_buf_append_str(buf, run->error);
    }

    which = run->code == SIO_CODE_NONE ? SIO_CODE_INTERNAL : run->code;

    code = which == SIO_CODE_CUSTOM ? run->custom : sio_code_name(which);
    message = sio_run_message(run);

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "{\"code\":");
    sio_writer_check(&w, sio_json_quote(buf, code));
    sio_writer_put_text(&w, ",\"message\":");
    sio_writer_check(&w, sio_json_quote(buf, message));
    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w);
}


sio_str_t
sio_run_message(const sio_run_t *run)
{
    if (run->message.len) {
        return run->message;
    }

    return sio_code_texts[run->code == SIO_CODE_NONE ? SIO_CODE_INTERNAL
                                                     : run->code].message;
}


sio_str_t
sio_code_name(sio_code_e code)
{
    return code <= SIO_CODE_CUSTOM ? sio_code_texts[code].name
                                   : sio_code_texts[0].name;
}
