/*
 * One realtime application in one worker: its namespaces, and what the upper
 * floors do for it.
 *
 *     app -> namespace -> socket (a client in it), room (sockets in it)
 *
 * All of it belongs to one worker and has no locks.  What other workers must
 * know (a room has members here, a socket lives here) goes up through the ops
 * table as it changes.
 *
 * Sending can close a slow consumer's session at any depth of the stack, and
 * with it sockets that callers still look at.  So nothing is torn down while
 * anybody works on the app: between sio_app_enter() and the sio_app_leave()
 * of the outermost caller a socket that ends is only marked (leaving) and
 * queued; it takes part in nothing any more but keeps its rooms and its
 * memory.  All calls into ops are made inside such a bracket.
 *
 * Socket.IO v5.
 */


#ifndef _SIO_APP_H_INCLUDED_
#define _SIO_APP_H_INCLUDED_


#include "codec/sio_binary.h"
#include "codec/sio_emit.h"
#include "codec/sio_packet.h"
#include "codec/sio_wire.h"
#include "logic/eio_session.h"
#include "logic/sio_map.h"


typedef struct sio_app_s        sio_app_t;
typedef struct sio_namespace_s  sio_namespace_t;
typedef struct sio_client_s     sio_client_t;
typedef struct sio_socket_s     sio_socket_t;
typedef struct sio_room_s       sio_room_t;


/* What the upper floors do. */

typedef struct {
    /*
     * Whether a namespace of this name exists, by configuration: SIO_OK and
     * *conf (kept in the namespace), or SIO_DECLINED ("Invalid namespace").
     */
    int   (*lookup)(sio_app_t *app, sio_str_t name, void **conf);

    /*
     * A client asks in: authenticate, run the connect rules.  auth: the
     * CONNECT payload, an object; empty if none.
     *
     * SIO_OK     it is in
     * SIO_ERROR  refused; error holds the JSON of CONNECT_ERROR
     * SIO_AGAIN  sio_socket_accept() or sio_socket_refuse() will follow
     *
     * The socket may be given a user, join rooms and be sent to: messages are
     * held until CONNECT is answered, and dropped if it is refused.
     */
    int   (*connect)(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error);

    /*
     * A socket for which connect returned SIO_AGAIN went away without an
     * answer: forget it, it is freed after the call.  May be NULL if connect
     * never returns SIO_AGAIN.
     */
    void  (*cancel)(sio_socket_t *socket);

    /*
     * An event, validated.  pkt->data is the JSON array; attachments is NULL
     * for a text event.  All views are valid during the call.
     */
    void  (*event)(sio_socket_t *socket, const sio_packet_t *pkt,
                   const sio_binary_t *attachments);

    /* An ack to an event of ours.  The same views. */
    void  (*ack)(sio_socket_t *socket, const sio_packet_t *pkt,
                 const sio_binary_t *attachments);

    /*
     * A packet is above what a client may send (eio_options_t's quota): it is
     * refused, or taken in a dry run.  May be NULL.
     */
    void  (*limited)(sio_client_t *client);

    /*
     * A heartbeat was answered, or a proof that was asked for by
     * eio_session_prove() may have come.  May be NULL.
     */
    void  (*pong)(sio_client_t *client);

    /*
     * An accepted socket left, or its session ended.  It is still in its
     * rooms and can be named in except, but nothing reaches it any more.
     * Called once, after whatever call ended the socket is over; it may emit,
     * and end other sockets.
     */
    void  (*disconnect)(sio_socket_t *socket, sio_str_t reason);

    /*
     * A socket is in, and its CONNECT is about to be answered: what has to
     * reach the client before that is sent now.  Returns the secret that
     * recovers the socket later, a view, or an empty string: there is none.
     * May be NULL.
     */
    sio_str_t  (*accepted)(sio_socket_t *socket);

    /* Its rooms or values have changed: it is in.  May be NULL. */

    void  (*changed)(sio_socket_t *socket);

    /*
     * Any socket is about to be freed: refused, left, or moved elsewhere.
     * May be NULL.
     */
    void  (*gone)(sio_socket_t *socket);

    /*
     * A room's member count changed (1: the room is new, 0: it goes away),
     * or a namespace's count of accepted sockets (room == NULL), or a socket
     * came (present: 1) or went (0).  Called before the change takes effect
     * when it adds: SIO_DECLINED refuses it (the zone is full).  When it
     * removes, the result is ignored.
     */
    int   (*room_changed)(sio_namespace_t *ns, sio_room_t *room,
                          uint32_t count);
    int   (*socket_changed)(sio_socket_t *socket, int present);

    /* Fill dst with random bytes. */
    void  (*random)(sio_app_t *app, uint8_t *dst, size_t len);

    /* The time of this turn, msec: the clock that the sessions are given. */
    uint64_t  (*now)(sio_app_t *app);
} sio_app_ops_t;


typedef struct {
    sio_packet_limits_t  packet;
    uint32_t             max_rooms;        /* of one socket */
    uint32_t             max_namespaces;   /* of one client */
    uint32_t             max_dynamic;      /* namespaces alive in a worker */
} sio_app_limits_t;


struct sio_app_s {
    const sio_mem_t         *mem;
    const sio_app_ops_t     *ops;
    const sio_app_limits_t  *limits;
    const sio_hash_key_t    *hash;
    void                    *data;         /* the hub's */
    sio_map_t                namespaces;
    sio_socket_t            *ended;        /* to be torn down, in order */
    sio_socket_t           **ended_tail;
    uint64_t                 position;     /* of the events delivered here */
    uint32_t                 mark;         /* of the last selection */
    uint32_t                 busy;         /* depth of sio_app_enter() */
};


struct sio_namespace_s {
    sio_map_node_t   node;                 /* by name, in app->namespaces */
    sio_app_t       *app;
    void            *conf;                 /* from ops->lookup */
    sio_map_t        sockets;              /* by sid, pending ones too */
    sio_map_t        rooms;                /* by name */
    uint32_t         pending;              /* sockets not yet accepted */
    uint32_t         cell;                 /* the directory's, upper floor */
};


#pragma GCC visibility push(hidden)


void sio_app_init(sio_app_t *app, const sio_mem_t *mem,
    const sio_app_ops_t *ops, const sio_app_limits_t *limits,
    const sio_hash_key_t *hash);

/* All sessions must be gone. */

void sio_app_free(sio_app_t *app);

/*
 * Work on the app: sockets stay in memory until the outermost leave, which
 * tears down those that ended meanwhile and calls ops->disconnect for them.
 * Whoever looks at a socket after a call that can end it (a send can) and is
 * not called from here, as an API request or a timer, brackets his work.
 */

static inline void
sio_app_enter(sio_app_t *app)
{
    app->busy++;
}


void sio_app_leave(sio_app_t *app);

/* The namespace with sockets in this worker, or NULL. */

sio_namespace_t *sio_app_namespace(sio_app_t *app, sio_str_t name);

static inline sio_str_t
sio_namespace_name(const sio_namespace_t *ns)
{
    return sio_str(ns->node.key, ns->node.len);
}


/* How many sockets are accepted. */

static inline uint32_t
sio_namespace_count(const sio_namespace_t *ns)
{
    return ns->sockets.count - ns->pending;
}


/* A socket by its id, accepted or pending, or NULL: none, or it is leaving. */

sio_socket_t *sio_namespace_socket(sio_namespace_t *ns, sio_str_t sid);


/*
 * Who is addressed: the union of rooms (none: all sockets), each socket once,
 * without those in any room of except.  A socket's own id is a room name too.
 */
typedef struct {
    const sio_str_t  *rooms;
    unsigned          nrooms;
    const sio_str_t  *except;
    unsigned          nexcept;
} sio_target_t;

typedef void (*sio_target_pt)(sio_socket_t *socket, void *ctx);

/*
 * Call fn for each socket of ns that target addresses, but for those that are
 * leaving.  Pending sockets are among them: what they are sent is held, so
 * that what a rule emits while a socket connects reaches it as well.
 *
 * fn may send, and end any sockets (they are torn down after the selection);
 * it may join or leave the socket it is called for to or from rooms.  It must
 * not select.  Returns how many.
 */
unsigned sio_namespace_select(sio_namespace_t *ns, const sio_target_t *target,
    sio_target_pt fn, void *ctx);


/* For this floor. */

/*
 * The namespace of a name, made if need be; it goes away with its last
 * socket, or by sio_namespace_release() if it never had one.
 *
 * SIO_OK, SIO_DECLINED (ops->lookup knows none), SIO_NOMEM (no memory, or too
 * many are alive).
 */
int sio_namespace_open(sio_app_t *app, sio_str_t name, sio_namespace_t **ns);

void sio_namespace_release(sio_namespace_t *ns);


#pragma GCC visibility pop


#endif /* _SIO_APP_H_INCLUDED_ */
