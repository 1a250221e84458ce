/*
 * Acks that are owed to us: events sent with an ack id, and who has answered.
 *
 * An id is chosen by who emits and is the same for all sockets of a
 * broadcast, so that one message serves all.  It is unique among workers:
 * the upper floor makes it.  In each worker one entry per id holds the
 * sockets that still owe an answer.
 */


#ifndef _SIO_ACK_H_INCLUDED_
#define _SIO_ACK_H_INCLUDED_


#include "codec/eio_open.h"
#include "codec/sio_binary.h"
#include "logic/sio_map.h"
#include "logic/sio_wheel.h"


typedef struct sio_ack_s  sio_ack_t;


typedef struct {
    /* A socket answered: args is the JSON array, attachments may be NULL. */
    void  (*answer)(sio_ack_t *ack, sio_str_t sid, sio_str_t args,
                    const sio_binary_t *attachments);

    /*
     * All have answered, or time is up (missing > 0: sio_ack_missing()).
     * The entry is freed after the call.
     */
    void  (*done)(sio_ack_t *ack, unsigned missing);
} sio_ack_ops_t;


struct sio_ack_s {
    sio_map_node_t        node;            /* by the id's 8 bytes */
    sio_timer_t           timer;
    const sio_ack_ops_t  *ops;
    void                 *data;            /* the upper floor's */
    int64_t               id;
    uint32_t              count;           /* sids */
    uint32_t              cap;
    uint32_t              missing;
    uint8_t             (*sids)[EIO_SID_LEN];  /* sorted once started */
    uint8_t              *answered;        /* a byte per sid, behind sids */
    unsigned              started:1;
    unsigned              busy:1;          /* inside ops */
    unsigned              ended:1;         /* freed when not busy */
};


typedef struct {
    sio_map_t         map;
    const sio_mem_t  *mem;
    sio_wheel_t      *wheel;
    uint32_t          max;                 /* bound of entries */
} sio_ack_table_t;


#pragma GCC visibility push(hidden)


void sio_ack_table_init(sio_ack_table_t *table, const sio_mem_t *mem,
    const sio_hash_key_t *hash, sio_wheel_t *wheel, uint32_t max);

/* Ends all entries without calling done. */

void sio_ack_table_free(sio_ack_table_t *table);

/* Expect answers to id until due.  NULL: no memory, or too many. */

sio_ack_t *sio_ack_create(sio_ack_table_t *table, int64_t id, uint64_t due,
    const sio_ack_ops_t *ops, void *data);

/* The entry of an id, or NULL. */

sio_ack_t *sio_ack_find(sio_ack_table_t *table, int64_t id);

/*
 * One more socket owes an answer: SIO_OK, SIO_NOMEM, or SIO_DECLINED: it has
 * been started, no more can be named.
 */

int sio_ack_expect(sio_ack_table_t *table, sio_ack_t *ack, sio_str_t sid);

/*
 * All sockets are named: done is called at once if none is missing, and the
 * entry is freed.
 */
void sio_ack_start(sio_ack_table_t *table, sio_ack_t *ack);

/*
 * An answer came.  SIO_OK, or SIO_DECLINED: nobody waits for it (unknown id,
 * not from this socket, a second time).
 */
int sio_ack_receive(sio_ack_table_t *table, int64_t id, sio_str_t sid,
    sio_str_t args, const sio_binary_t *attachments);

/* ack->timer fired. */

void sio_ack_expire(sio_ack_table_t *table, sio_timer_t *timer);

/* The n-th socket that has not answered, NULL behind the last. */

const uint8_t *sio_ack_missing(const sio_ack_t *ack, unsigned n);

/* End an entry without calling done; allowed inside ops, too. */

void sio_ack_cancel(sio_ack_table_t *table, sio_ack_t *ack);


#pragma GCC visibility pop


#endif /* _SIO_ACK_H_INCLUDED_ */
