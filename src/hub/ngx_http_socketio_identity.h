/*
 * Who a socket is: authenticators, and the end of what they said.
 *
 * An authenticator is a row that "authenticate" gives a namespace, with its
 * own configuration.  It is asked when a client connects to the namespace, and
 * if it takes tokens once more for each "auth:refresh".  What it says is kept
 * as the socket's sio_identity_t and moves with the session.
 *
 * An identity that has a deadline ends the socket: it is sent the event
 * "auth:expired", then DISCONNECT.  The deadline is one timer of the hub's
 * wheel; since it may be late, and clocks are set, each event of the socket
 * is held against the deadline too.
 *
 * The time of deadlines is the calendar's, as that of tokens is.
 */


#ifndef _NGX_HTTP_SOCKETIO_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_IDENTITY_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "hub/ngx_http_socketio_run.h"


/* The event by which a client prolongs its identity, and what it is told. */

#define NGX_HTTP_SOCKETIO_AUTH_REFRESH  "auth:refresh"
#define NGX_HTTP_SOCKETIO_AUTH_EXPIRED  "auth:expired"


/* A question to an authenticator, and its answer. */

typedef struct {
    ngx_http_socketio_run_t  *run;       /* of the socket: values of rules, and
                                            memory that lives as long */
    sio_str_t                 auth;      /* the payload of CONNECT, an object,
                                            or empty */
    sio_str_t                 token;     /* of auth:refresh; NULL: a CONNECT */
    uint64_t                  now;       /* calendar msec */

    sio_claimed_t             claimed;   /* who it is */
    sio_code_e                code;      /* or why not: for the client; the */
    const char               *error;     /* text must be static */
    const char               *reason;    /* the same for the log, or NULL */
} ngx_http_socketio_auth_t;


struct ngx_http_socketio_authenticator_s {
    const char   *name;

    /*
     * SIO_OK        auth->claimed is who the client is; views in run->scratch
     *               or in what the caller gave
     * SIO_DECLINED  it has shown nothing: "authentication required"
     * SIO_ERROR     refused: auth->code, auth->error and auth->reason
     * SIO_NOMEM
     * SIO_AGAIN     the answer comes later, by
     *               ngx_http_socketio_identity_answer(); not for a token.
     *               Note the namespace's name and the socket's id: the socket
     *               may be gone by then
     *
     * NULL: nobody has a user.
     */
    int         (*check)(void *conf, ngx_http_socketio_auth_t *auth);

    unsigned      token:1;               /* "auth:refresh" is its own */

    /* Once a second: whether what it is made of has changed.  May be NULL. */
    void        (*tick)(void *conf, ngx_log_t *log);
};


/* Rows of this floor. */

extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_none;
extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_insecure;   /* conf: a sio_value_t */
extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_variable;   /* conf: an unsigned, of a
                                                   captured variable */


/*
 * Ask the namespace's authenticator about the run's socket, which connects.
 *
 * SIO_OK     it is somebody, or nobody where none is asked for
 * SIO_ERROR  refused: the run has failed
 * SIO_AGAIN  the answer comes later
 */
int ngx_http_socketio_identity_ask(ngx_http_socketio_run_t *run,
    sio_str_t auth);

/*
 * What became of a check that returned SIO_AGAIN: make it the socket's.  rc is
 * any other result of check.  Results as above, but SIO_AGAIN.
 */
int ngx_http_socketio_identity_take(ngx_http_socketio_run_t *run,
    ngx_http_socketio_auth_t *auth, int rc);

/*
 * The end of an identity: set its timer when the socket was accepted, clear it
 * when the socket goes.  Sockets without a deadline are left alone.
 */
void ngx_http_socketio_identity_watch(sio_socket_t *socket);
void ngx_http_socketio_identity_forget(sio_socket_t *socket);
void ngx_http_socketio_identity_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);

/* Once a second: let authenticators look. */

void ngx_http_socketio_identity_tick(ngx_http_socketio_hub_t *hub);

/* A question or an answer is begun: nothing is said, and what time it is. */

void ngx_http_socketio_identity_question(ngx_http_socketio_auth_t *auth,
    ngx_http_socketio_run_t *run);

/* Whether it has ended; and what follows: the socket is ended. */

ngx_uint_t ngx_http_socketio_identity_expired(const sio_socket_t *socket);
void ngx_http_socketio_identity_end(sio_socket_t *socket);

/*
 * Whether the event of a run is the namespace's "auth:refresh"; and that
 * event: SIO_OK, the identity is prolonged, or SIO_ERROR, the run has failed
 * and the identity is what it was.
 */
ngx_uint_t ngx_http_socketio_identity_refreshes(
    const ngx_http_socketio_run_t *run);
int ngx_http_socketio_identity_refresh(ngx_http_socketio_run_t *run);


#endif /* _NGX_HTTP_SOCKETIO_IDENTITY_H_INCLUDED_ */
