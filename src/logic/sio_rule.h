/*
 * Rules: compiled at configuration time to a flat list of steps; a run walks
 * them with a small state.
 *
 * A verb is a row of a table: its name, how many arguments it takes, in which
 * rules it may stand, and the function that compiles them to a step.  A verb
 * added later is a row of another table in its own file.  What a step does to
 * the world goes through the ops of the run; nothing here knows a connection,
 * a clock or a worker.
 *
 *     sio_compile.c      errors, hints at the name that was meant
 *     sio_rule.c         patterns and sets of rules, steps, when/otherwise
 *     sio_rule_verb.c    the table of verbs, and the short ones
 *     sio_rule_room.c    names of rooms
 *     sio_rule_check.c   conditions (check, when)
 *     sio_rule_expect.c  expect
 *     sio_rule_emit.c    emit, relay, ack; sio_emit_param.c
 *     sio_rule_rate.c    how often: limit, dedup, throttle=
 *     sio_rule_count.c   count
 *     sio_rule_mailbox.c mailbox flush, mailbox drop
 *     sio_rule_forward.c forward
 *     sio_rule_run.c     runs and their errors
 */


#ifndef _SIO_RULE_H_INCLUDED_
#define _SIO_RULE_H_INCLUDED_


#include "codec/sio_event.h"
#include "logic/sio_limit.h"
#include "logic/sio_room.h"
#include "logic/sio_scratch.h"
#include "logic/sio_value.h"


typedef struct sio_rule_s   sio_rule_t;
typedef struct sio_step_s   sio_step_t;
typedef struct sio_rules_s  sio_rules_t;
typedef struct sio_count_s  sio_count_t;

typedef struct sio_rule_emit_s  sio_rule_emit_t;


/* Where a rule stands: what made it run.  Tables hold masks of these. */

#define SIO_SOURCE_EVENT       0x01      /* on PATTERN */
#define SIO_SOURCE_CONNECT     0x02      /* on connect */
#define SIO_SOURCE_DISCONNECT  0x04      /* on disconnect */
#define SIO_SOURCE_API         0x08      /* api [TARGET] PATTERN */
#define SIO_SOURCE_ONLINE      0x10      /* on online */
#define SIO_SOURCE_OFFLINE     0x20      /* on offline */
#define SIO_SOURCE_SERVER      0x40      /* on server:PATTERN */

#define SIO_SOURCE_SOCKET      0x07      /* those with a socket */
#define SIO_SOURCE_USER        0x37      /* those that may have a user */
#define SIO_SOURCE_LIFE        0x36      /* those without an event */
#define SIO_SOURCE_ALL         0xff


/* The codes of an error ack: [{"code":"forbidden","message":"..."}]. */

typedef enum {
    SIO_CODE_NONE = 0,
    SIO_CODE_INVALID,
    SIO_CODE_FORBIDDEN,
    SIO_CODE_UNKNOWN_EVENT,
    SIO_CODE_RATE_LIMITED,
    SIO_CODE_TIMEOUT,
    SIO_CODE_UNAVAILABLE,
    SIO_CODE_TOO_LARGE,
    SIO_CODE_INTERNAL,
    SIO_CODE_CUSTOM              /* reject CODE: run->custom */
} sio_code_e;


/*
 * Which users an emit to "user:" rooms found: JSON arrays of their ids, in
 * the run's scratch.  Filled by ops->emit if it is asked for.
 */
typedef struct {
    sio_str_t            delivered;  /* online */
    sio_str_t            queued;     /* offline, and kept in their mailbox */
    sio_str_t            rejected;   /* not kept: the mailbox is full */
} sio_sent_t;


/* What an emit comes to, all names rendered. */

typedef struct {
    sio_str_t            event;      /* name, plain bytes */
    sio_str_t            args;       /* JSON values joined by commas */
    const sio_binary_t  *attachments;    /* NULL: none */
    sio_target_t         target;     /* rooms; none: all, unless self */
    sio_str_t            mailbox_key;    /* of mailbox=KEY, or empty */
    sio_sent_t          *sent;       /* to be filled, or NULL */
    unsigned             self:1;     /* to this socket alone */
    unsigned             volatile_:1;
    unsigned             mailbox:1;  /* kept for users who are away: all rooms
                                        are users', nothing is excepted */
} sio_emission_t;


/* forward URI timeout=TIME async. */

typedef struct {
    void                *webhook;    /* of the configuration */
    uint32_t             msec;
    unsigned             source;     /* of the rule: SIO_SOURCE_... */
    unsigned             async:1;
} sio_forward_t;


/* What came back: where run->pending of a forward points. */

typedef struct {
    unsigned             status;     /* of HTTP; 0: nobody answered */
    sio_str_t            body;       /* in the run's scratch */
} sio_forwarded_t;


/*
 * What steps do to the world: given by the hub.  SIO_OK, SIO_NOMEM,
 * SIO_DECLINED (a bound is reached), SIO_ERROR, and where a step may wait
 * SIO_AGAIN.  Names have been checked; all views are valid during the call.
 */
typedef struct {
    int   (*join)(sio_run_t *run, sio_str_t room);
    int   (*leave)(sio_run_t *run, sio_str_t room);
    int   (*emit)(sio_run_t *run, const sio_emission_t *emission);

    /* args: JSON values joined by commas.  Called once at most, and only if
       run->ack_id wants one. */
    int   (*ack)(sio_run_t *run, sio_str_t args,
                 const sio_binary_t *attachments);

    int   (*disconnect)(sio_run_t *run);

    /* A variable captured at the handshake, by its index.  SIO_DECLINED: it
       has no value. */
    int   (*variable)(sio_run_t *run, unsigned index, sio_str_t *bytes);

    /* Match; captures (may be NULL) gets 2 * ncaptures offsets, -1: unset.
       SIO_OK, SIO_DECLINED: no match, SIO_ERROR: not to be found out. */
    int   (*match)(void *regex, sio_str_t subject, int *captures,
                   unsigned ncaptures);

    /* Whether a user has a socket in this namespace: SIO_OK, SIO_DECLINED. */
    int   (*online)(sio_run_t *run, sio_str_t user);

    /* How many sockets a room has. */
    int   (*count)(sio_run_t *run, sio_str_t room, uint64_t *n);

    /*
     * Count one event of key, which names what is limited and where:
     * SIO_DECLINED, above the limit; SIO_ERROR, failed (no room to count).
     */
    int   (*limit)(sio_run_t *run, sio_str_t key, const sio_limit_t *limit);

    /* Whether key was not seen for msec: SIO_OK, or SIO_DECLINED. */
    int   (*throttle)(sio_run_t *run, sio_str_t key, uint32_t msec);

    /*
     * Whether key is new.  SIO_OK: it is, and if the rule succeeds its ack is
     * kept for msec; SIO_DONE: a repeat, which has been acked as before.
     */
    int   (*dedup)(sio_run_t *run, sio_str_t key, uint32_t msec);

    /* Deliver what is kept for the socket's user; drop what key names. */
    int   (*mailbox_flush)(sio_run_t *run);
    int   (*mailbox_drop)(sio_run_t *run, sio_str_t key);

    /* In a dry run a check has failed, which run->code and run->message tell
       of; the run goes on. */
    void  (*dry_run)(sio_run_t *run);

    /*
     * Post body, which is copied.  async: SIO_OK, it will be, or was dropped.
     * Else SIO_AGAIN, and what came back is filled in before the run goes on;
     * or a failure.
     */
    int   (*forward)(sio_run_t *run, const sio_forward_t *forward,
                     sio_str_t body);

    /*
     * An emit that was answered; check: only say whether it can be sent, and
     * if not *error, static text.
     */
    int   (*answer)(sio_run_t *run, const sio_emit_t *emit, unsigned check,
                    const char **error);

    /* An answer makes no sense: for the log. */
    void  (*complain)(sio_run_t *run, const char *path, const char *error);

    uint64_t  (*now_msec)(sio_run_t *run);       /* of the calendar */
    void      (*uuid)(sio_run_t *run, uint8_t text[36]);
} sio_rule_ops_t;


#define SIO_CAPTURES_MAX  10         /* $0 .. $9 */


struct sio_run_s {
    const sio_rule_ops_t  *ops;
    void                  *ctx;          /* the ops' */
    const sio_mem_t       *mem;
    const sio_rule_t      *rule;
    unsigned               pos;          /* next step */
    const sio_step_t      *step;         /* at hand, or that failed */

    /* where it comes from */
    sio_socket_t          *socket;       /* NULL: api, online, offline */
    sio_str_t              user;         /* of on online, on offline */
    sio_str_t              nsp;
    sio_str_t              event;        /* name, plain bytes */
    sio_event_t            payload;      /* its arguments */
    const sio_binary_t    *attachments;
    sio_str_t              reason;       /* of on disconnect */
    int64_t                ack_id;       /* SIO_NO_ID: none is wanted */
    int                    captures[2 * SIO_CAPTURES_MAX];

    /* what becomes of it */
    sio_scratch_t         *scratch;      /* texts built on the way */
    void                  *pending;      /* of the step that waits; NULL
                                            when it begins */
    sio_walk_t            *walk;         /* over a value with [*], or NULL */
    uint64_t              *counts;       /* of count, or NULL: none yet */
    sio_sent_t             sent;         /* by the last emit to users */
    sio_code_e             code;
    sio_str_t              custom;       /* code of reject */
    sio_str_t              message;
    sio_str_t              error;        /* JSON that takes the place of code
                                            and message in acks, or empty */
    unsigned               acked:1;
    unsigned               rejected:1;
    unsigned               dry_run:1;    /* checks are told, not enforced */
};


/*
 * A step's result: SIO_OK go on, SIO_DONE the rule ends, SIO_AGAIN wait and
 * call this step again, SIO_ERROR failed: sio_run_fail() has been called.
 * SIO_NOMEM and SIO_DECLINED fail with a code of their own.
 */
typedef int (*sio_step_pt)(sio_run_t *run, const sio_step_t *step);


struct sio_step_s {
    sio_step_pt   run;
    void         *args;              /* compiled, owned by the rules' memory */
    unsigned      jump;              /* when/otherwise: where to go */
    const char   *file;              /* of the configuration, for the log */
    unsigned      line;
    unsigned      check:1;           /* in a dry run it does not end it */
};


/* How a rule is chosen. */

typedef enum {
    SIO_PATTERN_EXACT = 0,
    SIO_PATTERN_GLOB,
    SIO_PATTERN_REGEX,
    SIO_PATTERN_ANY
} sio_pattern_e;


struct sio_rule_s {
    sio_map_node_t  node;            /* exact names: the first of a name */
    sio_rule_t     *next;            /* of the same name, other targets */
    sio_pattern_e   type;
    sio_str_t       pattern;
    sio_str_t       target;          /* of an api rule; empty: any */
    const char     *file;            /* where it is configured */
    unsigned        line;
    void           *regex;
    sio_step_t     *steps;
    unsigned        nsteps;
    unsigned        cap;
    unsigned        ncounts;         /* values that count has named */
    sio_count_t    *counts;          /* while compiling: these, */
    sio_rule_emit_t  *to_users;      /* emits to rooms of users, */
    sio_str_t       ended_by;        /* the verb behind */
    unsigned        unreachable:1;   /* which nothing runs */
    unsigned        waits:1;         /* a step of it may return SIO_AGAIN */
};


/* The rules of one source in one namespace: client events, or api. */

struct sio_rules_s {
    sio_map_t       exact;           /* by name */
    sio_rule_t     *patterns;        /* in the order of the configuration */
    sio_rule_t     *any;             /* "*": one, for api one per target */
};


typedef struct sio_emit_param_s      sio_emit_param_t;
typedef struct sio_condition_kind_s  sio_condition_kind_t;


/*
 * Compiling: memory, the configuration's services, and the error.  The
 * message is for a person and begins in lower case; it names the token.
 *
 * What is compiled is never freed: mem is a pool, or an arena.
 */
struct sio_compile_s {
    const sio_mem_t  *mem;           /* lives as long as the configuration */
    void             *ctx;

    /* Rows that other files add: lists of tables ended by NULL, or NULL. */
    const sio_value_kind_t *const      *kinds;
    const sio_emit_param_t *const      *params;
    const sio_condition_kind_t *const  *conditions;

    /* Compile a PCRE2 pattern, a view that is valid during the call: SIO_OK,
       SIO_NOMEM, or SIO_ERROR (error is set). */
    int             (*regex)(sio_compile_t *c, sio_str_t pattern,
                             void **regex);

    /* Number of a group in the expression of c->rule (rule->regex is set),
       which may be named by its number too ("1"); or SIO_DECLINED. */
    int             (*group)(sio_compile_t *c, sio_str_t name,
                             unsigned *number);

    /* Index of an nginx variable, or SIO_DECLINED: there is none. */
    int             (*variable)(sio_compile_t *c, sio_str_t name,
                                unsigned *index);

    /* What a location's path is to ops->forward: SIO_OK, SIO_NOMEM, or
       SIO_ERROR (error is set).  NULL: there are none. */
    int             (*webhook)(sio_compile_t *c, sio_str_t uri,
                               void **webhook);

    unsigned          each;          /* a value may have a [*] here: set
                                        and cleared around what takes one */
    sio_rule_t       *rule;          /* being compiled */
    unsigned          source;        /* SIO_SOURCE_..., one of them */
    const char       *file;
    unsigned          line;
    unsigned          mailbox:1;     /* a mailbox was named */
    unsigned          online:1;      /* a rule asks who is online */
    char              error[256];
};


/* A verb: args[0] is its name. */

typedef int (*sio_verb_pt)(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);

typedef struct {
    sio_str_t     name;
    unsigned      min;               /* arguments, without the name */
    unsigned      max;
    unsigned      sources;           /* rules it may stand in: a mask */
    sio_verb_pt   compile;
    const char   *usage;             /* behind the name, for errors */
} sio_verb_t;


/* No bound of a verb's arguments. */

#define SIO_ARGS_MAX  1000


#pragma GCC visibility push(hidden)


/* The verbs of this floor; the last row has an empty name. */

extern const sio_verb_t  sio_verbs[];


/* Set c->error from a format of printf(), for verbs in any file. */

int sio_compile_error(sio_compile_t *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Whether the parameter args[n], NAME or NAME=VALUE, is the first of its name
 * behind the verb's subject, args[1].  SIO_OK, SIO_ERROR.
 */
int sio_compile_once(sio_compile_t *c, const sio_str_t *args, unsigned n);

/* A token as an argument for "%.*s", cut where it is too long to show. */

#define sio_shown(s)                                                          \
    (int) ((s).len > 80 ? 80 : (s).len), (const char *) (s).data

/*
 * Hints: hold a token against the names that may stand in its place, then
 * ask for the end of the message, which is empty if none is near.
 */
typedef struct {
    sio_str_t  token;
    sio_str_t  best;
    unsigned   distance;
    char       text[64];             /* , did you mean "name"? */
} sio_hint_t;

void sio_hint_init(sio_hint_t *hint, sio_str_t token);
void sio_hint_try(sio_hint_t *hint, sio_str_t name);
const char *sio_hint_text(sio_hint_t *hint);

/*
 * The row that the token names in a table: its rows, of size bytes, begin
 * with their names, and the last one has none.  NULL: no row, and all names
 * have been tried.
 */
const void *sio_hint_find(sio_hint_t *hint, const void *table, size_t size);

/* The rule in words, for messages: "on connect". */

const char *sio_compile_where(sio_compile_t *c);

/* Memory and copies that live as long as the configuration; NULL: none. */

void *sio_compile_alloc(sio_compile_t *c, size_t size);
int sio_compile_copy(sio_compile_t *c, sio_str_t *to, sio_str_t from);

/*
 * A rule for a pattern: a name, a glob with "*", "~PCRE2", or "*".  SIO_OK
 * (c->rule is the new rule), SIO_NOMEM, SIO_ERROR: reserved, twice, a bad
 * expression.  c->source is set by the caller.  hash must outlive the rules.
 */
void sio_rules_init(sio_rules_t *rules, const sio_mem_t *mem,
    const sio_hash_key_t *hash);
int sio_rules_add(sio_compile_t *c, sio_rules_t *rules, sio_str_t pattern,
    sio_str_t target);

/* A rule outside a set: on connect, on disconnect.  c->rule becomes it. */

int sio_rule_init(sio_compile_t *c, sio_rule_t *rule, sio_str_t name);

/*
 * Compile one verb into c->rule.  args[0] is the verb; nothing of them is
 * referred to later.  tables: lists of verbs, ended by NULL; NULL stands for
 * sio_verbs alone.  SIO_OK, SIO_NOMEM, SIO_ERROR.
 */
int sio_rule_compile(sio_compile_t *c, const sio_verb_t *const *tables,
    const sio_str_t *args, unsigned nargs);

/*
 * Append a step, for verbs; and one that does nothing but check: a dry run
 * goes on when it fails.  SIO_OK, SIO_NOMEM.
 */
int sio_rule_step(sio_compile_t *c, sio_step_pt run, void *args);
int sio_rule_check_step(sio_compile_t *c, sio_step_pt run, void *args);

/*
 * A value that count has named in this rule before: SIO_OK and value gets it,
 * or SIO_DECLINED.
 */
int sio_rule_count_value(sio_compile_t *c, sio_value_t *value,
    sio_str_t name);

/* What follows in this block does not run; verb for the message. */

void sio_rule_ends(sio_compile_t *c, sio_str_t verb);

/*
 * when VALUE OP VALUE { ... } otherwise { ... }:  begin compiles the
 * condition (args[0] is "when") and returns *mark; otherwise is called
 * between the blocks (if there is a second); end behind the last.
 */
int sio_rule_when(sio_compile_t *c, const sio_str_t *args, unsigned nargs,
    unsigned *mark);
int sio_rule_otherwise(sio_compile_t *c, unsigned *mark);
void sio_rule_end(sio_compile_t *c, unsigned mark);

/*
 * The rule for an event: exact names win, then globs and expressions in
 * order, then "*"; of exact names and of "*", one for this target before one
 * without.  captures gets those of the expression.  NULL: none.
 */
const sio_rule_t *sio_rules_find(const sio_rules_t *rules,
    const sio_rule_ops_t *ops, sio_str_t event, sio_str_t target,
    int captures[2 * SIO_CAPTURES_MAX]);

/*
 * Fill run->payload and run->event from an event's payload, the whole JSON
 * array.  Views of data, or in the scratch.  SIO_OK, SIO_NOMEM, SIO_DECLINED.
 */
int sio_run_payload(sio_run_t *run, sio_str_t data);

/*
 * Run from run->pos on.
 *
 * SIO_OK     the rule ended; an ack that is owed and was not given is the
 *            caller's: [null]
 * SIO_ERROR  a check failed, or a step did: run->code, run->message.  What
 *            ran before stays done.
 * SIO_AGAIN  a step waits: call again when it may go on
 */
int sio_rule_run(sio_run_t *run);

/* A step fails: returns SIO_ERROR.  message must outlive the run. */

int sio_run_fail(sio_run_t *run, sio_code_e code, const char *message);

/* The same with the token of a value in front of the message. */

int sio_run_fail_value(sio_run_t *run, sio_code_e code, sio_str_t token,
    const char *message);

/* The same for a result that is not SIO_OK; SIO_AGAIN is passed on. */

int sio_run_fail_result(sio_run_t *run, int rc);

/*
 * Append the error ack's argument, {"code":"...","message":"..."}.  Results
 * as sio_buf_append().
 */
int sio_rule_error(const sio_run_t *run, sio_buf_t *buf);

/* What is told of a failure: its message, or that of its code. */

sio_str_t sio_run_message(const sio_run_t *run);

/* The name of a code: "forbidden".  Empty for none and a custom one. */

sio_str_t sio_code_name(sio_code_e code);


#pragma GCC visibility pop


#endif /* _SIO_RULE_H_INCLUDED_ */
