/*
 * Who a socket is.
 */


#include "hub/ngx_http_socketio_identity.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_history.h"


/*
 * A timer counts time that passes, a deadline is a time of the calendar, which
 * may be set: they are held against each other this often.
 */
#define NGX_HTTP_SOCKETIO_IDENTITY_LOOK  600000    /* msec */

/* While its session is on its way to another worker. */

#define NGX_HTTP_SOCKETIO_IDENTITY_RETRY  100      /* msec */

/* What is in claims: of a token of some kilobytes. */

#define NGX_HTTP_SOCKETIO_CLAIMS_DEPTH  32
#define NGX_HTTP_SOCKETIO_CLAIMS_KEYS   1000


static int ngx_http_socketio_auth_insecure(void *conf,
    ngx_http_socketio_auth_t *auth);
static int ngx_http_socketio_auth_variable(void *conf,
    ngx_http_socketio_auth_t *auth);
static int ngx_http_socketio_identity_judge(ngx_http_socketio_auth_t *auth,
    int rc);
static int ngx_http_socketio_identity_valid(ngx_http_socketio_auth_t *auth);
static int ngx_http_socketio_identity_set(ngx_http_socketio_run_t *run,
    const sio_claimed_t *claimed);


const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_none = { "none", NULL, 0, NULL };

const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_insecure =
    { "insecure", ngx_http_socketio_auth_insecure, 0, NULL };

const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_variable =
    { "variable", ngx_http_socketio_auth_variable, 0, NULL };


static int
ngx_http_socketio_auth_insecure(void *conf, ngx_http_socketio_auth_t *auth)
{
    int  rc;

    rc = sio_value_bytes(&auth->run->run, conf, &auth->claimed.user);

    return (rc == SIO_OK || rc == SIO_NOMEM) ? rc : SIO_DECLINED;
}


static int
ngx_http_socketio_auth_variable(void *conf, ngx_http_socketio_auth_t *auth)
{
    sio_run_t  *run;

    run = &auth->run->run;

    return run->ops->variable(run, *(unsigned *) conf, &auth->claimed.user);
}


int
ngx_http_socketio_identity_ask(ngx_http_socketio_run_t *run, sio_str_t payload)
{
    int                             rc;
    ngx_http_socketio_auth_t        auth;
    ngx_http_socketio_namespace_t  *nsp;

    nsp = run->run.socket->ns->conf;

    if (nsp->authenticator == NULL || nsp->authenticator->check == NULL) {
        return SIO_OK;
    }

    ngx_http_socketio_identity_question(&auth, run);
    auth.auth = payload;

    rc = nsp->authenticator->check(nsp->authenticator_conf, &auth);

    return rc == SIO_AGAIN ? SIO_AGAIN
                           : ngx_http_socketio_identity_take(run, &auth, rc);
}


void
ngx_http_socketio_identity_question(ngx_http_socketio_auth_t *auth,
    ngx_http_socketio_run_t *run)
{
    ngx_memzero(auth, sizeof(ngx_http_socketio_auth_t));

    auth->run = run;
    auth->now = ngx_http_socketio_calendar();
}


int
ngx_http_socketio_identity_take(ngx_http_socketio_run_t *run,
    ngx_http_socketio_auth_t *auth, int rc)
{
    auth->run = run;

    rc = ngx_http_socketio_identity_judge(auth, rc);

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_identity_set(run, &auth->claimed);
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_grant_join(run->hub, run->run.socket);
    }

    switch (rc) {

    case SIO_OK:
        return SIO_OK;

    case SIO_ERROR:
        return run->run.code != SIO_CODE_NONE
               ? SIO_ERROR
               : sio_run_fail(&run->run, SIO_CODE_INVALID, "invalid user id");

    default:
        return sio_run_fail(&run->run, SIO_CODE_UNAVAILABLE, "try again");
    }
}


/* An authenticator's result: whatever it refuses fails the run. */

static int
ngx_http_socketio_identity_judge(ngx_http_socketio_auth_t *auth, int rc)
{
    sio_run_t  *run;

    run = &auth->run->run;

    if (rc == SIO_OK && auth->claimed.user.len == 0) {
        rc = SIO_DECLINED;
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_identity_valid(auth);
    }

    switch (rc) {

    case SIO_OK:
    case SIO_NOMEM:
        return rc;

    case SIO_ERROR:
        if (auth->reason) {
            ngx_log_error(NGX_LOG_INFO, auth->run->hub->log, 0,
                          "socketio app \"%V\": authentication failed: %s",
                          &auth->run->hub->conf->name, auth->reason);
        }

        return sio_run_fail(run, auth->code ? auth->code : SIO_CODE_FORBIDDEN,
                            auth->error ? auth->error
                                        : "authentication failed");

    default:
        return sio_run_fail(run, SIO_CODE_FORBIDDEN,
                            "authentication required");
    }
}


/*
 * Claims go into templates, and from there to other clients: they are held to
 * what the events of clients are.
 */
static int
ngx_http_socketio_identity_valid(ngx_http_socketio_auth_t *auth)
{
    sio_str_t          claims;
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    claims = auth->claimed.claims;

    if (auth->claimed.expires && auth->now >= auth->claimed.expires) {
        auth->error = "token expired";
        auth->reason = "it has expired";
        return SIO_ERROR;
    }

    if (claims.len == 0) {
        return SIO_OK;
    }

    limits.max_depth = NGX_HTTP_SOCKETIO_CLAIMS_DEPTH;
    limits.max_keys = NGX_HTTP_SOCKETIO_CLAIMS_KEYS;

    if (claims.len > SIO_CLAIMS_MAX
        || sio_json_validate(claims, &limits, &info, &auth->claimed.claims)
           != SIO_OK
        || sio_json_type(auth->claimed.claims) != SIO_JSON_OBJECT
        || info.placeholders)
    {
        auth->code = claims.len > SIO_CLAIMS_MAX ? SIO_CODE_TOO_LARGE
                                                 : SIO_CODE_INVALID;
        auth->error = "invalid claims";
        auth->reason = "its claims are no object, too large or too deep";
        return SIO_ERROR;
    }

    return SIO_OK;
}


/* The timer of who it was goes with it. */

static int
ngx_http_socketio_identity_set(ngx_http_socketio_run_t *run,
    const sio_claimed_t *claimed)
{
    int            rc;
    sio_socket_t  *socket;

    socket = run->run.socket;

    ngx_http_socketio_identity_forget(socket);

    rc = sio_socket_identify(socket, claimed);

    if (socket->accepted) {
        ngx_http_socketio_identity_watch(socket);
    }

    return rc;
}


void
ngx_http_socketio_identity_watch(sio_socket_t *socket)
{
    uint64_t                  now, wait;
    sio_deadline_t           *deadline;
    ngx_http_socketio_hub_t  *hub;

    if (socket->identity == NULL || socket->identity->deadline == NULL) {
        return;
    }

    hub = socket->ns->app->data;
    deadline = socket->identity->deadline;
    now = ngx_http_socketio_calendar();

    wait = deadline->expires > now ? deadline->expires - now : 0;
    wait = ngx_min(wait, NGX_HTTP_SOCKETIO_IDENTITY_LOOK);

    deadline->socket = socket;
    deadline->timer.kind = NGX_HTTP_SOCKETIO_TIMER_IDENTITY;

    sio_wheel_set(&hub->wheel, &deadline->timer,
                  ngx_http_socketio_now() + wait);
    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_identity_forget(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t  *hub;

    if (socket->identity && socket->identity->deadline) {
        hub = socket->ns->app->data;
        sio_wheel_clear(&hub->wheel, &socket->identity->deadline->timer);
    }
}


void
ngx_http_socketio_identity_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    sio_socket_t                 *socket;
    sio_deadline_t               *deadline;
    ngx_http_socketio_session_t  *s;

    deadline = sio_map_data(timer, sio_deadline_t, timer);
    socket = deadline->socket;

    if (!ngx_http_socketio_identity_expired(socket)) {
        ngx_http_socketio_identity_watch(socket);
        return;
    }

    s = (ngx_http_socketio_session_t *) socket->client->session;

    if (s->move) {
        sio_wheel_set(&hub->wheel, timer, ngx_http_socketio_now()
                                          + NGX_HTTP_SOCKETIO_IDENTITY_RETRY);
        return;
    }

    ngx_http_socketio_identity_end(socket);
}


void
ngx_http_socketio_identity_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                       i;
    ngx_http_socketio_namespace_t  **nsp;

    nsp = hub->conf->namespaces.elts;

    for (i = 0; i < hub->conf->namespaces.nelts; i++) {
        if (nsp[i]->authenticator && nsp[i]->authenticator->tick) {
            nsp[i]->authenticator->tick(nsp[i]->authenticator_conf, hub->log);
        }
    }
}


ngx_uint_t
ngx_http_socketio_identity_expired(const sio_socket_t *socket)
{
    return sio_identity_expired(socket->identity,
                                ngx_http_socketio_calendar());
}


void
ngx_http_socketio_identity_end(sio_socket_t *socket)
{
    eio_msg_t                *msg;
    ngx_http_socketio_hub_t  *hub;

    if (socket->leaving) {
        return;
    }

    hub = socket->ns->app->data;

    ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                  "socketio app \"%V\": the identity of socket %*s... has "
                  "expired", &hub->conf->name, (size_t) 8, socket->sid);

    sio_app_enter(&hub->app);

    msg = ngx_http_socketio_event_msg(hub, sio_namespace_name(socket->ns),
                                sio_cstr(NGX_HTTP_SOCKETIO_AUTH_EXPIRED),
                                sio_str(NULL, 0), NULL, SIO_NO_ID);

    /* without memory it is not told why */

    if (msg) {
        (void) ngx_http_socketio_history_send(socket, msg, 0);
        eio_msg_unref(&ngx_http_socketio_mem, msg);
    }

    sio_socket_disconnect(socket);

    sio_app_leave(&hub->app);
}


ngx_uint_t
ngx_http_socketio_identity_refreshes(const ngx_http_socketio_run_t *run)
{
    ngx_http_socketio_namespace_t  *nsp;

    nsp = run->run.socket->ns->conf;

    return nsp->authenticator && nsp->authenticator->token
           && sio_str_eq(run->run.event,
                         sio_cstr(NGX_HTTP_SOCKETIO_AUTH_REFRESH));
}


int
ngx_http_socketio_identity_refresh(ngx_http_socketio_run_t *run)
{
    int                             rc;
    sio_str_t                       arg;
    sio_socket_t                   *socket;
    ngx_http_socketio_auth_t        auth;
    ngx_http_socketio_namespace_t  *nsp;

    socket = run->run.socket;
    nsp = socket->ns->conf;

    if (sio_event_arg(&run->run.payload, 0, &arg) != SIO_OK
        || sio_json_type(arg) != SIO_JSON_STRING)
    {
        return sio_run_fail(&run->run, SIO_CODE_INVALID,
                            "the first argument must be the token");
    }

    ngx_http_socketio_identity_question(&auth, run);

    rc = sio_value_unescape(&run->run, arg, &auth.token);

    if (rc == SIO_OK) {
        rc = nsp->authenticator->check(nsp->authenticator_conf, &auth);
        rc = ngx_http_socketio_identity_judge(&auth, rc);
    }

    if (rc == SIO_OK
        && !sio_str_eq(auth.claimed.user, sio_socket_user(socket)))
    {
        return sio_run_fail(&run->run, SIO_CODE_FORBIDDEN,
                            "the token is another user's");
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_identity_set(run, &auth.claimed);
    }

    return rc == SIO_OK ? SIO_OK : sio_run_fail_result(&run->run, rc);
}
