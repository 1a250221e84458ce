/*
 * The HTTP API: directives, who may pass, and which call is meant.
 *
 *     socketio_api APP            the location's calls are of this app
 *     socketio_api_key_file FILE  keys of Authorization: Bearer KEY
 *
 * The end of the path names the call, a row of the table below.  A request is
 * refused in this order: 401 without a key, so that nothing is learnt without
 * one, 404, 405, 413.  All of these answers leave the connection alive.
 *
 * client_max_body_size is what the location says, but looked at here: nginx
 * would answer with a page of HTML.
 */


#include "http/ngx_http_socketio_api.h"
#include "http/ngx_http_socketio_api_key.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_fetch.h"
#include "transport/ngx_http_socketio_transport.h"

#include "codec/sio_operation.h"


/* A location with socketio_api, to be looked at when all are merged. */

typedef struct {
    void        **loc_conf;
    u_char       *file;
    ngx_uint_t    line;
} ngx_http_socketio_api_location_t;


typedef struct {
    ngx_array_t   locations;
} ngx_http_socketio_api_main_t;


static ngx_int_t ngx_http_socketio_api_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_api_unauthorized(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_socketio_api_not_allowed(ngx_http_request_t *r,
    const ngx_http_socketio_api_call_t *call);
static void ngx_http_socketio_api_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_api_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_socketio_api_too_large(ngx_http_request_t *r);
static void *ngx_http_socketio_api_create_main(ngx_conf_t *cf);
static void *ngx_http_socketio_api_create_conf(ngx_conf_t *cf);
static char *ngx_http_socketio_api_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_socketio_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_api_key_file(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_socketio_api_init(ngx_conf_t *cf);
static ngx_uint_t ngx_http_socketio_api_guarded(ngx_conf_t *cf,
    void **loc_conf);


static const ngx_http_socketio_api_call_t  ngx_http_socketio_api_calls[] = {
    { ngx_string("emit"), NULL, NGX_HTTP_POST, ngx_http_socketio_api_emit, 0 },
    { ngx_string("join"), NULL, NGX_HTTP_POST,
      ngx_http_socketio_api_operation, SIO_OPERATION_JOIN },
    { ngx_string("leave"), NULL, NGX_HTTP_POST,
      ngx_http_socketio_api_operation, SIO_OPERATION_LEAVE },
    { ngx_string("disconnect"), NULL, NGX_HTTP_POST,
      ngx_http_socketio_api_operation, SIO_OPERATION_DISCONNECT },
    { ngx_string("rooms"), NULL, NGX_HTTP_GET, ngx_http_socketio_api_fetch,
      NGX_HTTP_SOCKETIO_FETCH_ROOMS },
    { ngx_string("rooms"), "room", NGX_HTTP_GET, ngx_http_socketio_api_fetch,
      NGX_HTTP_SOCKETIO_FETCH_ROOM },
    { ngx_string("users"), "user", NGX_HTTP_GET, ngx_http_socketio_api_fetch,
      NGX_HTTP_SOCKETIO_FETCH_USER },
    { ngx_string("sockets"), "socket", NGX_HTTP_GET,
      ngx_http_socketio_api_fetch, NGX_HTTP_SOCKETIO_FETCH_SOCKET },
    { ngx_null_string, NULL, 0, NULL, 0 }
};


static ngx_command_t  ngx_http_socketio_api_commands[] = {

    { ngx_string("socketio_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("socketio_api_key_file"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_api_key_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_api_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_socketio_api_init,            /* postconfiguration */

    ngx_http_socketio_api_create_main,     /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_socketio_api_create_conf,     /* create location configuration */
    ngx_http_socketio_api_merge_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_socketio_api_module = {
    NGX_MODULE_V1,
    &ngx_http_socketio_api_module_ctx,     /* module context */
    ngx_http_socketio_api_commands,        /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_request_body_filter_pt  ngx_http_socketio_next_body_filter;


static ngx_int_t
ngx_http_socketio_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                            rc;
    sio_str_t                            name;
    ngx_http_core_loc_conf_t            *clcf;
    ngx_http_socketio_api_ctx_t         *ctx;
    ngx_http_socketio_api_conf_t        *conf;
    const ngx_http_socketio_api_call_t  *call;

    /* a subrequest would have the body of its parent */

    if (r != r->main) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_api_module);

    if (conf->keys) {
        rc = ngx_http_socketio_api_key_check(r, conf->keys);
        if (rc != NGX_OK) {
            return ngx_http_socketio_api_unauthorized(r, rc);
        }
    }

    rc = ngx_http_socketio_api_find(r, ngx_http_socketio_api_calls, &call,
                                    &name);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_socketio_api_not_allowed(r, call);
    }

    if (call->method == NGX_HTTP_POST && ngx_http_socketio_early(r)) {
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_SOCKETIO_TOO_EARLY,
                                     "too_early", "sent in TLS early data", "");
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_api_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* an "if" in the location has the limit where nginx left it */

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ctx->call = call;
    ctx->name = name;
    ctx->max_body = conf->max_body ? conf->max_body
                                   : clcf->client_max_body_size;

    if (ctx->max_body && r->headers_in.content_length_n > ctx->max_body) {
        return ngx_http_socketio_api_too_large(r);
    }

    ngx_http_set_ctx(r, ctx, ngx_http_socketio_api_module);

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_socketio_api_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* No such call, or another method. */

static ngx_int_t
ngx_http_socketio_api_not_allowed(ngx_http_request_t *r,
    const ngx_http_socketio_api_call_t *call)
{
    ngx_uint_t  get;

    if (call == NULL) {
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_FOUND,
                                             "not_found", "unknown call", "");
    }

    get = (call->method == NGX_HTTP_GET);

    if (ngx_http_socketio_json_header(r, "Allow", get ? "GET, HEAD" : "POST")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_ALLOWED, "invalid",
                                         get ? "the method must be GET or HEAD"
                                             : "the method must be POST", "");
}


static ngx_int_t
ngx_http_socketio_api_unauthorized(ngx_http_request_t *r, ngx_int_t rc)
{
    const char  *challenge, *message;

    if (rc == NGX_DECLINED) {
        challenge = "Bearer";
        message = "an API key is required";

    } else {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "socketio API: wrong key");

        challenge = "Bearer error=\"invalid_token\"";
        message = "the API key is wrong";
    }

    if (ngx_http_socketio_json_header(r, "WWW-Authenticate", challenge)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_socketio_json_refuse(r, NGX_HTTP_UNAUTHORIZED,
                                         "unauthorized", message, "");
}


static void
ngx_http_socketio_api_body(ngx_http_request_t *r)
{
    ngx_http_socketio_api_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);

    if (ctx->max_body && ctx->received > ctx->max_body) {
        ngx_http_finalize_request(r, ngx_http_socketio_api_too_large(r));
        return;
    }

    if (ngx_http_socketio_api_hub(r) == NULL) {
        ngx_http_finalize_request(r,
             ngx_http_socketio_json_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                     "unavailable", "this worker does not serve the app", ""));
        return;
    }

    ctx->call->handler(r);
}


/*
 * A chunked body tells its length only as it comes: what is above the limit
 * is not kept, so that the answer can be given when all has been read.
 */
static ngx_int_t
ngx_http_socketio_api_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t                  *cl, *last;
    ngx_http_socketio_api_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);

    if (ctx == NULL || ctx->max_body == 0) {
        return ngx_http_socketio_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        ctx->received += cl->buf->last - cl->buf->pos;
    }

    if (ctx->received <= ctx->max_body) {
        return ngx_http_socketio_next_body_filter(r, in);
    }

    last = NULL;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;

        if (cl->buf->last_buf) {
            last = cl;
        }
    }

    return ngx_http_socketio_next_body_filter(r, last);
}


static ngx_int_t
ngx_http_socketio_api_too_large(ngx_http_request_t *r)
{
    return ngx_http_socketio_json_refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                     "too_large", "the body is above client_max_body_size",
                     "");
}


static void *
ngx_http_socketio_api_create_main(ngx_conf_t *cf)
{
    ngx_http_socketio_api_main_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_api_main_t));
    if (conf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->locations, cf->pool, 4,
                       sizeof(ngx_http_socketio_api_location_t))
        != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


static void *
ngx_http_socketio_api_create_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_api_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_api_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->app = NULL;
     *     conf->max_body = 0;
     */

    conf->keys = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_socketio_api_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_socketio_api_conf_t  *prev = parent;
    ngx_http_socketio_api_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* inside of "if" and "limit_except" the location goes on */

    if (conf->app == NULL && clcf->noname) {
        conf->app = prev->app;
    }

    if (conf->app && clcf->lmt_excpt && clcf->handler == NULL) {
        clcf->handler = ngx_http_socketio_api_handler;
    }

    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_api_conf_t  *acf = conf;

    ngx_str_t                         *value;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_socketio_api_main_t      *main;
    ngx_http_socketio_api_location_t  *location;

    if (acf->app) {
        return "is duplicate";
    }

    value = cf->args->elts;

    acf->app = ngx_http_socketio_app_get(cf, &value[1]);
    if (acf->app == NULL) {
        return NGX_CONF_ERROR;
    }

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_socketio_api_module);

    location = ngx_array_push(&main->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    location->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;
    location->file = cf->conf_file->file.name.data;
    location->line = cf->conf_file->line;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_socketio_api_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_api_key_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_socketio_api_conf_t  *acf = conf;

    ngx_str_t  *value;

    if (acf->keys != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    acf->keys = ngx_http_socketio_api_keys_read(cf, &value[1]);
    if (acf->keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_socketio_api_init(ngx_conf_t *cf)
{
    ngx_uint_t                         i;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_socketio_api_main_t      *main;
    ngx_http_socketio_api_conf_t      *conf;
    ngx_http_socketio_api_location_t  *location;

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_socketio_api_module);
    location = main->locations.elts;

    if (main->locations.nelts) {
        ngx_http_socketio_next_body_filter = ngx_http_top_request_body_filter;
        ngx_http_top_request_body_filter = ngx_http_socketio_api_body_filter;
    }

    for (i = 0; i < main->locations.nelts; i++) {
        conf = location[i].loc_conf[ngx_http_socketio_api_module.ctx_index];
        clcf = location[i].loc_conf[ngx_http_core_module.ctx_index];

        conf->max_body = clcf->client_max_body_size;
        clcf->client_max_body_size = 0;

        if (conf->keys || clcf->internal
            || ngx_http_socketio_api_guarded(cf, location[i].loc_conf))
        {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"socketio_api\" is open to everybody: neither "
                      "\"socketio_api_key_file\", \"allow\" and \"deny\", "
                      "\"auth_basic\" nor \"auth_request\" is used in %s:%ui",
                      location[i].file, location[i].line);
    }

    return NGX_OK;
}


/*
 * Whether a module of nginx that can refuse a request has something to do in
 * a location.  Their configurations are private, but each of the three is
 * zeroed, merged by now, and begins with what makes it act: the rules, the
 * realm, the length of the URI.  One word of an allocation is read, which is
 * safe whatever it holds; only a warning depends on it.  The modules are
 * looked up by name since nginx may have been built without them.
 */
static ngx_uint_t
ngx_http_socketio_api_guarded(ngx_conf_t *cf, void **loc_conf)
{
    void           *conf;
    ngx_uint_t      i, n;
    ngx_module_t  **modules;

    static const char  *names[] = {
        "ngx_http_access_module",
        "ngx_http_auth_basic_module",
        "ngx_http_auth_request_module"
    };

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {

        for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {

            if (ngx_strcmp(modules[i]->name, names[n]) != 0) {
                continue;
            }

            conf = loc_conf[modules[i]->ctx_index];

            if (conf && *(uintptr_t *) conf != 0) {
                return 1;
            }
        }
    }

    return 0;
}
