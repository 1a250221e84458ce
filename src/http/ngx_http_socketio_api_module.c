/*
 * The HTTP API: directives, who may pass, and which call is meant.
 *
 *     socketio_api APP            the location's calls are of this app
 *     socketio_api_key_file FILE  keys: bearer tokens, or what signs
 *
 * The end of the path names the call, a row of the table below.  A request is
 * refused in this order: 401 without a key, so that nothing is learnt without
 * one, 404, 405, 413.  All of these answers leave the connection alive.
 *
 * client_max_body_size is what the location says, but looked at here: nginx
 * would answer with a page of HTML.
 */


#include "http/ngx_http_socketio_api.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_fetch.h"
#include "hub/ngx_http_socketio_once.h"
#include "transport/ngx_http_socketio_transport.h"

#include "codec/sio_operation.h"


static ngx_int_t ngx_http_socketio_api_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_api_unauthorized(ngx_http_request_t *r,
    const char *error);
static ngx_int_t ngx_http_socketio_api_signed(ngx_http_request_t *r,
    ngx_http_socketio_api_ctx_t *ctx, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_not_allowed(ngx_http_request_t *r,
    const ngx_http_socketio_api_call_t *call);
static void ngx_http_socketio_api_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_api_let_in(ngx_http_request_t *r,
    ngx_http_socketio_api_ctx_t *ctx, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_socketio_api_too_large(ngx_http_request_t *r);
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
static ngx_uint_t ngx_http_socketio_api_denies(void *first);
static ngx_uint_t ngx_http_socketio_api_realm(void *first);


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
    .postconfiguration = ngx_http_socketio_api_init,
    .create_loc_conf = ngx_http_socketio_api_create_conf,
    .merge_loc_conf = ngx_http_socketio_api_merge_conf
};


ngx_module_t  ngx_http_socketio_api_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_api_module_ctx,
    .commands = ngx_http_socketio_api_commands,
    .type = NGX_HTTP_MODULE
};


static ngx_http_request_body_filter_pt  ngx_http_socketio_next_body_filter;


static ngx_int_t
ngx_http_socketio_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                            rc;
    sio_str_t                            name;
    const char                          *error;
    ngx_http_core_loc_conf_t            *clcf;
    ngx_http_socketio_api_ctx_t         *ctx;
    ngx_http_socketio_api_conf_t        *conf;
    ngx_http_socketio_api_grant_t       *grant;
    const ngx_http_socketio_api_call_t  *call;

    /* a subrequest would have the body of its parent */

    if (r != r->main) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_api_module);

    grant = NULL;

    if (conf->keys) {
        rc = ngx_http_socketio_api_key_check(r, conf->keys, &grant, &error);

        if (rc == NGX_ERROR && error == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            return ngx_http_socketio_api_unauthorized(r, error);
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
    ctx->grant = grant;
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
    if (call == NULL) {
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_FOUND,
                                             "not_found", "unknown call", "");
    }

    return ngx_http_socketio_json_not_allowed(r, call->method);
}


/* error: what was wrong with what was presented, or NULL: nothing was. */

static ngx_int_t
ngx_http_socketio_api_unauthorized(ngx_http_request_t *r, const char *error)
{
    if (error) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "socketio API: %s", error);
    }

    if (ngx_http_socketio_json_header(r, "WWW-Authenticate",
                                      error
                                      ? "Bearer error=\"invalid_token\""
                                      : "Bearer")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_socketio_json_refuse(r, NGX_HTTP_UNAUTHORIZED,
                                         "unauthorized",
                                         error ? error
                                               : "an API key is required", "");
}


/*
 * The body is there: verify the signature, which does for one time if the
 * call changes something.  Results as those of let_in().
 */
static ngx_int_t
ngx_http_socketio_api_signed(ngx_http_request_t *r,
    ngx_http_socketio_api_ctx_t *ctx, ngx_int_t *answer)
{
    sio_str_t                       text, names[5];
    ngx_int_t                       rc;
    sio_buf_t                       result;
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_once_t        once;
    ngx_http_socketio_api_grant_t  *grant;

    grant = ctx->grant;
    hub = ngx_http_socketio_api_hub(r);

    *answer = NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (ngx_http_socketio_api_text(r, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_http_socketio_api_key_verify(r, grant, text);

    if (rc == NGX_DECLINED) {
        *answer = ngx_http_socketio_api_unauthorized(r,
                                                 "the signature is wrong");
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ctx->call->method != NGX_HTTP_POST) {
        return NGX_OK;
    }

    /* what was signed: anybody could put other signatures beside a used one */

    names[0] = sio_cstr("socketio_api signature");
    names[1] = grant->signature.time;
    names[2] = sio_str(r->method_name.data, r->method_name.len);
    names[3] = sio_str(r->unparsed_uri.data, r->unparsed_uri.len);
    names[4] = text;

    sio_buf_init(&result, &ngx_http_socketio_mem, SIZE_MAX);

    rc = ngx_http_socketio_once_claim(hub, &once,
                            NGX_HTTP_SOCKETIO_STORE_DEDUP, names, 5,
                            2 * NGX_HTTP_SOCKETIO_API_WINDOW * 1000, &result);
    sio_buf_free(&result);

    if (rc == NGX_OK) {
        ngx_http_socketio_once_done(hub, &once, sio_str(NULL, 0));
        return NGX_OK;
    }

    *answer = (rc == NGX_ERROR)
              ? ngx_http_socketio_json_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "unavailable",
                                              "the zone is full", "")
              : ngx_http_socketio_api_unauthorized(r,
                                          "the signature was used before");
    return NGX_DECLINED;
}


static void
ngx_http_socketio_api_body(ngx_http_request_t *r)
{
    ngx_int_t                     answer;
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

    if (ngx_http_socketio_api_let_in(r, ctx, &answer) != NGX_OK) {
        ngx_http_finalize_request(r, answer);
        return;
    }

    answer = ctx->call->handler(r);

    if (answer != NGX_AGAIN) {
        ngx_http_finalize_request(r, answer);
    }
}


/*
 * Who posts, and whether the call is his.  NGX_OK, or NGX_DECLINED: *answer
 * finalizes the request.
 */
static ngx_int_t
ngx_http_socketio_api_let_in(ngx_http_request_t *r,
    ngx_http_socketio_api_ctx_t *ctx, ngx_int_t *answer)
{
    ngx_http_socketio_api_grant_t  *grant;

    grant = ctx->grant;

    if (grant == NULL) {
        return NGX_OK;
    }

    if (grant->key == NULL
        && ngx_http_socketio_api_signed(r, ctx, answer) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (sio_key_allows(grant->key->key.calls,
                       sio_str(ctx->call->name.data, ctx->call->name.len)))
    {
        return NGX_OK;
    }

    *answer = ngx_http_socketio_json_refuse(r, NGX_HTTP_FORBIDDEN,
                                            "forbidden",
                                            "the key is not for this call",
                                            "");
    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_socketio_api_call_known(sio_str_t name)
{
    const ngx_http_socketio_api_call_t  *call;

    for (call = ngx_http_socketio_api_calls; call->name.len; call++) {
        if (sio_str_eq(name, sio_str(call->name.data, call->name.len))) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_socketio_api_permits(ngx_http_request_t *r, sio_str_t nsp,
    sio_str_t event, const char **path, const char **error)
{
    const sio_key_t              *key;
    ngx_http_socketio_api_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);

    if (ctx->grant == NULL) {
        return NGX_OK;
    }

    key = &ctx->grant->key->key;

    if (key->namespaces.len
        && (nsp.len == 0 || !sio_key_allows(key->namespaces, nsp)))
    {
        *path = "namespace";
        *error = nsp.len ? "the key is not for this namespace"
                         : "the key is not for all namespaces";
        return NGX_DECLINED;
    }

    if (event.len && !sio_key_allows(key->events, event)) {
        *path = "event";
        *error = "the key is not for this event";
        return NGX_DECLINED;
    }

    return NGX_OK;
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

    ngx_str_t  *value;

    if (acf->app) {
        return "is duplicate";
    }

    value = cf->args->elts;

    acf->app = ngx_http_socketio_app_get(cf, &value[1]);
    if (acf->app == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_socketio_location_take(cf, ngx_http_socketio_api_handler);
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
    ngx_uint_t                      i, any;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_socketio_api_conf_t   *conf;
    ngx_http_socketio_location_t   *location;
    ngx_http_socketio_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_socketio_module);
    location = smcf->locations.elts;
    any = 0;

    for (i = 0; i < smcf->locations.nelts; i++) {

        if (location[i].handler != ngx_http_socketio_api_handler) {
            continue;
        }

        any = 1;
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

    if (any) {
        ngx_http_socketio_next_body_filter = ngx_http_top_request_body_filter;
        ngx_http_top_request_body_filter = ngx_http_socketio_api_body_filter;
    }

    return NGX_OK;
}


/*
 * Whether a module of nginx that can refuse a request has something to do in
 * a location.  Their configurations are private, but each of the three is
 * zeroed, merged by now, and begins with what makes it act: the rules, the
 * realm, the length of the URI.  Only a warning depends on what is read.  The
 * modules are looked up by name since nginx may have been built without them.
 */
static ngx_uint_t
ngx_http_socketio_api_guarded(ngx_conf_t *cf, void **loc_conf)
{
    void           **conf;
    ngx_uint_t       i, n;
    ngx_module_t   **modules;

    static const struct {
        const char   *name;
        ngx_uint_t  (*acts)(void *first);
    } guards[] = {
        { "ngx_http_access_module", ngx_http_socketio_api_denies },
        { "ngx_http_auth_basic_module", ngx_http_socketio_api_realm },
        { "ngx_http_auth_request_module", NULL }
    };

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {

        for (n = 0; n < sizeof(guards) / sizeof(guards[0]); n++) {

            if (ngx_strcmp(modules[i]->name, guards[n].name) != 0) {
                continue;
            }

            conf = loc_conf[modules[i]->ctx_index];

            if (conf && *conf
                && (guards[n].acts == NULL || guards[n].acts(*conf)))
            {
                return 1;
            }
        }
    }

    return 0;
}


/* Rules for IPv4: "allow" alone, without a "deny", lets everybody in. */

static ngx_uint_t
ngx_http_socketio_api_denies(void *first)
{
    ngx_array_t *rules = first;

    ngx_uint_t   i;

    struct {
        in_addr_t   mask;
        in_addr_t   addr;
        ngx_uint_t  deny;
    } *rule;

    /* a rule of another nginx, of which we know nothing */

    if (rules->size != sizeof(*rule)) {
        return 1;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {
        if (rule[i].deny) {
            return 1;
        }
    }

    return 0;
}


/* "auth_basic off" is a realm, too. */

static ngx_uint_t
ngx_http_socketio_api_realm(void *first)
{
    ngx_http_complex_value_t *realm = first;

    return realm->value.len != 3
           || ngx_strncmp(realm->value.data, "off", 3) != 0;
}
