/*
 * Admission: how many sessions may be open at a time by a key - an address, a
 * user, whatever names the client - and how fast new ones may come.
 *
 * Open sessions are counted in the directory, where what a killed worker
 * counted is void with it; new ones by a bucket in the store.  So both hold
 * for all workers together and over reloads.  A session is counted from its
 * handshake to its end, on whichever transport, and takes what it counts for
 * along to another worker.
 */


#ifndef _NGX_HTTP_SOCKETIO_ADMIT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ADMIT_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


#define NGX_HTTP_SOCKETIO_ADMIT_KEYS  4      /* of one session, at most */


typedef struct {
    sio_str_t                  name;     /* of the key, as configured */
    uint32_t                   max;      /* sessions, 0: any number */
    sio_limit_t                rate;     /* of new ones; rate 0: any */
} ngx_http_socketio_admission_t;


/* What a session is counted for. */

struct ngx_http_socketio_admitted_s {
    ngx_uint_t                 n;
    ngx_http_socketio_key_t    key[NGX_HTTP_SOCKETIO_ADMIT_KEYS];
    uint32_t                   cell[NGX_HTTP_SOCKETIO_ADMIT_KEYS];
};


/*
 * Count a new session, which has not more than the keys above, for a value
 * of a key.
 *
 * NGX_OK        it may come in; so may it if the limit is tried only (force)
 * NGX_DECLINED  there are max sessions: not counted
 * NGX_BUSY      new ones come too fast: not counted
 * NGX_ERROR     no room in the zone to count it, or no memory
 */
ngx_int_t ngx_http_socketio_admit(ngx_http_socketio_session_t *s,
    const ngx_http_socketio_admission_t *admission, sio_str_t value,
    ngx_uint_t force);

/* The session ends, or has moved away. */

void ngx_http_socketio_admit_end(ngx_http_socketio_session_t *s);

/* Behind a session's record. */

void ngx_http_socketio_admit_pack(const ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w);
ngx_int_t ngx_http_socketio_admit_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r);

/* Of the app's table: a packet is above the location's socketio_limit. */

void ngx_http_socketio_admit_limited(sio_client_t *client);

/* Count what socketio_slow_consumer drop has left out of a session. */

void ngx_http_socketio_admit_lost(ngx_http_socketio_session_t *s);


#endif /* _NGX_HTTP_SOCKETIO_ADMIT_H_INCLUDED_ */
