/*
 * The body of POST /api/emit: one emit object or an array of them.
 *
 * Keys are strict: an unknown key or a wrong type is refused with the path
 * of the offender ("[3].to[0]"), before anything is sent.
 */


#ifndef _SIO_EMIT_H_INCLUDED_
#define _SIO_EMIT_H_INCLUDED_


#include "codec/sio_body.h"


#define SIO_EMIT_BATCH_MAX  1000
#define SIO_EMIT_ROOMS_MAX  SIO_BODY_NAMES_MAX   /* to, user and except */
#define SIO_EMIT_EVENT_MAX  256      /* bytes of an event's name */
#define SIO_EMIT_PATH_MAX   SIO_BODY_PATH_MAX
#define SIO_EMIT_ACK_MAX    300000   /* msec */
#define SIO_EMIT_ID_MAX     128      /* bytes */
#define SIO_EMIT_MAILBOX_MAX  256    /* bytes of a key */


/* All slices are views of the body, or of the reader's buffer. */

typedef struct {
    sio_str_t   event;               /* unescaped */
    sio_str_t   args;                /* JSON values joined by commas */
    sio_str_t   data;                /* the first argument, or empty */
    sio_str_t   nsp;                 /* the body's if none was given */
    sio_str_t   target;              /* empty: none */
    sio_str_t  *rooms;               /* "to", and "user" as user:ID */
    unsigned    nrooms;
    sio_str_t  *except;
    unsigned    nexcept;
    uint32_t    ack_msec;            /* 0: none */
    sio_str_t   mailbox_key;         /* empty: none */
    sio_str_t   id;                  /* empty: none */
    unsigned    volatile_;
    unsigned    local;
    unsigned    servers;             /* to the other servers, no client */
    unsigned    mailbox:1;
} sio_emit_t;


typedef struct {
    sio_body_t   read;               /* batch; path and error */
    sio_emit_t  *emits;
    unsigned     nemits;
    sio_str_t    nsp;                /* of emits that name none; "/" */
} sio_emit_body_t;


#pragma GCC visibility push(hidden)


void sio_emit_init(sio_emit_body_t *body, const sio_mem_t *mem);
void sio_emit_free(sio_emit_body_t *body);

/*
 * Parse and check a body.  What is filled stays valid until the next parse or
 * sio_emit_free(), and as long as text does.  Keys of an emit:
 *
 *     event      string of 1 to SIO_EMIT_EVENT_MAX bytes, not reserved
 *     data       any value: the only argument
 *     args       array: the arguments; not together with data
 *     namespace  string, "/..."
 *     to         room or non-empty array of rooms
 *     user       id or non-empty array of ids: the rooms user:ID
 *     target     string: an event of the rules; neither with to nor user
 *     except     room or array of rooms
 *     volatile   boolean; not together with ack
 *     local      boolean
 *     ack        integer, 1 to SIO_EMIT_ACK_MAX msec
 *     mailbox    boolean, or string of 1 to SIO_EMIT_MAILBOX_MAX bytes: with
 *                user, and not with to, except, volatile or ack
 *     id         string of 1 to SIO_EMIT_ID_MAX bytes; not together with ack
 *     servers    boolean; not with anything that addresses clients
 *
 * Rooms and ids are strings or integers.  An empty "to" or "user" is refused:
 * taken as "nobody was named" it would go to everyone.  So are placeholders,
 * because no attachments come with JSON, and a key given twice.
 *
 * SIO_OK     emits are filled
 * SIO_ERROR  body->read.path and body->read.error say what is wrong
 * SIO_NOMEM
 */
int sio_emit_parse(sio_emit_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits);


#pragma GCC visibility pop


#endif /* _SIO_EMIT_H_INCLUDED_ */
