/*
 * Mailboxes: events for users that are kept until it is proved that they
 * arrived.
 *
 * There is one way for those who are online and those who are not.  An emit
 * stores an item for each user first.  Then the workers that have sockets of
 * the users are told by one record with the message in it.  Each writes it to
 * these sockets, in the order of the items' ids: what is older, still kept and
 * not written to the socket yet comes out of the store first.  A socket that
 * connects gets all that is kept, behind the answer to its CONNECT and what
 * the rule emitted.
 *
 * At the end of the turn a mark is queued behind what was written.  When it has
 * arrived all of that has, and the items up to there are removed.
 * So nothing is lost by a dead connection or a killed worker; it is written
 * again to the user's next socket, and counted ("redelivered").  What a worker
 * was not told of is found when the socket answers a heartbeat.
 *
 * What a socket was written is known as long as something of it is not proved
 * and for a little while after that, in which records may still be on their
 * way that an earlier one had overtaken.  An idle socket has no such state.
 * It moves with its session.
 *
 * MAIL: namespace, image, count, (user, id) each.
 */


#ifndef _NGX_HTTP_SOCKETIO_MAILBOX_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MAILBOX_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


#define NGX_HTTP_SOCKETIO_MAILBOX_TTL  (30ull * 24 * 3600 * 1000)    /* msec */
#define NGX_HTTP_SOCKETIO_MAILBOX_MAX  500


/* What became of an item. */

typedef enum {
    NGX_HTTP_SOCKETIO_MAIL_DELIVERED = 0,    /* the user is online */
    NGX_HTTP_SOCKETIO_MAIL_QUEUED,           /* he is not */
    NGX_HTTP_SOCKETIO_MAIL_REJECTED,         /* it was not kept: no room */
    NGX_HTTP_SOCKETIO_MAIL_REPEATED,         /* the user was named before */
    NGX_HTTP_SOCKETIO_MAIL_N
} ngx_http_socketio_mail_e;


/* An emit with a mailbox: the rooms are "user:ID", all of them. */

typedef struct {
    sio_str_t          nsp;
    const sio_str_t   *rooms;        /* at most SIO_EMIT_ROOMS_MAX */
    ngx_uint_t         nrooms;
    sio_str_t          key;          /* empty: none */
    eio_msg_t         *msg;

    uint64_t           matched;      /* sockets of those online */
    ngx_uint_t         n[NGX_HTTP_SOCKETIO_MAIL_N];
    u_char             what[SIO_EMIT_ROOMS_MAX];    /* of each room */
} ngx_http_socketio_mailing_t;


/* A hub's mailboxes, if its app has some: NGX_OK, or NGX_ERROR. */

ngx_int_t ngx_http_socketio_mailbox_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_mailbox_cleanup(ngx_http_socketio_hub_t *hub);

/*
 * Keep the message for each user, then tell those who are online.  The rest
 * of the mailing is filled.  The app must have mailboxes (hub->mailbox).
 */
void ngx_http_socketio_mailbox_send(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_mailing_t *mailing);

/*
 * Append the ids of the users that it became of, as JSON strings joined by
 * commas.  Results as sio_buf_append().
 */
int ngx_http_socketio_mailbox_users(const ngx_http_socketio_mailing_t *mailing,
    ngx_http_socketio_mail_e what, sio_buf_t *buf);

/* Say that a mailbox is full, once a second. */

void ngx_http_socketio_mailbox_full(ngx_http_socketio_hub_t *hub);

/* Remove what was not delivered under a key, from all mailboxes. */

void ngx_http_socketio_mailbox_forget(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t key);

/* A MAIL record came, or one of the mailer's. */

void ngx_http_socketio_mailbox_receive(ngx_http_socketio_hub_t *hub,
    ngx_uint_t type, sio_wire_t *record,
    const ngx_http_socketio_from_t *from);


/*
 * Write all that is kept for a socket's user and was not written to it: when
 * its connect rule has succeeded, or before, by "mailbox flush".
 */
void ngx_http_socketio_mailbox_flush(sio_socket_t *socket);

/*
 * Write an item to a socket, behind those before it.  Inside of
 * sio_app_enter().
 */
void ngx_http_socketio_mailbox_write(sio_socket_t *socket, uint64_t id,
    eio_msg_t *msg);

/* How much of what a user's mailbox holds is in the zone. */

typedef enum {
    NGX_HTTP_SOCKETIO_MAIL_ALL = 0,
    NGX_HTTP_SOCKETIO_MAIL_PART,         /* the rest is to be asked for */
    NGX_HTTP_SOCKETIO_MAIL_AWAY          /* what was put here, perhaps */
} ngx_http_socketio_brought_e;


/*
 * What the home has was put into the zone, or could not be.  added: there was
 * something that was not there before.
 */
void ngx_http_socketio_mailbox_brought(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_brought_e what,
    ngx_uint_t added);

/*
 * Tell the workers that have sockets of a user of an item that came from
 * another host.
 */
void ngx_http_socketio_mailbox_came(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t id, eio_msg_t *msg);

/* Whether anything is known of what a socket was written. */

ngx_uint_t ngx_http_socketio_mailbox_known(sio_socket_t *socket);

/* The app's ops: a pong came; a socket is freed. */

void ngx_http_socketio_mailbox_pong(sio_client_t *client);
void ngx_http_socketio_mailbox_gone(sio_socket_t *socket);

/* The hub's: the end of a turn, before it is written; once a second. */

void ngx_http_socketio_mailbox_turn(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_mailbox_tick(ngx_http_socketio_hub_t *hub);

/*
 * What a session that moves takes along: behind its record; and an item that
 * was held for one of its sockets while it was on its way.
 */
void ngx_http_socketio_mailbox_pack(const ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w);
ngx_int_t ngx_http_socketio_mailbox_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r);
void ngx_http_socketio_mailbox_held(ngx_http_socketio_session_t *s,
    sio_str_t sid, uint64_t id, eio_msg_t *msg);


#endif /* _NGX_HTTP_SOCKETIO_MAILBOX_H_INCLUDED_ */
