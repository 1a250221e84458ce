/*
 * What other modules ask of the directive "presence".
 */


#ifndef _NGX_HTTP_SOCKETIO_PRESENCE_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_PRESENCE_MODULE_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"


/* The values of rules that need it. */

extern const sio_value_kind_t  ngx_http_socketio_presence_kinds[];

/*
 * Note that the namespace of cf->ctx needs it, at this line for that ("on
 * online"); and when the block of the app has ended, whether the app has
 * what its namespaces need: it may stand behind them.
 */
void ngx_http_socketio_presence_needed(ngx_conf_t *cf, const char *what);
char *ngx_http_socketio_presence_check(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app);


#endif /* _NGX_HTTP_SOCKETIO_PRESENCE_MODULE_H_INCLUDED_ */
