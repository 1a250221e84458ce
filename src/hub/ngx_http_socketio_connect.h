/*
 * CONNECT: who the client is, then the rule "on connect".  Both may wait for
 * an answer; the client is told when both have ended.
 */


#ifndef _NGX_HTTP_SOCKETIO_CONNECT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CONNECT_H_INCLUDED_


#include "hub/ngx_http_socketio_identity.h"


/* The app's op. */

int ngx_http_socketio_connect(sio_socket_t *socket, sio_str_t auth,
    sio_buf_t *error);

/*
 * Go on with a CONNECT whose authenticator returned SIO_AGAIN: name is the
 * namespace's, sid the socket's.  auth and rc are the answer, as its check
 * would have given it.  If the socket is gone nothing is done.
 */
void ngx_http_socketio_connect_resume(ngx_http_socketio_hub_t *hub,
    sio_str_t name, sio_str_t sid, ngx_http_socketio_auth_t *auth, int rc);

/* The same, when recovery has let it wait: who it is is known already. */

void ngx_http_socketio_connect_again(sio_socket_t *socket);


#endif /* _NGX_HTTP_SOCKETIO_CONNECT_H_INCLUDED_ */
