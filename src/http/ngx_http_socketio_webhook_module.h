/*
 * Webhooks of an app: the locations that its rules call.
 */


#ifndef _NGX_HTTP_SOCKETIO_WEBHOOK_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_WEBHOOK_MODULE_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"
#include "hub/ngx_http_socketio_call.h"


/*
 * The webhook of a path, made if it is the first with this one: for
 * directives inside of socketio_app.  NULL: no memory.
 */
ngx_http_socketio_webhook_t *ngx_http_socketio_webhook_get(ngx_conf_t *cf,
    sio_str_t uri);

/* The same for the compiler of rules. */

int ngx_http_socketio_compile_webhook(sio_compile_t *c, sio_str_t uri,
    void **webhook);

/*
 * When the whole configuration was read: warns of what is called and can't be
 * there.
 */
void ngx_http_socketio_webhook_check(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app);


#endif /* _NGX_HTTP_SOCKETIO_WEBHOOK_MODULE_H_INCLUDED_ */
