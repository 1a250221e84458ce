/*
 * Cluster messages (sio_cluster.h), which two dialects have in common: what
 * is heard goes to the adapter, what is to be said becomes a message.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_dialect.h"
#include "codec/sio_cluster.h"


/* The dialect's function: 16 hexadecimal digits. */

size_t ngx_http_socketio_cluster_uid(u_char *uid, uint64_t hash);

/* A message was decoded with the result rc. */

void ngx_http_socketio_cluster_heard(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, int rc);

/*
 * Fill m; what it refers to stays the caller's.  SIO_OK, or SIO_DECLINED:
 * there is no such message.
 */
void ngx_http_socketio_cluster_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b, sio_cluster_t *m);
int ngx_http_socketio_cluster_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r, sio_cluster_t *m);
int ngx_http_socketio_cluster_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_response_t *r, sio_cluster_t *m);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_ */
