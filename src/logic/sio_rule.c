/*
 * Patterns and sets of rules; compiling a rule's steps; when and otherwise.
 *
 * A rule is unreachable from the step on behind an unconditional reject or
 * disconnect.  A block of when ends that, unless both its branches end so.
 */


#include <stdio.h>

#include "codec/sio_packet.h"
#include "logic/sio_rule.h"
#include "codec/sio_name.h"
#include "logic/sio_rule_check.h"


#define SIO_RULE_STEPS  8                /* memory for the first ones */


static int sio_rule_pattern(sio_compile_t *c, sio_rule_t *rule,
    sio_str_t pattern);
static int sio_rule_duplicate(sio_compile_t *c, const sio_rule_t *rules,
    const sio_rule_t *rule);
static void sio_rule_first(const sio_rule_t *first, const sio_rule_t *rule,
    char *text, size_t size);
static int sio_rule_insert_exact(sio_compile_t *c, sio_rules_t *rules,
    sio_rule_t *rule);
static int sio_rule_reachable(sio_compile_t *c);
static int sio_rule_when_step(sio_run_t *run, const sio_step_t *step);
static int sio_rule_jump_step(sio_run_t *run, const sio_step_t *step);
static const sio_rule_t *sio_rule_of_target(const sio_rule_t *rule,
    sio_str_t target);


/* when and otherwise are blocks, which the caller parses. */

static const sio_str_t  sio_rule_blocks[] = {
    sio_string("when"),
    sio_string("otherwise")
};


void
sio_rules_init(sio_rules_t *rules, const sio_mem_t *mem,
    const sio_hash_key_t *hash)
{
    memset(rules, 0, sizeof(sio_rules_t));

    sio_map_init(&rules->exact, mem, hash);
}


int
sio_rules_add(sio_compile_t *c, sio_rules_t *rules, sio_str_t pattern,
    sio_str_t target)
{
    int           rc;
    sio_rule_t   *rule, **last;

    rule = sio_compile_alloc(c, sizeof(sio_rule_t));
    if (rule == NULL) {
        return SIO_NOMEM;
    }

    c->rule = rule;
    rule->file = c->file;
    rule->line = c->line;

    rc = sio_rule_pattern(c, rule, pattern);

    if (rc == SIO_OK && target.len) {
        rc = sio_compile_copy(c, &rule->target, target);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (rule->type == SIO_PATTERN_EXACT) {
        return sio_rule_insert_exact(c, rules, rule);
    }

    last = rule->type == SIO_PATTERN_ANY ? &rules->any : &rules->patterns;

    if (sio_rule_duplicate(c, *last, rule) != SIO_OK) {
        return SIO_ERROR;
    }

    while (*last) {
        last = &(*last)->next;
    }

    *last = rule;

    return SIO_OK;
}


static int
sio_rule_pattern(sio_compile_t *c, sio_rule_t *rule, sio_str_t pattern)
{
    if (pattern.len == 0) {
        return sio_compile_error(c, "the name of the event is empty");
    }

    if (sio_compile_copy(c, &rule->pattern, pattern) != SIO_OK) {
        return SIO_NOMEM;
    }

    if (pattern.data[0] == '~') {
        rule->type = SIO_PATTERN_REGEX;

        return c->regex(c, sio_str(rule->pattern.data + 1, pattern.len - 1),
                        &rule->regex);
    }

    if (pattern.len == 1 && pattern.data[0] == '*') {
        rule->type = SIO_PATTERN_ANY;
        return SIO_OK;
    }

    if (memchr(pattern.data, '*', pattern.len)) {
        rule->type = SIO_PATTERN_GLOB;
        return SIO_OK;
    }

    if (sio_packet_reserved(pattern)) {
        return sio_compile_error(c, "\"%.*s\" is an event name that Socket.IO"
                                 " reserves", sio_shown(pattern));
    }

    rule->type = SIO_PATTERN_EXACT;

    return SIO_OK;
}


static int
sio_rule_duplicate(sio_compile_t *c, const sio_rule_t *rules,
    const sio_rule_t *rule)
{
    char  first[256];

    for ( /* void */ ; rules; rules = rules->next) {

        if (sio_str_eq(rules->pattern, rule->pattern)
            && sio_str_eq(rules->target, rule->target))
        {
            sio_rule_first(rules, rule, first, sizeof(first));

            return sio_compile_error(c, "a second rule for \"%.*s\"%s%.*s%s%s",
                                     sio_shown(rule->pattern),
                                     rule->target.len ? " of target \"" : "",
                                     sio_shown(rule->target),
                                     rule->target.len ? "\"" : "",
                                     first);
        }
    }

    return SIO_OK;
}


/* Where the first one is: a preset may have it, or be there twice. */

static void
sio_rule_first(const sio_rule_t *first, const sio_rule_t *rule, char *text,
    size_t size)
{
    text[0] = '\0';

    if (first->file == NULL || rule->file == NULL) {
        return;
    }

    if (first->line == rule->line && strcmp(first->file, rule->file) == 0) {
        (void) snprintf(text, size, ": the file is included twice");
        return;
    }

    (void) snprintf(text, size, ", the first one is at %s:%u", first->file,
                    first->line);
}


static int
sio_rule_insert_exact(sio_compile_t *c, sio_rules_t *rules, sio_rule_t *rule)
{
    sio_rule_t      *first;
    sio_map_node_t  *node;

    node = sio_map_find(&rules->exact, rule->pattern);
    if (node == NULL) {
        return sio_map_insert(&rules->exact, &rule->node, rule->pattern);
    }

    first = sio_map_data(node, sio_rule_t, node);

    if (sio_rule_duplicate(c, first, rule) != SIO_OK) {
        return SIO_ERROR;
    }

    rule->next = first->next;
    first->next = rule;

    return SIO_OK;
}


int
sio_rule_init(sio_compile_t *c, sio_rule_t *rule, sio_str_t name)
{
    memset(rule, 0, sizeof(sio_rule_t));

    c->rule = rule;

    return sio_compile_copy(c, &rule->pattern, name);
}


int
sio_rule_compile(sio_compile_t *c, const sio_verb_t *const *tables,
    const sio_str_t *args, unsigned nargs)
{
    unsigned           n;
    sio_hint_t         hint;
    const sio_verb_t  *verb, *own[2];

    if (tables == NULL) {
        own[0] = sio_verbs;
        own[1] = NULL;
        tables = own;
    }

    sio_hint_init(&hint, args[0]);

    verb = NULL;

    for ( /* void */ ; verb == NULL && *tables; tables++) {
        verb = sio_hint_find(&hint, *tables, sizeof(sio_verb_t));
    }

    if (verb == NULL) {
        for (n = 0; n < 2; n++) {

            if (sio_str_eq(args[0], sio_rule_blocks[n])) {
                return sio_compile_error(c, "\"%.*s\" has no block { ... }",
                                         sio_shown(args[0]));
            }

            sio_hint_try(&hint, sio_rule_blocks[n]);
        }

        return sio_compile_error(c, "unknown verb \"%.*s\"%s",
                                 sio_shown(args[0]), sio_hint_text(&hint));
    }

    if (!(verb->sources & c->source)) {
        return sio_compile_error(c, "\"%.*s\" cannot be used in %s",
                                 sio_shown(verb->name), sio_compile_where(c));
    }

    if (nargs - 1 < verb->min || nargs - 1 > verb->max) {
        return sio_compile_error(c, "too %s arguments in \"%.*s\", its form"
                                 " is: %.*s%s",
                                 nargs - 1 < verb->min ? "few" : "many",
                                 sio_shown(verb->name), sio_shown(verb->name),
                                 verb->usage);
    }

    if (sio_rule_reachable(c) != SIO_OK) {
        return SIO_ERROR;
    }

    return verb->compile(c, args, nargs);
}


static int
sio_rule_reachable(sio_compile_t *c)
{
    if (c->rule->unreachable) {
        return sio_compile_error(c, "unreachable: nothing runs behind"
                                 " \"%.*s\"", sio_shown(c->rule->ended_by));
    }

    return SIO_OK;
}


void
sio_rule_ends(sio_compile_t *c, sio_str_t verb)
{
    c->rule->unreachable = 1;
    c->rule->ended_by = verb;
}


int
sio_rule_step(sio_compile_t *c, sio_step_pt run, void *args)
{
    unsigned     cap;
    sio_rule_t  *rule;
    sio_step_t  *step, *steps;

    rule = c->rule;

    if (rule->nsteps == rule->cap) {
        cap = rule->cap ? rule->cap * 2 : SIO_RULE_STEPS;

        steps = sio_realloc(c->mem, rule->steps,
                            rule->nsteps * sizeof(sio_step_t),
                            cap * sizeof(sio_step_t));
        if (steps == NULL) {
            return SIO_NOMEM;
        }

        rule->steps = steps;
        rule->cap = cap;
    }

    step = &rule->steps[rule->nsteps++];

    step->run = run;
    step->args = args;
    step->jump = 0;
    step->file = c->file;
    step->line = c->line;
    step->check = 0;

    return SIO_OK;
}


int
sio_rule_check_step(sio_compile_t *c, sio_step_pt run, void *args)
{
    int  rc;

    rc = sio_rule_step(c, run, args);

    if (rc == SIO_OK) {
        c->rule->steps[c->rule->nsteps - 1].check = 1;
    }

    return rc;
}


int
sio_rule_when(sio_compile_t *c, const sio_str_t *args, unsigned nargs,
    unsigned *mark)
{
    int               rc;
    sio_condition_t  *cond;

    if (sio_rule_reachable(c) != SIO_OK) {
        return SIO_ERROR;
    }

    if (nargs < 2) {
        return sio_compile_error(c, "\"when\" has no condition, its form is:"
                                 " when VALUE OP VALUE { ... }");
    }

    cond = sio_compile_alloc(c, sizeof(sio_condition_t));
    if (cond == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_condition_compile(c, cond, args + 1, nargs - 1);
    if (rc != SIO_OK) {
        return rc;
    }

    rc = sio_rule_step(c, sio_rule_when_step, cond);
    *mark = c->rule->nsteps - 1;

    return rc;
}


/*
 * The first block ends with a jump over the second.  Until the end is known,
 * the jump's target says whether the end of the first block is reached.
 */

int
sio_rule_otherwise(sio_compile_t *c, unsigned *mark)
{
    sio_rule_t  *rule;

    if (sio_rule_step(c, sio_rule_jump_step, NULL) != SIO_OK) {
        return SIO_NOMEM;
    }

    rule = c->rule;
    rule->steps[rule->nsteps - 1].jump = !rule->unreachable;

    rule->unreachable = 0;
    rule->steps[*mark].jump = rule->nsteps;

    *mark = rule->nsteps - 1;

    return SIO_OK;
}


void
sio_rule_end(sio_compile_t *c, unsigned mark)
{
    sio_step_t  *step;

    step = &c->rule->steps[mark];

    if (step->run == sio_rule_when_step || step->jump) {
        c->rule->unreachable = 0;
    }

    step->jump = c->rule->nsteps;
}


static int
sio_rule_when_step(sio_run_t *run, const sio_step_t *step)
{
    int                     rc;
    const sio_condition_t  *cond;

    cond = step->args;

    rc = sio_condition_test(run, cond);

    if (rc == SIO_DECLINED) {
        run->pos = step->jump;
        return SIO_OK;
    }

    return rc;
}


static int
sio_rule_jump_step(sio_run_t *run, const sio_step_t *step)
{
    run->pos = step->jump;

    return SIO_OK;
}


const sio_rule_t *
sio_rules_find(const sio_rules_t *rules, const sio_rule_ops_t *ops,
    sio_str_t event, sio_str_t target, int captures[2 * SIO_CAPTURES_MAX])
{
    int                rc;
    sio_map_node_t    *node;
    const sio_rule_t  *rule, *found;

    node = sio_map_find(&rules->exact, event);

    if (node) {
        found = sio_rule_of_target(sio_map_data(node, sio_rule_t, node),
                                   target);
        if (found) {
            return found;
        }
    }

    for (rule = rules->patterns; rule; rule = rule->next) {

        if (rule->target.len && !sio_str_eq(rule->target, target)) {
            continue;
        }

        rc = rule->type == SIO_PATTERN_GLOB
             ? sio_name_glob(rule->pattern, event)
             : ops->match(rule->regex, event, captures, SIO_CAPTURES_MAX);

        if (rc == SIO_OK) {
            return rule;
        }
    }

    return sio_rule_of_target(rules->any, target);
}


/* Of a list of rules for one name. */

static const sio_rule_t *
sio_rule_of_target(const sio_rule_t *rule, sio_str_t target)
{
    const sio_rule_t  *any;

    any = NULL;

    for ( /* void */ ; rule; rule = rule->next) {

        if (sio_str_eq(rule->target, target)) {
            return rule;
        }

        if (rule->target.len == 0) {
            any = rule;
        }
    }

    return any;
}
