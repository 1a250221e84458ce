/*
 * Fetch over hosts: the answer of a host of another kind.
 *
 * It is a list of all sockets that were addressed, [{id, rooms, data}]: what
 * a worker would answer to the question is made of it.  The user of a socket
 * is that of the room "user:ID" that it is in.
 */


#ifndef _NGX_HTTP_SOCKETIO_FETCH_FOREIGN_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FETCH_FOREIGN_H_INCLUDED_


#include "hub/ngx_http_socketio_fetch.h"


/*
 * sockets: valid JSON, or empty, of a namespace.  NGX_OK: the answer is among
 * those of f; NGX_ERROR: it makes no sense, or no memory.
 */
ngx_int_t ngx_http_socketio_fetch_foreign(ngx_http_socketio_fetch_t *f,
    sio_str_t nsp, sio_str_t sockets);


#endif /* _NGX_HTTP_SOCKETIO_FETCH_FOREIGN_H_INCLUDED_ */
