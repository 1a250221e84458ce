/*
 * emit and relay: the compiled step, for parameters added in other files.
 *
 *     emit EVENT to ROOM...|all|self [except self|ROOM...]
 *          [with TEMPLATE...] [PARAMETER...]
 *
 * A parameter is a word (volatile) or a word and a value (throttle=1s).  One
 * that has something to do in a run adds a hook to the step.
 */


#ifndef _SIO_RULE_EMIT_H_INCLUDED_
#define _SIO_RULE_EMIT_H_INCLUDED_


#include "logic/sio_rule.h"


#define SIO_RULE_ROOMS_MAX  64       /* of one emit: to, and except */


typedef struct sio_emit_hook_s  sio_emit_hook_t;


/*
 * Called in a run when the names are rendered, before the arguments are.
 * SIO_OK go on, SIO_DECLINED this emit is dropped silently, SIO_AGAIN,
 * SIO_ERROR (sio_run_fail() has been called), SIO_NOMEM.
 */
struct sio_emit_hook_s {
    sio_emit_hook_t  *next;
    int             (*run)(sio_run_t *run, const sio_emit_hook_t *hook,
                           sio_emission_t *emission);
    void             *data;
};


struct sio_rule_emit_s {
    sio_text_t        event;
    sio_text_t       *rooms;         /* to, then except */
    unsigned          nrooms;
    unsigned          nexcept;
    sio_text_t       *with;
    unsigned          nwith;
    sio_emit_hook_t  *hooks;
    sio_text_t        mailbox_key;
    sio_rule_emit_t  *next;          /* in the rule's to_users */
    unsigned          self:1;
    unsigned          all:1;
    unsigned          except_self:1;
    unsigned          verbatim:1;    /* the arguments go on unchanged */
    unsigned          fixed:1;       /* the event's name needs no check */
    unsigned          volatile_:1;
    unsigned          sent:1;        /* the rule asks for $sent */
    unsigned          mailbox:1;
    unsigned          keyed:1;       /* mailbox=KEY */
};


/* A row of a table of parameters; the last one has an empty name. */

struct sio_emit_param_s {
    sio_str_t     name;
    unsigned      value:1;           /* NAME=VALUE is allowed */
    unsigned      word:1;            /* NAME alone is */
    int         (*compile)(sio_compile_t *c, sio_rule_emit_t *emit,
                           sio_str_t value);
};


#pragma GCC visibility push(hidden)


/* The parameters of this floor. */

extern const sio_emit_param_t  sio_emit_params[];

/*
 * Take a parameter: SIO_OK, SIO_NOMEM, SIO_ERROR, or SIO_DECLINED: token is
 * none.  Tokens that look like one (NAME=...) are, so that a parameter
 * misspelt is not a room.
 */
int sio_emit_param(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t token);

/* Whether token has the form of a parameter with a value: throttle=1s. */

int sio_emit_param_like(sio_str_t token);

/* throttle=TIME, of sio_rule_rate.c */

int sio_emit_param_throttle(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value);

/*
 * Later steps use $sent: the emits to users so far fill it.  SIO_OK, or
 * SIO_DECLINED: there is none.
 */
int sio_rule_emit_ask(sio_compile_t *c);


#pragma GCC visibility pop


#endif /* _SIO_RULE_EMIT_H_INCLUDED_ */
