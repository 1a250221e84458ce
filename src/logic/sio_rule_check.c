/*
 * Conditions and check.
 *
 * A condition fails closed: what is missing or null equals nothing, not even
 * another missing value, so that "check $.owner = $user" never lets someone
 * pass who has no user.
 */


#include "logic/sio_rule_check.h"
#include "logic/sio_rule_verb.h"


static int sio_condition_operator(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs);
static int sio_condition_equal(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args);
static int sio_condition_in(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs);
static int sio_condition_online(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs);
static const sio_condition_kind_t *sio_condition_kind(
    const sio_condition_kind_t *kind, sio_str_t name);
static int sio_condition_test_equal(sio_run_t *run,
    const sio_condition_t *cond);
static int sio_condition_test_match(sio_run_t *run,
    const sio_condition_t *cond);
static int sio_condition_test_in(sio_run_t *run,
    const sio_condition_t *cond);
static int sio_condition_test_online(sio_run_t *run,
    const sio_condition_t *cond);
static int sio_condition_result(const sio_condition_t *cond, int holds);
static int sio_rule_check_run(sio_run_t *run, const sio_step_t *step);


const sio_condition_kind_t  sio_condition_kinds[] = {

    /* name, min, max, sources, compile */

    { sio_string("in"), 1, 1, SIO_SOURCE_SOCKET, sio_condition_in },
    { sio_string("online"), 1, 1, SIO_SOURCE_ALL, sio_condition_online },

    { sio_null_string, 0, 0, 0, NULL }
};


int
sio_condition_compile(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs)
{
    const sio_condition_kind_t  *kind, *const *tables;

    memset(cond, 0, sizeof(sio_condition_t));

    kind = sio_condition_kind(sio_condition_kinds, args[0]);

    for (tables = c->conditions; kind == NULL && tables && *tables; tables++)
    {
        kind = sio_condition_kind(*tables, args[0]);
    }

    /* "in = $.x" compares the word */

    if (kind == NULL
        || (nargs == 3 && (sio_str_eq(args[1], sio_cstr("="))
                           || sio_str_eq(args[1], sio_cstr("!=")))))
    {
        return sio_condition_operator(c, cond, args, nargs);
    }

    if (!(kind->sources & c->source)) {
        return sio_compile_error(c, "\"%.*s\" cannot be checked in %s",
                                 sio_shown(args[0]), sio_compile_where(c));
    }

    if (nargs - 1 < kind->min || nargs - 1 > kind->max) {
        return sio_compile_error(c, "too %s arguments behind \"%.*s\"",
                                 nargs - 1 < kind->min ? "few" : "many",
                                 sio_shown(args[0]));
    }

    return kind->compile(c, cond, args, nargs);
}


static const sio_condition_kind_t *
sio_condition_kind(const sio_condition_kind_t *kind, sio_str_t name)
{
    for ( /* void */ ; kind->name.len; kind++) {

        if (sio_str_eq(kind->name, name)) {
            return kind;
        }
    }

    return NULL;
}


static int
sio_condition_operator(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs)
{
    int        rc;
    sio_str_t  op;

    if (nargs < 3) {
        return sio_compile_error(c, "\"%.*s\" is not a condition, its form is"
                                 " VALUE OP VALUE, \"in ROOM\" or \"online"
                                 " USER\"", sio_shown(args[0]));
    }

    op = args[1];

    if (sio_str_eq(op, sio_cstr("in"))) {
        return sio_compile_error(c, "\"in\" begins a check of a room; for a"
                                 " list of values: expect %.*s in A B C",
                                 sio_shown(args[0]));
    }

    if (op.len == 2 && op.data[0] == '!') {
        cond->negate = 1;
        op.data++;
        op.len--;
    }

    if (op.len != 1 || (op.data[0] != '=' && op.data[0] != '~')) {
        return sio_compile_error(c, "\"%.*s\" is not an operator: it is one"
                                 " of =, !=, ~ and !~", sio_shown(args[1]));
    }

    if (nargs > 3) {
        return sio_compile_error(c, "\"%.*s\" is too much behind \"%.*s\"",
                                 sio_shown(args[3]), sio_shown(args[1]));
    }

    c->each = 1;
    rc = sio_value_compile(c, &cond->left, args[0]);
    c->each = 0;

    if (rc != SIO_OK) {
        return rc;
    }

    cond->each = sio_value_each(&cond->left);

    if (op.data[0] == '=') {
        return sio_condition_equal(c, cond, args);
    }

    if (cond->left.literal) {
        return sio_compile_error(c, "\"%.*s\" is not a value of an event",
                                 sio_shown(args[0]));
    }

    cond->test = sio_condition_test_match;

    return c->regex(c, args[2], &cond->regex);
}


static int
sio_condition_equal(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args)
{
    int          rc;
    sio_value_t  literal;

    rc = sio_value_compile(c, &cond->right, args[2]);
    if (rc != SIO_OK) {
        return rc;
    }

    if (cond->left.literal && cond->right.literal) {
        return sio_compile_error(c, "\"%.*s\" and \"%.*s\" are both literal",
                                 sio_shown(args[0]), sio_shown(args[2]));
    }

    if (cond->left.literal) {
        literal = cond->left;
        cond->left = cond->right;
        cond->right = literal;
    }

    if (cond->right.literal
        && sio_json_type(cond->right.json) == SIO_JSON_NULL)
    {
        return sio_compile_error(c, "nothing equals null: a value that is"
                                 " null or missing passes no \"=\"");
    }

    cond->test = sio_condition_test_equal;

    return SIO_OK;
}


static int
sio_condition_in(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs)
{
    int  rc;

    cond->test = sio_condition_test_in;

    rc = sio_rule_room_each(c, &cond->room, args[1]);
    cond->each = cond->room.each;

    return rc;
}


static int
sio_condition_online(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs)
{
    int  rc;

    cond->test = sio_condition_test_online;
    c->online = 1;

    c->each = 1;
    rc = sio_text_compile_plain(c, &cond->room, args[1]);
    c->each = 0;

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_rule_room_is_user(&cond->room)) {
        return sio_compile_error(c, "\"%.*s\" is a room, \"online\" is about"
                                 " a user: online %.*s", sio_shown(args[1]),
                                 (int) args[1].len - 5,
                                 (const char *) args[1].data + 5);
    }

    cond->each = cond->room.each;

    return SIO_OK;
}


int
sio_condition_test(sio_run_t *run, const sio_condition_t *cond)
{
    int         rc;
    sio_walk_t  walk;

    if (cond->each == NULL) {
        return cond->test(run, cond);
    }

    rc = sio_walk_begin(run, &walk, cond->each);

    if (rc == SIO_DONE || rc == SIO_ERROR) {
        return SIO_DECLINED;
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    while (rc == SIO_OK && sio_walk_next(run, &walk) == SIO_OK) {
        rc = cond->test(run, cond);
    }

    sio_walk_end(run);

    return rc;
}


static int
sio_condition_test_equal(sio_run_t *run, const sio_condition_t *cond)
{
    int         rc, holds;
    sio_str_t   left, right;
    sio_json_e  type;

    rc = sio_value_json(run, &cond->left, &left);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (cond->right.literal) {
        return sio_condition_result(cond, sio_value_is(left, &cond->right));
    }

    rc = sio_value_json(run, &cond->right, &right);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    type = sio_json_type(left);

    holds = type != SIO_JSON_NONE && type != SIO_JSON_NULL && right.len
            && sio_json_eq(left, right);

    return sio_condition_result(cond, holds);
}


int
sio_value_is(sio_str_t json, const sio_value_t *literal)
{
    switch (sio_json_type(json)) {

    case SIO_JSON_STRING:
        return sio_json_raw_eq(sio_str(json.data + 1, json.len - 2),
                               literal->name);

    case SIO_JSON_NUMBER:
    case SIO_JSON_TRUE:
    case SIO_JSON_FALSE:
        return sio_json_eq(json, literal->json);

    default:
        return 0;
    }
}


static int
sio_condition_test_match(sio_run_t *run, const sio_condition_t *cond)
{
    int        rc;
    sio_str_t  bytes;

    rc = sio_value_bytes(run, &cond->left, &bytes);

    if (rc == SIO_DONE || rc == SIO_ERROR) {
        return sio_condition_result(cond, 0);
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    rc = run->ops->match(cond->regex, bytes, NULL, 0);

    /* to "!~" a text that can't be matched must not look like one that fits */

    if (rc != SIO_OK && rc != SIO_DECLINED) {
        return sio_run_fail_value(run, SIO_CODE_INVALID, cond->left.token,
                                  " is too complex");
    }

    return sio_condition_result(cond, rc == SIO_OK);
}


static int
sio_condition_test_in(sio_run_t *run, const sio_condition_t *cond)
{
    int        rc;
    sio_str_t  room;

    rc = sio_run_room(run, &cond->room, &room);
    if (rc != SIO_OK) {
        return rc;
    }

    return sio_condition_result(cond, sio_room_has(run->socket, room));
}


static int
sio_condition_test_online(sio_run_t *run, const sio_condition_t *cond)
{
    int        rc;
    sio_str_t  user;

    rc = sio_run_name(run, &cond->room, &user);
    if (rc != SIO_OK) {
        return rc;
    }

    if (run->ops->online == NULL) {
        return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
    }

    rc = run->ops->online(run, user);

    if (rc == SIO_OK || rc == SIO_DECLINED) {
        return sio_condition_result(cond, rc == SIO_OK);
    }

    return sio_run_fail_result(run, rc);
}


static int
sio_condition_result(const sio_condition_t *cond, int holds)
{
    return !holds == !cond->negate ? SIO_DECLINED : SIO_OK;
}


int
sio_rule_check(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int               rc;
    sio_condition_t  *cond;

    cond = sio_compile_alloc(c, sizeof(sio_condition_t));
    if (cond == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_condition_compile(c, cond, args + 1, nargs - 1);
    if (rc != SIO_OK) {
        return rc;
    }

    return sio_rule_check_step(c, sio_rule_check_run, cond);
}


/* What was checked is nobody's business: the answer says no more than no. */

static int
sio_rule_check_run(sio_run_t *run, const sio_step_t *step)
{
    int                     rc;
    const sio_condition_t  *cond;

    cond = step->args;

    rc = sio_condition_test(run, cond);

    if (rc == SIO_DECLINED) {
        return sio_run_fail(run, SIO_CODE_FORBIDDEN, "not allowed");
    }

    return rc;
}
