/*
 * A run of a rule in a worker: the pure run and what its steps need here.
 */


#ifndef _NGX_HTTP_SOCKETIO_RUN_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RUN_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


typedef struct ngx_http_socketio_dedup_s  ngx_http_socketio_dedup_t;


typedef struct {
    sio_run_t                   run;         /* first */
    ngx_http_socketio_hub_t    *hub;
    uint64_t                    matched;     /* by all emits of the rule */
    uint64_t                    queued;      /* users for whom it is kept */
    sio_buf_t                  *rejected;    /* or not: their ids, or NULL */
    uint64_t                   *expect;      /* of an api request with ack */
    int64_t                     emit_ack_id;
    ngx_http_socketio_dedup_t  *dedup;       /* what it has claimed */
    sio_str_t                   kept;        /* its ack, for repeats */
    sio_buf_t                  *answer;      /* takes the ack: no client's */
    unsigned                    disconnect:1;
    unsigned                    ok:1;        /* the rule has ended well */
    unsigned                    local:1;     /* what it emits stays here */
} ngx_http_socketio_run_t;


/* What steps do to the world. */

extern const sio_rule_ops_t  ngx_http_socketio_rule_ops;


/*
 * Begin a run; socket is NULL for api.  The rule is the caller's to set.
 * Between init and done no socket is freed, and no other run begins.
 */
void ngx_http_socketio_run_init(ngx_http_socketio_run_t *run,
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_socket_t *socket);
void ngx_http_socketio_run_done(ngx_http_socketio_run_t *run);

/* Run its rule; results as sio_rule_run(). */

int ngx_http_socketio_run_rule(ngx_http_socketio_run_t *run);

/* The verbs of mailboxes, and an emit with one: as those of the ops. */

int ngx_http_socketio_run_mail(ngx_http_socketio_run_t *run,
    const sio_emission_t *emission, eio_msg_t *msg);
int ngx_http_socketio_run_mailbox_flush(sio_run_t *run);
int ngx_http_socketio_run_mailbox_drop(sio_run_t *run, sio_str_t key);

/* The verb forward: as those of the ops. */

int ngx_http_socketio_run_forward(sio_run_t *run,
    const sio_forward_t *forward, sio_str_t body);
int ngx_http_socketio_run_answer(sio_run_t *run, const sio_emit_t *emit,
    unsigned check, const char **error);
void ngx_http_socketio_run_complain(sio_run_t *run, const char *path,
    const char *error);

/* Log and count a run that failed; what: "event", "connect". */

void ngx_http_socketio_run_refused(ngx_http_socketio_run_t *run,
    const char *what);

/* Give the ack that is owed: [null], or the error first. */

void ngx_http_socketio_run_ack(ngx_http_socketio_run_t *run, int rc);


#endif /* _NGX_HTTP_SOCKETIO_RUN_H_INCLUDED_ */
