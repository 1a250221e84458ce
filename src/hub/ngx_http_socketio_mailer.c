/*
 * The mailer: who it is.
 *
 * It is the store "home" as well: puts, proofs and drops are written into the
 * zone and its outbox, and the mailer is woken.
 */


#include "hub/ngx_http_socketio_mailer_state.h"


static ngx_int_t ngx_http_socketio_mail_home_put(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, sio_str_t key,
    ngx_http_socketio_put_t *put);
static ngx_uint_t ngx_http_socketio_mail_home_remove(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user,
    uint64_t upto);
static ngx_uint_t ngx_http_socketio_mail_home_take(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user, uint64_t id);
static ngx_uint_t ngx_http_socketio_mail_home_drop(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t key);
static ngx_int_t ngx_http_socketio_mail_home_bring(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user);
static sio_str_t ngx_http_socketio_mailer_names(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, sio_str_t key);
static void ngx_http_socketio_mailer_posted(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);
static void ngx_http_socketio_mailer_turn(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_tick(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_cleanup(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_claim(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_release(ngx_http_socketio_hub_t *hub);
static uint64_t ngx_http_socketio_mailer_mark(
    const ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_check(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_mailer_tell(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot);


const ngx_http_socketio_mail_store_t  ngx_http_socketio_mail_home = {
    .put = ngx_http_socketio_mail_home_put,
    .remove = ngx_http_socketio_mail_home_remove,
    .take = ngx_http_socketio_mail_home_take,
    .drop = ngx_http_socketio_mail_home_drop,
    .bring = ngx_http_socketio_mail_home_bring,
    .receive = ngx_http_socketio_mailer_receive,
    .turn = ngx_http_socketio_mailer_turn,
    .tick = ngx_http_socketio_mailer_tick,
    .cleanup = ngx_http_socketio_mailer_cleanup
};


ngx_int_t
ngx_http_socketio_mailer_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_home_t *home, void *data)
{
    const sio_mem_t             *mem;
    ngx_http_socketio_mailer_t  *m;

    mem = &ngx_http_socketio_mem;

    m = sio_calloc(mem, sizeof(ngx_http_socketio_mailer_t));
    if (m == NULL) {
        return NGX_ERROR;
    }

    m->home = home;
    m->data = data;

    /* one for all workers, as long as there is the zone, and no other's */

    m->host = sio_hash(&hub->zone->hash, "mail", 4) | 1;

    sio_buf_init(&m->post, mem, UINT32_MAX);
    sio_buf_init(&m->names, mem, 65536);
    sio_map_init(&m->readings, mem, &hub->zone->hash);
    ngx_queue_init(&m->waits);
    ngx_queue_init(&m->asked);
    ngx_queue_init(&m->done);

    hub->mailer = m;

    return NGX_OK;
}


void
ngx_http_socketio_mailer_begin(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_claim(hub);
}


void
ngx_http_socketio_mailer_end(ngx_http_socketio_hub_t *hub)
{
    if (hub->mailer && hub->mailer->active) {
        ngx_http_socketio_mailer_release(hub);
    }
}


ngx_uint_t
ngx_http_socketio_mailer_last(ngx_http_socketio_hub_t *hub)
{
    if (!hub->mailer->active
        || ngx_http_socketio_slot_chosen(hub->zone, hub->n)
           != NGX_HTTP_SOCKETIO_NO_SLOT)
    {
        return 0;
    }

    ngx_http_socketio_mailer_say(hub);

    return 1;
}


static void
ngx_http_socketio_mailer_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (m == NULL) {
        return;
    }

    m->home->cleanup(hub);

    sio_map_free(&m->readings);
    sio_buf_free(&m->post);
    sio_buf_free(&m->names);
    sio_free(&ngx_http_socketio_mem, m);

    hub->mailer = NULL;
}


void *
ngx_http_socketio_mailer_data(ngx_http_socketio_hub_t *hub)
{
    return hub->mailer->data;
}


uint64_t
ngx_http_socketio_mailer_host(ngx_http_socketio_hub_t *hub)
{
    return hub->mailer->host;
}


static ngx_int_t
ngx_http_socketio_mail_home_put(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, sio_str_t key, ngx_http_socketio_put_t *put)
{
    ngx_int_t  rc;

    put->host = hub->mailer->host;
    put->names = ngx_http_socketio_mailer_names(hub, nsp, user, key);

    if (put->names.len == 0) {
        return NGX_ERROR;
    }

    rc = ngx_http_socketio_mailbox_put(hub->zone, put);

    if (rc == NGX_OK) {
        ngx_http_socketio_mailer_posted(hub);
    }

    return rc;
}


static ngx_uint_t
ngx_http_socketio_mail_home_remove(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t upto)
{
    sio_str_t                names;
    ngx_uint_t               n;
    ngx_http_socketio_key_t  key;

    names = ngx_http_socketio_mailer_names(hub, nsp, user, sio_str(NULL, 0));

    ngx_http_socketio_mailbox_key(hub->zone, nsp, user, &key);
    n = ngx_http_socketio_mailbox_remove(hub->zone, &key, upto, names);

    if (n) {
        ngx_http_socketio_mailer_posted(hub);
    }

    return n;
}


static ngx_uint_t
ngx_http_socketio_mail_home_take(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, uint64_t id)
{
    sio_str_t                names;
    ngx_uint_t               n;
    ngx_http_socketio_key_t  key;

    names = ngx_http_socketio_mailer_names(hub, nsp, user, sio_str(NULL, 0));

    ngx_http_socketio_mailbox_key(hub->zone, nsp, user, &key);
    n = ngx_http_socketio_mailbox_take(hub->zone, &key, id, names);

    if (n) {
        ngx_http_socketio_mailer_posted(hub);
    }

    return n;
}


/*
 * Items of other hosts are the home's to drop; nobody knows how many.  If
 * there is no room to say so, nothing is dropped, rather than half of it.
 */
static ngx_uint_t
ngx_http_socketio_mail_home_drop(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t key)
{
    ngx_int_t                 rc;
    ngx_http_socketio_post_t  post;

    ngx_memzero(&post, sizeof(ngx_http_socketio_post_t));

    post.type = NGX_HTTP_SOCKETIO_POST_DROP;
    post.names = ngx_http_socketio_mailer_names(hub, nsp, sio_str(NULL, 0),
                                                key);

    ngx_http_socketio_store_lock(hub->zone);

    rc = ngx_http_socketio_outbox_add(hub->zone, &post,
                                      ngx_http_socketio_calendar()
                                      + hub->conf->mailbox_ttl);

    ngx_http_socketio_store_unlock(hub->zone);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": the zone is full, a key of "
                      "mailboxes is not dropped", &hub->conf->name);
        return 0;
    }

    ngx_http_socketio_mailer_posted(hub);

    return ngx_http_socketio_mail_forget(hub, nsp, key, 0);
}


static ngx_int_t
ngx_http_socketio_mail_home_bring(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    ngx_uint_t         slot;
    sio_wire_writer_t  w;

    if (hub->mailer->active) {
        ngx_http_socketio_mailer_ask(hub, nsp, user, hub->n);
        return NGX_AGAIN;
    }

    slot = ngx_http_socketio_mailer_slot(hub);

    /* without a mailer it is asked again in a second */

    if (slot != NGX_HTTP_SOCKETIO_NO_SLOT) {
        ngx_http_socketio_record_begin(hub, &w,
                                       NGX_HTTP_SOCKETIO_RECORD_MAILER);
        sio_wire_put_u8(&w, NGX_HTTP_SOCKETIO_MAILER_ASK);
        sio_wire_put_str(&w, nsp);
        sio_wire_put_str(&w, user);

        if (sio_wire_end(&w) == SIO_OK) {
            (void) ngx_http_socketio_channel_send_to(hub, slot);
        }
    }

    return NGX_AGAIN;
}


/* Empty: no memory. */

static sio_str_t
ngx_http_socketio_mailer_names(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, sio_str_t key)
{
    sio_buf_t          *buf;
    sio_wire_writer_t   w;

    buf = &hub->mailer->names;

    sio_buf_reset(buf);
    sio_wire_begin(&w, buf, NGX_HTTP_SOCKETIO_RECORD_MAILER);
    sio_wire_put_str(&w, nsp);
    sio_wire_put_str(&w, user);
    sio_wire_put_str(&w, key);

    return sio_wire_end(&w) == SIO_OK ? sio_buf_str(buf) : sio_str(NULL, 0);
}


/* Something was added to the outbox: the mailer is told once for many. */

static void
ngx_http_socketio_mailer_posted(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (m->active) {
        m->due = 1;
        m->all = 0;

    } else if (ngx_atomic_cmp_set(&hub->zone->mail_due, 0, 1)) {
        m->wake = 1;
    }

    ngx_http_socketio_hub_post(hub);
}


ngx_uint_t
ngx_http_socketio_mailer_slot(ngx_http_socketio_hub_t *hub)
{
    uint64_t    claim;
    ngx_uint_t  n;

    claim = hub->zone->mailer;
    n = (ngx_uint_t) (claim & 0xffff);

    if (n == 0 || !ngx_http_socketio_slot_held(hub->zone, n - 1,
                                               (uint32_t) (claim >> 16))
        || ngx_http_socketio_slot(hub->zone, n - 1)->still)
    {
        return NGX_HTTP_SOCKETIO_NO_SLOT;
    }

    return n - 1;
}


/* If nobody has: who is to last before who is about to end. */

static void
ngx_http_socketio_mailer_claim(ngx_http_socketio_hub_t *hub)
{
    uint64_t                     claim;
    ngx_uint_t                   chosen;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;
    claim = hub->zone->mailer;

    if (ngx_http_socketio_mailer_slot(hub) != NGX_HTTP_SOCKETIO_NO_SLOT) {
        return;
    }

    chosen = ngx_http_socketio_slot_chosen(hub->zone,
                        ngx_exiting ? hub->n : NGX_HTTP_SOCKETIO_NO_SLOT);

    if ((chosen != hub->n && chosen != NGX_HTTP_SOCKETIO_NO_SLOT)
        || !ngx_atomic_cmp_set(&hub->zone->mailer, claim,
                               ngx_http_socketio_mailer_mark(hub)))
    {
        return;
    }

    m->active = 1;
    m->due = 1;

    /* what a dead predecessor had said is over */

    hub->zone->mail_up = 0;

    m->home->start(hub);
}


static void
ngx_http_socketio_mailer_release(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                   chosen;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    ngx_http_socketio_mailer_say(hub);
    m->home->stop(hub);
    ngx_http_socketio_mailer_down(hub);
    m->active = 0;

    hub->zone->mailer = 0;

    chosen = ngx_http_socketio_slot_chosen(hub->zone, hub->n);

    if (chosen != NGX_HTTP_SOCKETIO_NO_SLOT) {
        ngx_http_socketio_mailer_tell(hub, chosen);
    }
}


static uint64_t
ngx_http_socketio_mailer_mark(const ngx_http_socketio_hub_t *hub)
{
    return (uint64_t) hub->incarnation << 16 | (hub->n + 1);
}


/*
 * Another worker may have taken over while this one stood still.  What this
 * one still says the home has been told before.
 */
static void
ngx_http_socketio_mailer_check(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                   up;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (m->active
        && hub->zone->mailer != ngx_http_socketio_mailer_mark(hub))
    {
        up = hub->zone->mail_up;

        m->active = 0;
        m->home->stop(hub);
        ngx_http_socketio_mailer_down(hub);

        hub->zone->mail_up = up;
    }
}


static void
ngx_http_socketio_mailer_tell(ngx_http_socketio_hub_t *hub, ngx_uint_t slot)
{
    sio_wire_writer_t  w;

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_MAILER);
    sio_wire_put_u8(&w, NGX_HTTP_SOCKETIO_MAILER_WAKE);

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send_to(hub, slot);
    }
}


static void
ngx_http_socketio_mailer_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint8_t                      type, what, added;
    sio_str_t                    nsp, user;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;
    type = sio_wire_get_u8(record);

    ngx_http_socketio_mailer_check(hub);

    if (type == NGX_HTTP_SOCKETIO_MAILER_WAKE) {
        ngx_http_socketio_mailer_claim(hub);
        m->due = m->active;
        m->all = 0;

        ngx_http_socketio_hub_post(hub);
        return;
    }

    what = 0;
    added = 0;

    if (type == NGX_HTTP_SOCKETIO_MAILER_BROUGHT) {
        what = sio_wire_get_u8(record);
        added = sio_wire_get_u8(record);
    }

    nsp = sio_wire_get_str(record);
    user = sio_wire_get_str(record);

    if (sio_wire_done(record) != SIO_OK) {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged record of mail from slot %ui",
                      from->slot);
        return;
    }

    if (type == NGX_HTTP_SOCKETIO_MAILER_BROUGHT) {
        ngx_http_socketio_mailbox_brought(hub, nsp, user, what, added);

    } else if (m->active) {
        ngx_http_socketio_mailer_ask(hub, nsp, user, from->slot);
    }
}


static void
ngx_http_socketio_mailer_turn(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                   slot;
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (m == NULL) {
        return;
    }

    ngx_http_socketio_mailer_check(hub);

    if (m->wake) {
        m->wake = 0;
        slot = ngx_http_socketio_mailer_slot(hub);

        if (slot == NGX_HTTP_SOCKETIO_NO_SLOT) {
            ngx_http_socketio_mailer_claim(hub);

        } else if (slot != hub->n) {
            ngx_http_socketio_mailer_tell(hub, slot);
        }
    }

    if (!m->active) {
        return;
    }

    if (m->due) {
        m->due = 0;
        ngx_http_socketio_mailer_say(hub);
    }

    ngx_http_socketio_mailer_asks(hub);
}


static void
ngx_http_socketio_mailer_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    if (m == NULL) {
        return;
    }

    ngx_http_socketio_mailer_check(hub);

    if (!m->active) {
        ngx_http_socketio_mailer_claim(hub);

    } else if (ngx_exiting
               && ngx_http_socketio_slot_chosen(hub->zone, hub->n)
                  != NGX_HTTP_SOCKETIO_NO_SLOT)
    {
        ngx_http_socketio_mailer_release(hub);
    }

    if (m->active) {
        m->due = 1;
        m->probe = m->held;
        m->home->tick(hub);
    }
}


void
ngx_http_socketio_mailer_up(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    m->up = 1;
    m->due = 1;
    hub->zone->mail_up = 1;

    ngx_http_socketio_hub_post(hub);
}


/* What was said and not answered is said again. */

void
ngx_http_socketio_mailer_down(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    m->up = 0;
    m->all = 0;
    m->barrier = 0;
    m->first = 0;
    m->flying = 0;
    m->held = 0;
    m->bytes = 0;
    hub->zone->mail_up = 0;

    ngx_memzero(m->said, sizeof(m->said));
    ngx_http_socketio_mailer_unread(hub);
}
