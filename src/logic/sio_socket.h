/*
 * A socket: a client in one namespace.  Its id, who it is, its rooms, and the
 * values that rules store on it.
 */


#ifndef _SIO_SOCKET_H_INCLUDED_
#define _SIO_SOCKET_H_INCLUDED_


#include "logic/sio_app.h"
#include "logic/sio_identity.h"


/*
 * One room of a socket.  index: where the room's members has the socket;
 * since: app->position when it joined, the lower half.
 */

typedef struct {
    sio_room_t  *room;
    uint32_t     index;
    uint32_t     since;
} sio_membership_t;


/* A value set by a rule: JSON text behind the name. */

typedef struct sio_socket_var_s  sio_socket_var_t;

struct sio_socket_var_s {
    sio_socket_var_t  *next;
    uint32_t           name_len;
    uint32_t           value_len;
    uint8_t            text[];             /* name, value */
};


/* What a client sent with CONNECT: a JSON object. */

typedef struct {
    uint32_t           len;
    uint8_t            text[];
} sio_auth_t;


/*
 * Why a socket ended: an eio_reason_e, or one of these.
 */

#define SIO_REASON_CLIENT  64              /* "client namespace disconnect" */
#define SIO_REASON_SERVER  65              /* "server namespace disconnect" */


/*
 * One for each client and namespace: 120 bytes, kept so on purpose, since
 * malloc() makes 128 of them.  What a selection reads comes first, in one
 * cache line.
 */

struct sio_socket_s {
    sio_map_node_t     node;               /* by sid, in ns->sockets */
    sio_socket_t      *next;               /* of the client, or app->ended */
    sio_client_t      *client;
    sio_namespace_t   *ns;
    uint32_t           mark;
    uint32_t           cell;               /* the directory's */
    uint16_t           nrooms;             /* in an array of the next power
                                              of two */
    uint8_t            reason;             /* why it is leaving */
    unsigned           accepted:1;
    unsigned           waiting:1;          /* connect returned SIO_AGAIN */
    unsigned           leaving:1;          /* nothing reaches it any more */
    unsigned           busy:1;             /* a rule of it waits: what comes
                                              is kept, the upper floor's */
    uint8_t            sid[EIO_SID_LEN];
    sio_membership_t  *rooms;
    eio_outq_t        *held;               /* messages until it is accepted */
    sio_socket_var_t  *vars;
    sio_identity_t    *identity;           /* or NULL: nobody */
    sio_auth_t        *auth;               /* or NULL */
};


#pragma GCC visibility push(hidden)


static inline sio_str_t
sio_socket_sid(const sio_socket_t *socket)
{
    return sio_str(socket->sid, EIO_SID_LEN);
}


static inline sio_str_t
sio_socket_user(const sio_socket_t *socket)
{
    sio_identity_t  *identity;

    identity = socket->identity;

    return identity ? sio_str(identity->text, identity->user_len)
                    : sio_str(NULL, 0);
}


static inline sio_str_t
sio_socket_auth(const sio_socket_t *socket)
{
    return socket->auth ? sio_str(socket->auth->text, socket->auth->len)
                        : sio_str(NULL, 0);
}


/*
 * Say who the socket is (copied), and put it into the room user:ID; who it was
 * before is forgotten, and must not have its timer set.  Called by
 * ops->connect, and when an identity is prolonged.
 *
 * SIO_OK
 * SIO_NOMEM, SIO_DECLINED (zone full, or too many rooms), SIO_ERROR (the id is
 * not fit for a room's name, or the claims are too long): nothing is changed
 */
int sio_socket_identify(sio_socket_t *socket, const sio_claimed_t *claimed);

/*
 * Send a message to this socket.  Before CONNECT was answered it is held.
 * Results as eio_session_send(); SIO_ERROR also if the socket is leaving.
 * Whatever closes the session ends the socket: see sio_app_enter().
 */
int sio_socket_send(sio_socket_t *socket, eio_msg_t *msg);

/*
 * Answer a pending CONNECT, after ops->connect returned SIO_AGAIN: CONNECT
 * with the sid, then what was held; or CONNECT_ERROR with error (a JSON
 * object), and the socket ends.  If the zone is full, accept refuses.  A
 * socket that is not pending any more is left alone.
 */
void sio_socket_accept(sio_socket_t *socket);
void sio_socket_refuse(sio_socket_t *socket, sio_str_t error);

/*
 * The server ends the socket: DISCONNECT is sent and the socket is leaving;
 * ops->disconnect is called and it is freed when the outermost bracket of
 * sio_app_enter() is left.  The session lives on.  A pending one is refused.
 */
void sio_socket_disconnect(sio_socket_t *socket);

/*
 * Store a value (JSON text, copied; empty: remove).  Bounds: 32 names, 4 KB
 * in all.  SIO_OK, SIO_DECLINED, SIO_NOMEM.
 */
int sio_socket_set(sio_socket_t *socket, sio_str_t name, sio_str_t value);

/* SIO_OK and a view, or SIO_DECLINED. */

int sio_socket_get(const sio_socket_t *socket, sio_str_t name,
    sio_str_t *value);


/*
 * Let a pending socket have an id: that under which it was known before.
 * SIO_OK, or SIO_DECLINED: a socket of this worker has it.
 */
int sio_socket_adopt(sio_socket_t *socket, sio_str_t sid);


/* For this floor. */

/* A copy of auth (not empty) for a socket, or NULL: no memory. */

sio_auth_t *sio_auth_create(const sio_mem_t *mem, sio_str_t auth);

/*
 * A pending socket of a client in ns; sid NULL: a random one.  NULL: no
 * memory, ns is left as it was.
 */
sio_socket_t *sio_socket_create(sio_client_t *client, sio_namespace_t *ns,
    const uint8_t *sid, sio_str_t auth);

/* Its rooms or values are others than before. */

static inline void
sio_socket_changed(sio_socket_t *socket)
{
    const sio_app_ops_t  *ops;

    ops = socket->ns->app->ops;

    if (socket->accepted && !socket->leaving && ops->changed) {
        ops->changed(socket);
    }
}


/*
 * Tell the upper floor that a socket is in: SIO_OK, or SIO_DECLINED (zone
 * full), nothing is changed.
 */
int sio_socket_enroll(sio_socket_t *socket);

/*
 * Mark as leaving and queue for sio_app_leave(), which calls free, which
 * calls ops->disconnect unless the session moved.
 */
void sio_socket_end(sio_socket_t *socket, unsigned reason);
void sio_socket_free(sio_socket_t *socket);


#pragma GCC visibility pop


#endif /* _SIO_SOCKET_H_INCLUDED_ */
