/*
 * The mailer: what is in the outbox is said, as far as the window goes.
 *
 * Puts are said in their order, and what takes away in its own.  Each put is
 * said with the one before it, which has to be done first: so none overtakes
 * another one that the home could not take.
 */


#include "hub/ngx_http_socketio_mailer_state.h"


static ngx_int_t ngx_http_socketio_mailer_next(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_letter_out_t *letter);
static ngx_int_t ngx_http_socketio_mailer_open(
    ngx_http_socketio_letter_out_t *letter);
static ngx_uint_t ngx_http_socketio_mailer_answered(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_letter_out_t *letter);
static void ngx_http_socketio_mailer_hold(ngx_http_socketio_hub_t *hub);


void
ngx_http_socketio_mailer_say(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                       last, put;
    ngx_http_socketio_mailer_t      *m;
    ngx_http_socketio_letter_out_t   letter;

    m = hub->mailer;

    /* who adds something from now on wakes us again */

    hub->zone->mail_due = 0;
    ngx_memory_barrier();

    while (m->up && !m->barrier
           && m->flying < NGX_HTTP_SOCKETIO_MAILER_WINDOW
           && m->bytes < NGX_HTTP_SOCKETIO_MAILER_BYTES)
    {
        if (ngx_http_socketio_mailer_next(hub, &letter) != NGX_OK) {
            m->all = 1;
            return;
        }

        if (m->home->say(hub, &letter) != NGX_OK) {
            return;
        }

        last = (m->first + m->flying) % NGX_HTTP_SOCKETIO_MAILER_WINDOW;

        put = (letter.post.type == NGX_HTTP_SOCKETIO_POST_PUT);

        m->ids[last] = letter.post.id;
        m->sizes[last] = letter.post.names.len + letter.post.image.len;
        m->bytes += m->sizes[last];
        m->said[put ? NGX_HTTP_SOCKETIO_OUTBOX_PUTS
                    : NGX_HTTP_SOCKETIO_OUTBOX_TAKES] = letter.post.id;
        m->flying++;
        m->probe = m->probe && !put;

        /* it may take several answers; what follows must not be in between */

        m->barrier = (letter.post.type == NGX_HTTP_SOCKETIO_POST_DROP);
    }
}


static ngx_int_t
ngx_http_socketio_mailer_next(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_letter_out_t *letter)
{
    size_t                       need;
    uint64_t                     after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS];
    ngx_int_t                    rc;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    ngx_memcpy(after, m->said, sizeof(after));

    if (m->held) {
        after[NGX_HTTP_SOCKETIO_OUTBOX_PUTS] = m->probe ? 0 : UINT64_MAX;
    }

    letter->before = m->held ? 0 : m->said[NGX_HTTP_SOCKETIO_OUTBOX_PUTS];

    for ( ;; ) {
        rc = ngx_http_socketio_outbox_next(hub->zone, after, m->post.data,
                                           m->post.cap, &letter->post, &need);

        if (rc == NGX_AGAIN) {
            sio_buf_reset(&m->post);

            if (sio_buf_reserve(&m->post, need) != SIO_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_socketio_mailer_open(letter) == NGX_OK) {
            return NGX_OK;
        }

        ngx_http_socketio_outbox_done(hub->zone, letter->post.id, 0);
    }
}


static ngx_int_t
ngx_http_socketio_mailer_open(ngx_http_socketio_letter_out_t *letter)
{
    uint8_t     type;
    sio_wire_t  r;

    if (sio_wire_open(&r, letter->post.names.data, letter->post.names.len,
                      &type) != SIO_OK)
    {
        return NGX_ERROR;
    }

    letter->nsp = sio_wire_get_str(&r);
    letter->user = sio_wire_get_str(&r);
    letter->key = sio_wire_get_str(&r);

    return sio_wire_done(&r) == SIO_OK ? NGX_OK : NGX_ERROR;
}


/* A copy stays for the sockets that are here, and have not proved it. */

void
ngx_http_socketio_mailer_answer(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_answer_e answer)
{
    size_t                           need;
    uint64_t                         id;
    ngx_uint_t                       keep;
    ngx_http_socketio_mailer_t      *m;
    ngx_http_socketio_letter_out_t   letter;

    m = hub->mailer;

    if (m->flying == 0) {
        return;
    }

    id = m->ids[m->first];
    m->bytes -= m->sizes[m->first];
    m->first = (m->first + 1) % NGX_HTTP_SOCKETIO_MAILER_WINDOW;
    m->flying--;
    m->barrier = m->barrier && m->flying != 0;   /* it is the last one */
    m->due = 1;
    keep = 1;

    if (answer == NGX_HTTP_SOCKETIO_HOME_LATER) {
        ngx_http_socketio_mailer_hold(hub);
        return;
    }

    if (ngx_http_socketio_outbox_get(hub->zone, id, m->post.data, m->post.cap,
                                     &letter.post, &need)
        == NGX_OK)
    {
        keep = ngx_http_socketio_mailer_answered(hub, &letter);
    }

    ngx_http_socketio_outbox_done(hub->zone, id, keep);

    if (answer == NGX_HTTP_SOCKETIO_HOME_FULL) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_MAILBOX, 1);
        ngx_http_socketio_mailbox_full(hub);
    }

    ngx_http_socketio_hub_post(hub);
}


/* Whether a copy stays. */

static ngx_uint_t
ngx_http_socketio_mailer_answered(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_letter_out_t *letter)
{
    ngx_http_socketio_post_t   *post;
    ngx_http_socketio_found_t   found;

    post = &letter->post;

    if (post->type == NGX_HTTP_SOCKETIO_POST_REMOVE) {
        ngx_http_socketio_mailbox_arrived(hub->zone, &post->key, post->origins,
                                         post->norigins);
    }

    if (post->type != NGX_HTTP_SOCKETIO_POST_PUT
        || ngx_http_socketio_mailer_open(letter) != NGX_OK)
    {
        return 1;
    }

    if (hub->mailer->held) {
        hub->mailer->held = 0;
        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "socketio app \"%V\": items of mailboxes are taken again",
                      &hub->conf->name);
    }

    ngx_http_socketio_directory_user(hub->zone, letter->nsp, letter->user,
                                     &found);

    return found.count != 0;
}


/*
 * The home has no room for what is put.  Nothing of it is lost: once a second
 * the first put is said again, alone, and when it is taken the others follow.
 */
static void
ngx_http_socketio_mailer_hold(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (!m->held) {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": items of mailboxes are not taken "
                      "for want of memory, they wait in the zone",
                      &hub->conf->name);
        m->held = 1;
        m->probe = 0;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_HELD, 1);
    ngx_http_socketio_hub_post(hub);
}


uint64_t
ngx_http_socketio_mailer_first(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    return m->flying ? m->ids[m->first] : 0;
}


void
ngx_http_socketio_mailer_repeat(ngx_http_socketio_hub_t *hub)
{
    size_t                           need;
    uint64_t                         id;
    ngx_http_socketio_mailer_t      *m;
    ngx_http_socketio_letter_out_t   letter;

    m = hub->mailer;
    id = ngx_http_socketio_mailer_first(hub);

    if (ngx_http_socketio_outbox_get(hub->zone, id, m->post.data, m->post.cap,
                                     &letter.post, &need)
        != NGX_OK
        || ngx_http_socketio_mailer_open(&letter) != NGX_OK)
    {
        ngx_http_socketio_mailer_answer(hub, NGX_HTTP_SOCKETIO_HOME_DONE);
        return;
    }

    (void) m->home->say(hub, &letter);
}
