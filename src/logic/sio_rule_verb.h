/*
 * What verbs share: rooms named by a plain template, and the verbs of the
 * table in sio_rule_verb.c that have files of their own.
 */


#ifndef _SIO_RULE_VERB_H_INCLUDED_
#define _SIO_RULE_VERB_H_INCLUDED_


#include "codec/sio_emit.h"
#include "logic/sio_rule.h"


/* Rooms of a run: in the caller's array while it suffices, then in scratch. */

typedef struct {
    sio_str_t  *rooms;
    unsigned    n;
    unsigned    cap;
} sio_room_list_t;


#pragma GCC visibility push(hidden)


/*
 * Compile the name of a room.  A literal one is checked now: own refuses what
 * no rule may join a socket to ("user:...", a socket's id), each takes a
 * value with [*] too, which makes it several rooms.
 */
int sio_rule_room(sio_compile_t *c, sio_text_t *room, sio_str_t token);
int sio_rule_room_each(sio_compile_t *c, sio_text_t *room, sio_str_t token);
int sio_rule_room_own(sio_compile_t *c, sio_text_t *room, sio_str_t token);

/* Whether the name of a room begins so that it is a user's. */

int sio_rule_room_is_user(const sio_text_t *room);

/*
 * The name of a room in a run, where its [*] is the element at hand: SIO_OK,
 * or SIO_ERROR with run->code set.
 */
int sio_run_room(sio_run_t *run, const sio_text_t *text, sio_str_t *room);

/*
 * Append the rooms that text names to a list: one, or with [*] as many as
 * there are elements, and SIO_EMIT_ROOMS_MAX in all ("too_large").  The same
 * results.
 */
int sio_run_rooms(sio_run_t *run, const sio_text_t *text,
    sio_room_list_t *list);
int sio_run_room_push(sio_run_t *run, sio_str_t room, sio_room_list_t *list);

/* A plain text that is no room: a key, a user's id.  The same results. */

int sio_run_name(sio_run_t *run, const sio_text_t *text, sio_str_t *name);

/* The same for a key, of as many bytes as a room's name may have. */

int sio_run_key(sio_run_t *run, const sio_text_t *text, sio_str_t *key);

/* The verbs of sio_rule_emit.c. */

int sio_rule_emit(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_relay(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_ack(sio_compile_t *c, const sio_str_t *args, unsigned nargs);

/* Of sio_rule_rate.c, sio_rule_count.c and others, one for each verb. */

int sio_rule_limit(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_dedup(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_count(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_mailbox(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);
int sio_rule_forward(sio_compile_t *c, const sio_str_t *args,
    unsigned nargs);

/* A time of 1ms to 30d, as nginx has them: SIO_OK, or SIO_ERROR (told). */

int sio_rule_time(sio_compile_t *c, sio_str_t text, uint32_t *msec);

/* Whether s is a name as values have it, or a code, which may hold hyphens. */

int sio_rule_word(sio_str_t s, int code);


#pragma GCC visibility pop


#endif /* _SIO_RULE_VERB_H_INCLUDED_ */
