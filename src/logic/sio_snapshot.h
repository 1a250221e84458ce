/*
 * What a socket was: a copy for a rule that goes on when the socket is gone.
 *
 * It has the id, the user with his claims, the CONNECT payload, the stored
 * values, the transport and what was captured at the handshake.  It is in no
 * namespace and in no room, and nothing can be sent to it.
 */


#ifndef _SIO_SNAPSHOT_H_INCLUDED_
#define _SIO_SNAPSHOT_H_INCLUDED_


#include "logic/sio_client.h"


typedef struct {
    sio_socket_t   socket;           /* as values of rules have it */
    sio_client_t   client;
    eio_session_t  session;
} sio_snapshot_t;


#pragma GCC visibility push(hidden)


/* NULL: no memory. */

sio_snapshot_t *sio_snapshot_create(const sio_mem_t *mem,
    const sio_socket_t *socket);

/* snapshot may be NULL. */

void sio_snapshot_free(const sio_mem_t *mem, sio_snapshot_t *snapshot);


#pragma GCC visibility pop


#endif /* _SIO_SNAPSHOT_H_INCLUDED_ */
