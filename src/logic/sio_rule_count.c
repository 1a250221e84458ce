/*
 * count NAME ROOM: how many sockets are in a room, for later values.
 *
 * A name is known from its count on to the end of the rule; where the block
 * that it stands in did not run, it has no value.
 */


#include "logic/sio_rule_verb.h"


#define SIO_COUNT_NONE  UINT64_MAX


struct sio_count_s {
    sio_count_t  *next;
    sio_str_t     name;
    unsigned      index;
};


typedef struct {
    unsigned    index;
    sio_text_t  room;
} sio_rule_count_t;


static sio_count_t *sio_rule_count_find(sio_compile_t *c, sio_str_t name);
static int sio_rule_count_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_count_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);


int
sio_rule_count(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int                rc;
    sio_count_t       *name;
    sio_rule_count_t  *count;

    if (!sio_rule_word(args[1], 0)) {
        return sio_compile_error(c, "\"%.*s\" is not a name: it has letters,"
                                 " digits and underscores",
                                 sio_shown(args[1]));
    }

    if (sio_value_builtin(c, args[1])) {
        return sio_compile_error(c, "\"$%.*s\" is a value already, take"
                                 " another name", sio_shown(args[1]));
    }

    count = sio_compile_alloc(c, sizeof(sio_rule_count_t));
    if (count == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_rule_room(c, &count->room, args[2]);
    if (rc != SIO_OK) {
        return rc;
    }

    name = sio_rule_count_find(c, args[1]);

    if (name == NULL) {
        name = sio_compile_alloc(c, sizeof(sio_count_t));

        if (name == NULL
            || sio_compile_copy(c, &name->name, args[1]) != SIO_OK)
        {
            return SIO_NOMEM;
        }

        name->index = c->rule->ncounts++;
        name->next = c->rule->counts;
        c->rule->counts = name;
    }

    count->index = name->index;

    return sio_rule_step(c, sio_rule_count_step, count);
}


static sio_count_t *
sio_rule_count_find(sio_compile_t *c, sio_str_t name)
{
    sio_count_t  *count;

    count = c->rule ? c->rule->counts : NULL;

    while (count && !sio_str_eq(count->name, name)) {
        count = count->next;
    }

    return count;
}


int
sio_rule_count_value(sio_compile_t *c, sio_value_t *value, sio_str_t name)
{
    sio_count_t  *count;

    count = sio_rule_count_find(c, name);
    if (count == NULL) {
        return SIO_DECLINED;
    }

    value->get = sio_rule_count_get;
    value->index = count->index;

    return SIO_OK;
}


static int
sio_rule_count_step(sio_run_t *run, const sio_step_t *step)
{
    int                      rc;
    size_t                   size;
    sio_str_t                room;
    const sio_rule_count_t  *count;

    count = step->args;

    rc = sio_run_room(run, &count->room, &room);
    if (rc != SIO_OK) {
        return rc;
    }

    if (run->ops->count == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    if (run->counts == NULL) {
        size = run->rule->ncounts * sizeof(uint64_t);

        run->counts = sio_scratch_alloc(run->scratch, size);
        if (run->counts == NULL) {
            return sio_run_fail_result(run, SIO_NOMEM);
        }

        memset(run->counts, 0xff, size);             /* SIO_COUNT_NONE */
    }

    rc = run->ops->count(run, room, &run->counts[count->index]);

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


static int
sio_rule_count_get(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    int        rc;
    sio_buf_t  buf;

    if (run->counts == NULL || run->counts[value->index] == SIO_COUNT_NONE) {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    sio_scratch_buf(run->scratch, &buf);

    rc = sio_buf_append_uint(&buf, run->counts[value->index]);

    *out = sio_buf_str(&buf);

    return rc;
}
