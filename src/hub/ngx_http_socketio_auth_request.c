/*
 * authenticate request: questions on their way, and answers that are kept.
 */


#include "hub/ngx_http_socketio_auth_request.h"
#include "hub/ngx_http_socketio_connect.h"
#include "codec/sio_body.h"


#define NGX_HTTP_SOCKETIO_AUTH_CACHE_MAX  10000      /* answers in a worker */
#define NGX_HTTP_SOCKETIO_AUTH_KEY        16         /* bytes of a hash */
#define NGX_HTTP_SOCKETIO_AUTH_REVOKED    64         /* users remembered */


typedef struct ngx_http_socketio_auth_kept_s  ngx_http_socketio_auth_kept_t;


/* A question, by the number of its call. */

typedef struct {
    sio_map_node_t                   node;
    uint64_t                         id;
    u_char                           sid[EIO_SID_LEN];
    u_char                           key[NGX_HTTP_SOCKETIO_AUTH_KEY];
    uint32_t                         cache;          /* msec; 0: not kept */
    uint64_t                         revoked;        /* so many until then */
    sio_str_t                        nsp;            /* behind this */
} ngx_http_socketio_auth_ask_t;


/* An answer that is kept. */

struct ngx_http_socketio_auth_kept_s {
    sio_map_node_t                   node;
    ngx_queue_t                      link;           /* oldest first */
    u_char                           key[NGX_HTTP_SOCKETIO_AUTH_KEY];
    uint64_t                         until;          /* msec */
    sio_claimed_t                    claimed;        /* texts behind this */
};


struct ngx_http_socketio_asked_s {
    sio_map_t                        asks;
    sio_map_t                        kept;
    ngx_queue_t                      order;
    uint64_t                         revoked;        /* users ever, and */
    uint64_t                         last[NGX_HTTP_SOCKETIO_AUTH_REVOKED];
};


/* What an answer says. */

typedef struct {
    sio_str_t                        user;
    sio_str_t                        claims;
    uint64_t                         expires;        /* calendar msec */
} ngx_http_socketio_auth_said_t;


static int ngx_http_socketio_auth_request(void *conf,
    ngx_http_socketio_auth_t *auth);
static ngx_http_socketio_asked_t *ngx_http_socketio_asked(
    ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_auth_key(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call, u_char *key);
static ngx_http_socketio_auth_ask_t *ngx_http_socketio_auth_ask(
    ngx_http_socketio_hub_t *hub, const sio_run_t *run);
static void ngx_http_socketio_auth_answered(ngx_http_socketio_hub_t *hub,
    uint64_t id, ngx_uint_t status, sio_str_t text);
static int ngx_http_socketio_auth_judge(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_auth_t *auth, ngx_uint_t status, sio_str_t text,
    sio_body_t *body);
static int ngx_http_socketio_auth_user(sio_body_t *body, unsigned key,
    void *object);
static int ngx_http_socketio_auth_claims(sio_body_t *body, unsigned key,
    void *object);
static int ngx_http_socketio_auth_expires(sio_body_t *body, unsigned key,
    void *object);
static void ngx_http_socketio_auth_keep(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_auth_ask_t *ask, const sio_claimed_t *claimed);
static ngx_uint_t ngx_http_socketio_auth_revoked(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_auth_ask_t *ask, sio_str_t user);
static void ngx_http_socketio_auth_forget(ngx_http_socketio_asked_t *asked,
    ngx_http_socketio_auth_kept_t *kept);


const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_request =
    { "request", ngx_http_socketio_auth_request, 0, NULL };


/* In the order of ngx_http_socketio_auth_header_e. */

static const ngx_str_t  ngx_http_socketio_auth_names[] = {
    ngx_string("Cookie"),
    ngx_string("Authorization"),
    ngx_string("X-Forwarded-Host"),
    ngx_string("X-Forwarded-For")
};


static const sio_body_key_t  ngx_http_socketio_auth_keys[] = {
    { sio_string("user"), SIO_BODY_STRING, ngx_http_socketio_auth_user,
      0, 0 },
    { sio_string("claims"), SIO_BODY_VALUE, ngx_http_socketio_auth_claims,
      0, 0 },
    { sio_string("expires"), SIO_BODY_VALUE, ngx_http_socketio_auth_expires,
      0, 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


static const sio_json_limits_t  ngx_http_socketio_auth_limits = { 64, 10000 };


static int
ngx_http_socketio_auth_request(void *conf, ngx_http_socketio_auth_t *auth)
{
    ngx_http_socketio_auth_request_t *request = conf;

    sio_run_t                      *run;
    ngx_uint_t                      i, shown;
    sio_map_node_t                 *node;
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_call_t        call;
    ngx_http_socketio_asked_t      *asked;
    ngx_http_socketio_auth_ask_t   *ask;
    ngx_http_socketio_auth_kept_t  *kept;
    u_char                          key[NGX_HTTP_SOCKETIO_AUTH_KEY];

    run = &auth->run->run;
    hub = auth->run->hub;

    ngx_memzero(&call, sizeof(ngx_http_socketio_call_t));

    call.webhook = request->webhook;
    call.msec = request->msec;
    call.nheaders = NGX_HTTP_SOCKETIO_AUTH_HEADERS;

    for (i = 0; i < NGX_HTTP_SOCKETIO_AUTH_HEADERS; i++) {
        call.headers[i].name = ngx_http_socketio_auth_names[i];
        (void) run->ops->variable(run, request->variables[i],
                                  &call.headers[i].value);
    }

    asked = ngx_http_socketio_asked(hub);
    if (asked == NULL) {
        return SIO_NOMEM;
    }

    shown = ngx_http_socketio_auth_key(hub, &call, key);

    if (shown && request->cache) {
        node = sio_map_find(&asked->kept, sio_str(key, sizeof(key)));
        kept = node ? sio_map_data(node, ngx_http_socketio_auth_kept_t, node)
                    : NULL;

        /* who has ended is asked for anew: the session may go on */

        if (kept && kept->until > ngx_http_socketio_now()
            && (kept->claimed.expires == 0
                || kept->claimed.expires > auth->now))
        {
            auth->claimed = kept->claimed;
            return SIO_OK;
        }
    }

    ask = ngx_http_socketio_auth_ask(hub, run);
    if (ask == NULL) {
        return SIO_NOMEM;
    }

    ngx_memcpy(ask->key, key, sizeof(key));
    ask->cache = shown ? request->cache : 0;

    call.id = ask->id;
    call.done = ngx_http_socketio_auth_answered;

    if (hub->caller && hub->caller->call(hub, &call) == NGX_OK) {
        return SIO_AGAIN;
    }

    sio_map_remove(&asked->asks, &ask->node);
    sio_free(&ngx_http_socketio_mem, ask);

    auth->code = SIO_CODE_UNAVAILABLE;
    auth->error = "try again later";

    return SIO_ERROR;
}


static ngx_http_socketio_asked_t *
ngx_http_socketio_asked(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_asked_t  *asked;

    if (hub->asked) {
        return hub->asked;
    }

    asked = sio_calloc(&ngx_http_socketio_mem,
                       sizeof(ngx_http_socketio_asked_t));
    if (asked == NULL) {
        return NULL;
    }

    sio_map_init(&asked->asks, &ngx_http_socketio_mem, &hub->zone->hash);
    sio_map_init(&asked->kept, &ngx_http_socketio_mem, &hub->zone->hash);
    ngx_queue_init(&asked->order);

    hub->asked = asked;

    return asked;
}


void
ngx_http_socketio_auth_request_cleanup(ngx_http_socketio_hub_t *hub)
{
    uint32_t                    cursor;
    sio_map_node_t             *node, *saved;
    ngx_http_socketio_asked_t  *asked;

    asked = hub->asked;

    if (asked == NULL) {
        return;
    }

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&asked->asks, &cursor, &saved)) != NULL) {
        sio_free(&ngx_http_socketio_mem,
                 sio_map_data(node, ngx_http_socketio_auth_ask_t, node));
    }

    while (!ngx_queue_empty(&asked->order)) {
        ngx_http_socketio_auth_forget(asked,
                        ngx_queue_data(ngx_queue_head(&asked->order),
                                       ngx_http_socketio_auth_kept_t, link));
    }

    sio_map_free(&asked->asks);
    sio_map_free(&asked->kept);
    sio_free(&ngx_http_socketio_mem, asked);

    hub->asked = NULL;
}


/*
 * What an answer depends on, as a keyed hash of 128 bits.  Returns whether
 * there are credentials at all.
 */
static ngx_uint_t
ngx_http_socketio_auth_key(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call, u_char *key)
{
    u_char     pair[3][NGX_HTTP_SOCKETIO_AUTH_KEY];
    sio_str_t  cookie, authorization;

    cookie = call->headers[NGX_HTTP_SOCKETIO_AUTH_COOKIE].value;
    authorization = call->headers[NGX_HTTP_SOCKETIO_AUTH_AUTHORIZATION].value;

    sio_hash_pair(&hub->zone->hash, cookie, authorization, pair[0]);
    sio_hash_pair(&hub->zone->hash,
                  call->headers[NGX_HTTP_SOCKETIO_AUTH_HOST].value,
                  sio_str(call->webhook->uri.data, call->webhook->uri.len),
                  pair[1]);
    sio_hash_pair(&hub->zone->hash, sio_str(pair[0], sizeof(pair[0])),
                  sio_str(pair[1], sizeof(pair[1])), key);

    return cookie.len || authorization.len;
}


static ngx_http_socketio_auth_ask_t *
ngx_http_socketio_auth_ask(ngx_http_socketio_hub_t *hub, const sio_run_t *run)
{
    ngx_http_socketio_auth_ask_t  *ask;

    ask = sio_calloc(&ngx_http_socketio_mem,
                     sizeof(ngx_http_socketio_auth_ask_t) + run->nsp.len);
    if (ask == NULL) {
        return NULL;
    }

    ask->id = ++hub->ids;
    ask->revoked = hub->asked->revoked;
    ask->nsp = sio_str(ask + 1, run->nsp.len);

    ngx_memcpy(ask + 1, run->nsp.data, run->nsp.len);
    ngx_memcpy(ask->sid, run->socket->sid, EIO_SID_LEN);

    if (sio_map_insert(&hub->asked->asks, &ask->node,
                       sio_str(&ask->id, sizeof(ask->id)))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, ask);
        return NULL;
    }

    return ask;
}


/* The socket may be gone: that is looked after by who goes on with it. */

static void
ngx_http_socketio_auth_answered(ngx_http_socketio_hub_t *hub, uint64_t id,
    ngx_uint_t status, sio_str_t text)
{
    int                            rc;
    sio_body_t                     body;
    sio_map_node_t                *node;
    ngx_http_socketio_auth_t       auth;
    ngx_http_socketio_auth_ask_t  *ask;

    node = sio_map_find(&hub->asked->asks, sio_str(&id, sizeof(id)));

    if (node == NULL) {
        return;
    }

    ask = sio_map_data(node, ngx_http_socketio_auth_ask_t, node);
    sio_map_remove(&hub->asked->asks, node);

    sio_body_init(&body, &ngx_http_socketio_mem);
    ngx_http_socketio_identity_question(&auth, NULL);

    rc = ngx_http_socketio_auth_judge(hub, &auth, status, text, &body);

    if (rc == SIO_OK
        && ngx_http_socketio_auth_revoked(hub, ask, auth.claimed.user))
    {
        auth.reason = "the user was disconnected meanwhile";
        rc = SIO_ERROR;
    }

    if (rc == SIO_OK && ask->cache) {
        ngx_http_socketio_auth_keep(hub, ask, &auth.claimed);
    }

    ngx_http_socketio_connect_resume(hub, ask->nsp,
                                     sio_str(ask->sid, EIO_SID_LEN), &auth,
                                     rc);

    sio_body_free(&body);
    sio_free(&ngx_http_socketio_mem, ask);
}


static int
ngx_http_socketio_auth_judge(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_auth_t *auth, ngx_uint_t status, sio_str_t text,
    sio_body_t *body)
{
    int                            rc;
    ngx_http_socketio_auth_said_t  said;

    if (status == 401) {
        return SIO_DECLINED;
    }

    if (status == 403) {
        auth->reason = "the application refused it";
        return SIO_ERROR;
    }

    auth->code = SIO_CODE_UNAVAILABLE;
    auth->error = "try again later";

    if (status < 200 || status >= 300) {
        return SIO_ERROR;
    }

    if (text.len == 0) {
        return SIO_DECLINED;
    }

    ngx_memzero(&said, sizeof(ngx_http_socketio_auth_said_t));

    rc = sio_body_begin(body, text, &ngx_http_socketio_auth_limits,
                        ngx_http_socketio_auth_keys, 1);

    if (rc == SIO_OK && body->batch) {
        body->error = "must be an object";
        rc = SIO_ERROR;
    }

    if (rc == SIO_OK) {
        rc = sio_body_next(body, &said);
    }

    if (rc == SIO_ERROR) {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": the answer to \"authenticate "
                      "request\" is invalid: %s%s%s", &hub->conf->name,
                      body->path, body->path[0] ? " " : "", body->error);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    auth->code = SIO_CODE_NONE;
    auth->error = NULL;

    auth->claimed.user = said.user;
    auth->claimed.claims = said.claims;
    auth->claimed.expires = said.expires;

    return SIO_OK;
}


static int
ngx_http_socketio_auth_user(sio_body_t *body, unsigned key, void *object)
{
    ngx_http_socketio_auth_said_t *said = object;

    int64_t    n;
    sio_str_t  value;

    value = body->value[key];

    switch (sio_json_type(value)) {

    case SIO_JSON_NULL:
        return SIO_OK;

    case SIO_JSON_STRING:
        return sio_body_string(body, key, SIO_ROOM_MAX, &said->user);

    default:
        if (sio_json_type(value) != SIO_JSON_NUMBER
            || sio_json_int(value, &n) != SIO_OK || n < 0)
        {
            return sio_body_fail(body, key, -1,
                                 "must be a string or an integer");
        }

        said->user = value;
        return SIO_OK;
    }
}


static int
ngx_http_socketio_auth_claims(sio_body_t *body, unsigned key, void *object)
{
    ngx_http_socketio_auth_said_t *said = object;

    if (sio_json_type(body->value[key]) == SIO_JSON_NULL) {
        return SIO_OK;
    }

    if (sio_json_type(body->value[key]) != SIO_JSON_OBJECT) {
        return sio_body_fail(body, key, -1, "must be an object");
    }

    said->claims = body->value[key];

    return SIO_OK;
}


static int
ngx_http_socketio_auth_expires(sio_body_t *body, unsigned key, void *object)
{
    ngx_http_socketio_auth_said_t *said = object;

    double  seconds;

    if (sio_json_type(body->value[key]) == SIO_JSON_NULL) {
        return SIO_OK;
    }

    if (sio_json_type(body->value[key]) != SIO_JSON_NUMBER
        || sio_json_double(body->value[key], &seconds) != SIO_OK
        || seconds < 1 || seconds > 1e11)
    {
        return sio_body_fail(body, key, -1,
                             "must be a time in seconds since 1970");
    }

    said->expires = (uint64_t) (seconds * 1000);

    return SIO_OK;
}


/* Without memory it is asked again. */

static void
ngx_http_socketio_auth_keep(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_auth_ask_t *ask, const sio_claimed_t *claimed)
{
    u_char                         *p;
    sio_map_node_t                 *node;
    ngx_http_socketio_asked_t      *asked;
    ngx_http_socketio_auth_kept_t  *kept;

    asked = hub->asked;

    if (claimed->user.len == 0 || claimed->claims.len > SIO_CLAIMS_MAX) {
        return;
    }

    node = sio_map_find(&asked->kept, sio_str(ask->key, sizeof(ask->key)));

    if (node) {
        ngx_http_socketio_auth_forget(asked,
                 sio_map_data(node, ngx_http_socketio_auth_kept_t, node));

    } else if (asked->kept.count >= NGX_HTTP_SOCKETIO_AUTH_CACHE_MAX) {
        ngx_http_socketio_auth_forget(asked,
                        ngx_queue_data(ngx_queue_head(&asked->order),
                                       ngx_http_socketio_auth_kept_t, link));
    }

    kept = sio_alloc(&ngx_http_socketio_mem,
                     sizeof(ngx_http_socketio_auth_kept_t)
                     + claimed->user.len + claimed->claims.len);
    if (kept == NULL) {
        return;
    }

    ngx_memcpy(kept->key, ask->key, sizeof(kept->key));
    kept->until = ngx_http_socketio_now() + ask->cache;
    kept->claimed = *claimed;

    p = (u_char *) (kept + 1);
    kept->claimed.user.data = p;
    p = ngx_cpymem(p, claimed->user.data, claimed->user.len);

    if (claimed->claims.len) {
        kept->claimed.claims.data = p;
        ngx_memcpy(p, claimed->claims.data, claimed->claims.len);
    }

    if (sio_map_insert(&asked->kept, &kept->node,
                       sio_str(kept->key, sizeof(kept->key)))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, kept);
        return;
    }

    ngx_queue_insert_tail(&asked->order, &kept->link);
}


void
ngx_http_socketio_auth_request_revoke(ngx_http_socketio_hub_t *hub,
    const sio_str_t *rooms, ngx_uint_t n)
{
    sio_str_t                       user;
    ngx_uint_t                      i;
    ngx_queue_t                    *q, *next;
    ngx_http_socketio_asked_t      *asked;
    ngx_http_socketio_auth_kept_t  *kept;

    asked = hub->asked;

    for (i = 0; asked && i < n; i++) {
        user = sio_room_user(rooms[i]);

        if (user.len == 0) {
            continue;
        }

        asked->last[asked->revoked++ % NGX_HTTP_SOCKETIO_AUTH_REVOKED]
                           = sio_hash(&hub->zone->hash, user.data, user.len);

        for (q = ngx_queue_head(&asked->order);
             q != ngx_queue_sentinel(&asked->order);
             q = next)
        {
            next = ngx_queue_next(q);
            kept = ngx_queue_data(q, ngx_http_socketio_auth_kept_t, link);

            if (sio_str_eq(kept->claimed.user, user)) {
                ngx_http_socketio_auth_forget(asked, kept);
            }
        }
    }
}


/* Since it was asked; of very many it is taken to be so. */

static ngx_uint_t
ngx_http_socketio_auth_revoked(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_auth_ask_t *ask, sio_str_t user)
{
    uint64_t                    i, hash;
    ngx_http_socketio_asked_t  *asked;

    asked = hub->asked;
    hash = sio_hash(&hub->zone->hash, user.data, user.len);

    if (asked->revoked - ask->revoked > NGX_HTTP_SOCKETIO_AUTH_REVOKED) {
        return 1;
    }

    for (i = ask->revoked; i < asked->revoked; i++) {

        if (asked->last[i % NGX_HTTP_SOCKETIO_AUTH_REVOKED] == hash) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_socketio_auth_forget(ngx_http_socketio_asked_t *asked,
    ngx_http_socketio_auth_kept_t *kept)
{
    sio_map_remove(&asked->kept, &kept->node);
    ngx_queue_remove(&kept->link);
    sio_free(&ngx_http_socketio_mem, kept);
}
