/*
 * Redis as the home of mailboxes, which all hosts of a cluster share.
 *
 * The mailer of each host has two connections of its own: one to say and ask,
 * in order, and one to hear the news.  What is done in Redis is one script
 * (redis_script), so that each step is whole or not done.
 *
 * News are numbered.  Who misses a number - the subscription was lost, or Redis
 * was away - asks which mailboxes had something put in since the last number it
 * heard, and reads those of users that are here.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_MAIL_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_MAIL_H_INCLUDED_


#include "backend/ngx_http_socketio_redis.h"
#include "hub/ngx_http_socketio_hub.h"


/*
 * Make Redis the home of a hub's mailboxes, if they are to have one.
 * NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_redis_mail_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_redis_conf_t *conf);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_MAIL_H_INCLUDED_ */
