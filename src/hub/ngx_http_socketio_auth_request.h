/*
 * authenticate request: the application says who a client is, by the cookies
 * and headers of its handshake.  CONNECT waits for the answer.
 *
 *     {"user": "7", "claims": {...}, "expires": 1795255200}
 *
 * user is a string or an integer, null: nobody; expires in seconds, or null.
 * 401 and 403 refuse; what is no answer is unavailable.
 *
 * With a cache an answer that names a user counts for others with the same
 * credentials, too: those of a user who connects again, or has several tabs.
 * Refusals are not cached, nor is what came without any credentials.  Who is
 * disconnected by his user's id is asked for anew.
 */


#ifndef _NGX_HTTP_SOCKETIO_AUTH_REQUEST_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_AUTH_REQUEST_H_INCLUDED_


#include "hub/ngx_http_socketio_call.h"
#include "hub/ngx_http_socketio_identity.h"


/* What is taken from the handshake; by credentials answers are cached. */

typedef enum {
    NGX_HTTP_SOCKETIO_AUTH_COOKIE = 0,
    NGX_HTTP_SOCKETIO_AUTH_AUTHORIZATION,
    NGX_HTTP_SOCKETIO_AUTH_HOST,
    NGX_HTTP_SOCKETIO_AUTH_FORWARDED,
    NGX_HTTP_SOCKETIO_AUTH_HEADERS
} ngx_http_socketio_auth_header_e;


typedef struct {
    const ngx_http_socketio_webhook_t  *webhook;
    uint64_t                            msec;        /* for an answer */
    uint64_t                            cache;       /* msec; 0: none */
    unsigned    variables[NGX_HTTP_SOCKETIO_AUTH_HEADERS];  /* captured */
} ngx_http_socketio_auth_request_t;


extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_request;   /* conf: the struct above */


/*
 * The users among some rooms (user:ID) are disconnected, wherever they are:
 * what was said of them does not count any more, in no namespace, and who asks
 * for one of them at this moment is refused.
 */
void ngx_http_socketio_auth_request_revoke(ngx_http_socketio_hub_t *hub,
    const sio_str_t *rooms, ngx_uint_t n);

/* The worker ends. */

void ngx_http_socketio_auth_request_cleanup(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_AUTH_REQUEST_H_INCLUDED_ */
