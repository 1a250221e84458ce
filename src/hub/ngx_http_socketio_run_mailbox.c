/*
 * Runs of rules: emit ... mailbox, mailbox flush, mailbox drop.
 */


#include "hub/ngx_http_socketio_run.h"
#include "hub/ngx_http_socketio_mailbox.h"


static int ngx_http_socketio_run_mail_list(sio_run_t *run,
    const ngx_http_socketio_mailing_t *mailing, ngx_http_socketio_mail_e what,
    sio_str_t *list);


/*
 * Users for whom nothing could be kept fail the rule only if it does not ask
 * who they are, and there is nobody else.
 */
int
ngx_http_socketio_run_mail(ngx_http_socketio_run_t *run,
    const sio_emission_t *emission, eio_msg_t *msg)
{
    int                                 rc;
    sio_run_t                          *r;
    ngx_uint_t                         *n;

    static ngx_http_socketio_mailing_t  mailing;

    r = &run->run;

    if (run->hub->mailbox == NULL) {
        return sio_run_fail(r, SIO_CODE_UNAVAILABLE, "no mailbox");
    }

    mailing.nsp = r->nsp;
    mailing.rooms = emission->target.rooms;
    mailing.nrooms = emission->target.nrooms;
    mailing.key = emission->mailbox_key;
    mailing.msg = msg;

    ngx_http_socketio_mailbox_send(run->hub, &mailing);

    n = mailing.n;

    run->matched += mailing.matched;
    run->queued += n[NGX_HTTP_SOCKETIO_MAIL_QUEUED];

    if (run->rejected && n[NGX_HTTP_SOCKETIO_MAIL_REJECTED]) {
        rc = run->rejected->len ? sio_buf_append_char(run->rejected, ',')
                                : SIO_OK;
        if (rc == SIO_OK) {
            rc = ngx_http_socketio_mailbox_users(&mailing,
                          NGX_HTTP_SOCKETIO_MAIL_REJECTED, run->rejected);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (emission->sent) {
        rc = ngx_http_socketio_run_mail_list(r, &mailing,
                                             NGX_HTTP_SOCKETIO_MAIL_DELIVERED,
                                             &emission->sent->delivered);
        if (rc == SIO_OK) {
            rc = ngx_http_socketio_run_mail_list(r, &mailing,
                                             NGX_HTTP_SOCKETIO_MAIL_QUEUED,
                                             &emission->sent->queued);
        }

        if (rc == SIO_OK) {
            rc = ngx_http_socketio_run_mail_list(r, &mailing,
                                             NGX_HTTP_SOCKETIO_MAIL_REJECTED,
                                             &emission->sent->rejected);
        }

        return rc;
    }

    if (n[NGX_HTTP_SOCKETIO_MAIL_REJECTED]
        && n[NGX_HTTP_SOCKETIO_MAIL_DELIVERED] == 0
        && n[NGX_HTTP_SOCKETIO_MAIL_QUEUED] == 0)
    {
        return sio_run_fail(r, SIO_CODE_UNAVAILABLE, "mailbox full");
    }

    return SIO_OK;
}


static int
ngx_http_socketio_run_mail_list(sio_run_t *run,
    const ngx_http_socketio_mailing_t *mailing, ngx_http_socketio_mail_e what,
    sio_str_t *list)
{
    sio_buf_t     buf;
    sio_writer_t  w;

    sio_scratch_buf(run->scratch, &buf);

    sio_writer_begin(&w, &buf);

    sio_writer_put_text(&w, "[");
    sio_writer_check(&w, ngx_http_socketio_mailbox_users(mailing, what, &buf));
    sio_writer_put_text(&w, "]");

    *list = sio_buf_str(&buf);

    return w.rc;
}


int
ngx_http_socketio_run_mailbox_flush(sio_run_t *run)
{
    if (run->socket) {
        ngx_http_socketio_mailbox_flush(run->socket);
    }

    return SIO_OK;
}


int
ngx_http_socketio_run_mailbox_drop(sio_run_t *r, sio_str_t key)
{
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;

    ngx_http_socketio_mailbox_forget(run->hub, r->nsp, key);

    return SIO_OK;
}
