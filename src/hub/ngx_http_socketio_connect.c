/*
 * CONNECT.
 */


#include "hub/ngx_http_socketio_connect.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_wait.h"


#define NGX_HTTP_SOCKETIO_CONNECT_ERROR_MAX  65536


static int ngx_http_socketio_connect_rule(ngx_http_socketio_run_t *run,
    int rc, sio_buf_t *error);
static void ngx_http_socketio_connect_go_on(sio_socket_t *socket,
    ngx_http_socketio_auth_t *auth, int rc);
static void ngx_http_socketio_connect_end(ngx_http_socketio_run_t *run,
    int rc);
static void ngx_http_socketio_connect_answer(sio_socket_t *socket, int rc,
    sio_buf_t *error);
static int ngx_http_socketio_connect_result(ngx_http_socketio_run_t *run,
    int rc, sio_buf_t *error);


int
ngx_http_socketio_connect(sio_socket_t *socket, sio_str_t auth,
    sio_buf_t *error)
{
    int                      rc;
    ngx_http_socketio_hub_t  *hub;
    ngx_http_socketio_run_t   run;

    hub = socket->ns->app->data;

    ngx_http_socketio_run_init(&run, hub, sio_namespace_name(socket->ns),
                               socket);

    rc = ngx_http_socketio_identity_ask(&run, auth);

    if (rc != SIO_AGAIN) {
        rc = ngx_http_socketio_connect_rule(&run, rc, error);
    }

    ngx_http_socketio_run_done(&run);

    return rc;
}


void
ngx_http_socketio_connect_resume(ngx_http_socketio_hub_t *hub, sio_str_t name,
    sio_str_t sid, ngx_http_socketio_auth_t *auth, int rc)
{
    sio_socket_t     *socket;
    sio_namespace_t  *ns;

    ns = sio_app_namespace(&hub->app, name);
    socket = ns ? sio_namespace_socket(ns, sid) : NULL;

    if (socket == NULL || !socket->waiting) {
        return;
    }

    ngx_http_socketio_connect_go_on(socket, auth, rc);
}


void
ngx_http_socketio_connect_again(sio_socket_t *socket)
{
    if (socket->waiting && !socket->leaving) {
        ngx_http_socketio_connect_go_on(socket, NULL, SIO_OK);
    }
}


static void
ngx_http_socketio_connect_go_on(sio_socket_t *socket,
    ngx_http_socketio_auth_t *auth, int rc)
{
    sio_buf_t                     error;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_run_t       run;
    ngx_http_socketio_session_t  *s;

    s = (ngx_http_socketio_session_t *) socket->client->session;
    hub = ngx_http_socketio_session_hub(s);

    sio_buf_init(&error, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_CONNECT_ERROR_MAX);

    ngx_http_socketio_run_init(&run, hub, sio_namespace_name(socket->ns),
                               socket);

    if (auth) {
        rc = ngx_http_socketio_identity_take(&run, auth, rc);
    }

    rc = ngx_http_socketio_connect_rule(&run, rc, &error);

    ngx_http_socketio_connect_answer(socket, rc, &error);

    ngx_http_socketio_run_done(&run);
    sio_buf_free(&error);

    ngx_http_socketio_lane_idle(s);
    ngx_http_socketio_hub_post(hub);
}


/*
 * The rule of a socket that is somebody, or (rc is not SIO_OK) the answer to
 * one that is not: SIO_OK, or SIO_ERROR and the JSON of CONNECT_ERROR, or
 * SIO_AGAIN: the rule waits, or has answered the socket.
 */
static int
ngx_http_socketio_connect_rule(ngx_http_socketio_run_t *run, int rc,
    sio_buf_t *error)
{
    sio_socket_t                   *socket;
    ngx_http_socketio_wait_t       *wait;
    ngx_http_socketio_namespace_t  *nsp;

    socket = run->run.socket;
    nsp = socket->ns->conf;

    if (rc == SIO_OK) {
        switch (ngx_http_socketio_recovery_connect(socket,
                                                   sio_socket_auth(socket)))
        {
        case NGX_OK:
            return ngx_http_socketio_connect_result(run, SIO_OK, error);

        case NGX_AGAIN:
            return SIO_AGAIN;
        }
    }

    if (rc == SIO_OK && nsp->connect) {
        run->run.rule = nsp->connect;

        if (!nsp->connect->waits) {
            rc = ngx_http_socketio_run_rule(run);
            return ngx_http_socketio_connect_result(run, rc, error);
        }

        wait = ngx_http_socketio_wait_create(run, NULL, NULL,
                                             ngx_http_socketio_connect_end);
        if (wait) {
            (void) ngx_http_socketio_wait_start(wait);
            return SIO_AGAIN;
        }

        rc = sio_run_fail(&run->run, SIO_CODE_UNAVAILABLE, "");
    }

    return ngx_http_socketio_connect_result(run, rc, error);
}


/* A rule that has waited. */

static void
ngx_http_socketio_connect_end(ngx_http_socketio_run_t *run, int rc)
{
    sio_buf_t  error;

    sio_buf_init(&error, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_CONNECT_ERROR_MAX);

    rc = ngx_http_socketio_connect_result(run, rc, &error);

    ngx_http_socketio_connect_answer(run->run.socket, rc, &error);

    sio_buf_free(&error);
}


static void
ngx_http_socketio_connect_answer(sio_socket_t *socket, int rc,
    sio_buf_t *error)
{
    switch (rc) {

    case SIO_OK:
        sio_socket_accept(socket);
        break;

    case SIO_AGAIN:
        break;

    default:
        sio_socket_refuse(socket, error->len ? sio_buf_str(error)
                                             : sio_cstr("{}"));
    }
}


static int
ngx_http_socketio_connect_result(ngx_http_socketio_run_t *run, int rc,
    sio_buf_t *error)
{
    sio_writer_t  w;

    if (rc == SIO_OK && run->disconnect) {
        rc = sio_run_fail(&run->run, SIO_CODE_FORBIDDEN, "disconnected");
    }

    if (rc == SIO_OK) {
        ngx_http_socketio_mailbox_flush(run->run.socket);
        return SIO_OK;
    }

    ngx_http_socketio_run_refused(run, "connect");

    /* what Socket.IO's middleware errors look like: message and data */

    sio_writer_begin(&w, error);

    sio_writer_put_text(&w, "{\"message\":");
    sio_writer_check(&w, sio_json_quote(error, sio_run_message(&run->run)));
    sio_writer_put_text(&w, ",\"data\":");
    sio_writer_check(&w, sio_rule_error(&run->run, error));
    sio_writer_put_text(&w, "}");

    (void) sio_writer_end(&w);

    return SIO_ERROR;
}
