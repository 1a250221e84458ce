/*
 * Granted rooms: a user's sockets are members now, and at every later
 * connect, until the grant ends or is taken back.
 *
 * A grant is a record of the store: who, which room, until when.  It is
 * written before the directory is looked at for sockets the user has by now,
 * and a socket that connects is in the directory before it looks for grants:
 * so one of the two meets the other.
 *
 * A grant that has ended counts no more, but its record stays until a worker
 * has told the others that the user's sockets leave the room.
 *
 * With other hosts each has all grants.  What was written last counts, by time
 * and then by host; a grant that was taken back leaves a record that says so
 * for a day, for hosts that were away.
 */


#ifndef _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"

#include "codec/sio_operation.h"
#include "shm/ngx_http_socketio_shm_store.h"


#define NGX_HTTP_SOCKETIO_GRANT_MSEC  (SIO_OPERATION_TTL_MAX * 1000)
#define NGX_HTTP_SOCKETIO_GRANTS_MAX  500        /* of a user, in a namespace */


/* What is written of a grant. */

typedef struct {
    uint64_t  expires;                 /* msec of the calendar, 0: taken back */
    uint64_t  stamp;                   /* msec of the calendar: when */
    uint64_t  host;                    /* by which one, 0: for this one alone */
} ngx_http_socketio_grant_t;


/* The data of a record: this, then the names. */

typedef struct {
    ngx_http_socketio_grant_t  grant;  /* may be changed in its place */
    uint16_t                   nsp_len;
    uint16_t                   user_len;
    uint16_t                   room_len;
    uint16_t                   reserved;
} ngx_http_socketio_grant_head_t;


#define NGX_HTTP_SOCKETIO_GRANT_LEN                                           \
    (sizeof(ngx_http_socketio_grant_head_t) + 3 * SIO_ROOM_MAX)


/* A record that was read. */

typedef struct {
    u_char                     data[NGX_HTTP_SOCKETIO_GRANT_LEN];
    ngx_http_socketio_grant_t  grant;
    sio_str_t                  name[3];          /* namespace, user, room */
} ngx_http_socketio_granted_t;


/*
 * Grant the rooms of a join with a ttl to its users, anew or for longer (or
 * for less); the sockets they have are the caller's business, afterwards.
 *
 * NGX_OK
 * NGX_DECLINED  a user has too many
 * NGX_ERROR     the store is full
 *
 * What was granted before a failure stays: a repeat does no harm.
 */
ngx_int_t ngx_http_socketio_grant_add(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *join);

/* Take back what a leave by user names. */

void ngx_http_socketio_grant_remove(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *leave);

/* Whether a room is granted to a user: 1 or 0. */

ngx_uint_t ngx_http_socketio_grant_has(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, sio_str_t room);

/*
 * A socket that connects, and has got its user, joins what is granted to
 * him.  SIO_OK, SIO_DECLINED (too many rooms, the zone is full), SIO_NOMEM.
 */
int ngx_http_socketio_grant_join(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket);

/*
 * Another host has granted a room to a user, for longer or for less, or has
 * taken it back; name: namespace, user, room.  What is older than what is
 * known changes nothing.
 */
void ngx_http_socketio_grant_heard(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, ngx_http_socketio_grant_t *grant);

/* Tell other hosts of all grants, bit by bit. */

void ngx_http_socketio_grant_tell(ngx_http_socketio_hub_t *hub);

/* Once a second: grants that have ended. */

void ngx_http_socketio_grant_tick(ngx_http_socketio_hub_t *hub);


/* For the files of grant. */

/*
 * Write a grant.  Without a stamp it is newer than what is there, and gets
 * one.  *was: whether the room was granted before.
 *
 * NGX_OK
 * NGX_DONE      what is there is newer
 * NGX_DECLINED  the user has too many
 * NGX_ERROR     the store is full
 */
ngx_int_t ngx_http_socketio_grant_write(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, ngx_http_socketio_grant_t *grant, ngx_uint_t *was);

/* Under the store's lock: a record, copied.  NGX_OK, NGX_ERROR: damaged. */

ngx_int_t ngx_http_socketio_grant_read(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_t *item,
    ngx_http_socketio_granted_t *granted);

/* The operation of one user and room: its sockets join, or leave. */

ngx_int_t ngx_http_socketio_grant_operate(ngx_http_socketio_hub_t *hub,
    sio_operation_e type, const sio_str_t *name, ngx_uint_t local);


#endif /* _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_ */
