/*
 * mailbox flush: deliver what is kept for the socket's user.
 * mailbox drop KEY: forget what was not delivered under this key, to anybody.
 */


#include "logic/sio_rule_verb.h"


static int sio_rule_mailbox_flush(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_mailbox_drop(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
static int sio_rule_flush_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_drop_step(sio_run_t *run, const sio_step_t *step);


int
sio_rule_mailbox(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    c->mailbox = 1;

    if (sio_str_eq(args[1], sio_cstr("flush"))) {
        return sio_rule_mailbox_flush(c, args, nargs);
    }

    if (sio_str_eq(args[1], sio_cstr("drop"))) {
        return sio_rule_mailbox_drop(c, args, nargs);
    }

    return sio_compile_error(c, "\"mailbox %.*s\" is unknown: it is mailbox"
                             " flush, or mailbox drop KEY",
                             sio_shown(args[1]));
}


static int
sio_rule_mailbox_flush(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs)
{
    if (nargs > 2) {
        return sio_compile_error(c, "\"mailbox flush\" takes nothing: \"%.*s\"",
                                 sio_shown(args[2]));
    }

    if (!(c->source & (SIO_SOURCE_EVENT|SIO_SOURCE_CONNECT))) {
        return sio_compile_error(c, "\"mailbox flush\" cannot be used in %s",
                                 sio_compile_where(c));
    }

    return sio_rule_step(c, sio_rule_flush_step, NULL);
}


static int
sio_rule_mailbox_drop(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs)
{
    int          rc;
    sio_text_t  *key;

    if (nargs == 2 || args[2].len == 0) {
        return sio_compile_error(c, "\"mailbox drop\" has no key, its form is:"
                                 " mailbox drop KEY");
    }

    key = sio_compile_alloc(c, sizeof(sio_text_t));
    if (key == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_text_compile_plain(c, key, args[2]);
    if (rc != SIO_OK) {
        return rc;
    }

    return sio_rule_step(c, sio_rule_drop_step, key);
}


static int
sio_rule_flush_step(sio_run_t *run, const sio_step_t *step)
{
    int  rc;

    if (run->ops->mailbox_flush == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    rc = run->ops->mailbox_flush(run);

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


static int
sio_rule_drop_step(sio_run_t *run, const sio_step_t *step)
{
    int        rc;
    sio_str_t  key;

    rc = sio_run_key(run, step->args, &key);
    if (rc != SIO_OK) {
        return rc;
    }

    if (run->ops->mailbox_drop == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    rc = run->ops->mailbox_drop(run, key);

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}
