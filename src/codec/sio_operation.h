/*
 * The bodies of POST join, leave and disconnect: operations on the sockets
 * that are addressed, wherever they are.  Socket.IO's socketsJoin(),
 * socketsLeave() and disconnectSockets().
 */


#ifndef _SIO_OPERATION_H_INCLUDED_
#define _SIO_OPERATION_H_INCLUDED_


#include "codec/sio_body.h"


#define SIO_OPERATION_BATCH_MAX  1000
#define SIO_OPERATION_TTL_MAX    (3650 * (uint64_t) 86400)   /* seconds */
#define SIO_OPERATION_GRANTS_MAX 10000    /* users times rooms, with a ttl */


typedef enum {
    SIO_OPERATION_JOIN = 1,
    SIO_OPERATION_LEAVE,
    SIO_OPERATION_DISCONNECT
} sio_operation_e;


/* All slices are views of the body, or of the reader's buffer. */

typedef struct {
    sio_operation_e   type;
    sio_str_t         nsp;           /* "/" if none was given */
    const sio_str_t  *targets;       /* "to", "user" as user:ID, "socket" */
    unsigned          ntargets;      /* 0: all sockets of the namespace */
    const sio_str_t  *except;        /* rooms; not of a body */
    unsigned          nexcept;
    const sio_str_t  *users;         /* those of targets that are user:ID */
    unsigned          nusers;        /*    by the key "user" */
    const sio_str_t  *rooms;         /* to join or to leave */
    unsigned          nrooms;
    uint64_t          ttl;           /* seconds, 0: none */
    unsigned          close;         /* the whole connection */
    unsigned          local;         /* on this host only */
    unsigned          granted:1;     /* leave: not what is granted by now */
} sio_operation_t;


typedef struct {
    sio_body_t        read;          /* batch; path and error */
    sio_operation_t  *operations;
    unsigned          n;
} sio_operation_body_t;


#pragma GCC visibility push(hidden)


void sio_operation_init(sio_operation_body_t *body, const sio_mem_t *mem);
void sio_operation_free(sio_operation_body_t *body);

/*
 * Parse and check a body, an object or an array of them:
 *
 *     namespace  string, "/..."
 *     to         room or non-empty array of rooms
 *     user       id or non-empty array of ids
 *     socket     id of a socket or non-empty array of them
 *     rooms      room or non-empty array; join and leave, which need it
 *     ttl        join by user alone: "30d" (s, m, h, d, w), or seconds; 1 s to
 *                ten years
 *     close      boolean; disconnect
 *     local      boolean
 *
 * Rooms and ids are strings or integers.  The rooms of users and sockets can
 * be addressed, not joined or left.  disconnect needs somebody.
 *
 * SIO_OK     operations are filled
 * SIO_ERROR  body->read.path and body->read.error say what is wrong
 * SIO_NOMEM
 */
int sio_operation_parse(sio_operation_body_t *body, sio_operation_e type,
    sio_str_t text, const sio_json_limits_t *limits);


#pragma GCC visibility pop


#endif /* _SIO_OPERATION_H_INCLUDED_ */
