/*
 * The HTTP API: what its calls share.
 *
 * The module has let the request through (key, call, method, size), read its
 * body and knows what its location says; a call has a row in the module's
 * table and a file of its own, and answers.
 */


#ifndef _NGX_HTTP_SOCKETIO_API_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_API_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_api_key.h"


typedef struct {
    ngx_http_socketio_app_t  *app;
    ngx_http_socketio_api_keys_t  *keys; /* NULL: whoever gets here may */
    off_t                     max_body;  /* bytes, 0: nginx looks itself */
} ngx_http_socketio_api_conf_t;


/* A call: its name in the path, and who answers. */

typedef struct {
    ngx_str_t                 name;
    const char               *named;     /* what name follows, NULL: none */
    ngx_uint_t                method;    /* NGX_HTTP_GET has HEAD too */

    /* The body has been read.  NGX_AGAIN: the request waits; else what
       finalizes it. */
    ngx_int_t               (*handler)(ngx_http_request_t *r);

    ngx_uint_t                data;      /* the handler's */
} ngx_http_socketio_api_call_t;


/* Of a request that was let through. */

typedef struct {
    const ngx_http_socketio_api_call_t  *call;
    sio_str_t                            name;      /* behind the call's */
    off_t                                max_body;
    off_t                                received;  /* bytes */
    ngx_http_socketio_api_grant_t       *grant;     /* NULL: by no key */
    void                                *data;      /* the handler's */
} ngx_http_socketio_api_ctx_t;


extern ngx_module_t  ngx_http_socketio_api_module;


/* The handlers. */

ngx_int_t ngx_http_socketio_api_emit(ngx_http_request_t *r);
ngx_int_t ngx_http_socketio_api_operation(ngx_http_request_t *r);
ngx_int_t ngx_http_socketio_api_fetch(ngx_http_request_t *r);


/* Whether there is a call of this name. */

ngx_uint_t ngx_http_socketio_api_call_known(sio_str_t name);

/*
 * Whether the request's key is for a namespace (empty: for all of them) and
 * an event (empty: none is meant).  NGX_OK, or NGX_DECLINED: path and error
 * say what it is not for, to be answered by 403.
 */
ngx_int_t ngx_http_socketio_api_permits(ngx_http_request_t *r, sio_str_t nsp,
    sio_str_t event, const char **path, const char **error);

/* The hub of the request's app; it is there when a handler is called. */

ngx_http_socketio_hub_t *ngx_http_socketio_api_hub(ngx_http_request_t *r);

/*
 * The call that a request's path names, and the name behind it, decoded.
 * NGX_OK; NGX_DECLINED: there is no such call, or (*call is set) it is called
 * by another method; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_api_find(ngx_http_request_t *r,
    const ngx_http_socketio_api_call_t *calls,
    const ngx_http_socketio_api_call_t **call, sio_str_t *name);

/* The body in one piece: where it is, or a copy.  NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_api_text(ngx_http_request_t *r, sio_str_t *text);

/*
 * The next argument of the query, decoded: NGX_OK, NGX_DONE: there is no
 * more, NGX_ERROR: no memory.  *pos begins as r->args.data.
 */
ngx_int_t ngx_http_socketio_api_arg(ngx_http_request_t *r, u_char **pos,
    sio_str_t *name, sio_str_t *value);


#endif /* _NGX_HTTP_SOCKETIO_API_H_INCLUDED_ */
