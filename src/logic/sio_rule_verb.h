/*
 * What verbs share: rooms named by a plain template, and the verbs of the
 * table in sio_rule_verb.c that have files of their own.
 */


#ifndef _SIO_RULE_VERB_H_INCLUDED_
#define _SIO_RULE_VERB_H_INCLUDED_


#include "codec/sio_emit.h"
#include "logic/sio_rule.h"


#pragma GCC visibility push(hidden)


/*
 * Compile the name of a room.  A literal one is checked now: own refuses what
 * no rule may join a socket to ("user:...", a socket's id).
 */
int sio_rule_room(sio_compile_t *c, sio_text_t *room, sio_str_t token);
int sio_rule_room_own(sio_compile_t *c, sio_text_t *room, sio_str_t token);

/*
 * The name of a room in a run: SIO_OK, or SIO_ERROR with run->code set.
 */
int sio_run_room(sio_run_t *run, const sio_text_t *text, sio_str_t *room);

/* The verbs of sio_rule_emit.c. */

int sio_rule_emit(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_relay(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_ack(sio_compile_t *c, const sio_str_t *args, unsigned nargs);


#pragma GCC visibility pop


#endif /* _SIO_RULE_VERB_H_INCLUDED_ */
