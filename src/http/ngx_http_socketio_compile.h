/*
 * The configuration's services for the compiler of rules: memory of the
 * configuration's pool, expressions, nginx variables, errors with file and
 * line.  A module that adds verbs or values uses these.
 */


#ifndef _NGX_HTTP_SOCKETIO_COMPILE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_COMPILE_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"
#include "hub/ngx_http_socketio_regex.h"


/* An allocator over cf->pool; NULL: no memory. */

const sio_mem_t *ngx_http_socketio_conf_mem(ngx_conf_t *cf);

/*
 * Begin to compile for a rule's source (SIO_SOURCE_...) in the namespace of
 * cf->ctx, whose compile field is set.  NULL: no memory.
 */
sio_compile_t *ngx_http_socketio_compile_begin(ngx_conf_t *cf,
    unsigned source);
void ngx_http_socketio_compile_end(ngx_conf_t *cf);

/* Steps compiled from now on stand in the line at hand. */

void ngx_http_socketio_compile_line(ngx_conf_t *cf, sio_compile_t *c);

/* A result of the compiler as a directive's; errors are logged. */

char *ngx_http_socketio_compile_result(ngx_conf_t *cf, sio_compile_t *c,
    int rc);

/*
 * An nginx variable that is captured at the handshake, by its index among the
 * app's; value: used as a value of a rule.  Whether the name exists is known
 * only when the whole configuration was read: it is checked then.  SIO_OK,
 * SIO_NOMEM.
 */
int ngx_http_socketio_capture(ngx_conf_t *cf, sio_str_t name,
    ngx_uint_t value, unsigned *index);

/* The arguments of the directive at hand, as the compiler takes them. */

sio_str_t *ngx_http_socketio_compile_args(ngx_conf_t *cf);


#endif /* _NGX_HTTP_SOCKETIO_COMPILE_H_INCLUDED_ */
