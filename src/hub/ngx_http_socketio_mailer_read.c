/*
 * The mailer's questions: what the home has for users who are here.
 *
 * A question waits until what the outbox held when it was asked is said, so
 * that the answer knows of it.  While it is open, news of the mailbox are kept,
 * because what is older may be missing, and put in behind the answer: also
 * those that the answer should have and has not, as a socket of another host
 * proved them meanwhile.  Afterwards it is remembered up to which news the
 * answer went, until they were heard: they must not put in again what was
 * delivered and proved here.
 */


#include "hub/ngx_http_socketio_mailer_state.h"


static ngx_http_socketio_reading_t *ngx_http_socketio_reading_find(
    ngx_http_socketio_mailer_t *m, sio_str_t nsp, sio_str_t user);
static ngx_http_socketio_reading_t *ngx_http_socketio_reading_get(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user);
static void ngx_http_socketio_reading_free(ngx_http_socketio_mailer_t *m,
    ngx_http_socketio_reading_t *r);
static void ngx_http_socketio_reading_keep(ngx_http_socketio_reading_t *r,
    const ngx_http_socketio_item_in_t *item, uint64_t sequence);
static ngx_http_socketio_item_kept_t *ngx_http_socketio_reading_take(
    ngx_http_socketio_reading_t *r);
static sio_str_t ngx_http_socketio_item_copy(u_char **p, sio_str_t s);
static void ngx_http_socketio_reading_wait(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r);
static void ngx_http_socketio_reading_tell(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r, ngx_http_socketio_brought_e what);
static void ngx_http_socketio_reading_news(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r);
static ngx_int_t ngx_http_socketio_mailer_copy(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_in_t *item, ngx_http_socketio_copy_t *copy);


static ngx_inline sio_str_t
ngx_http_socketio_reading_nsp(const ngx_http_socketio_reading_t *r)
{
    return sio_str(r->name, r->nsp);
}


static ngx_inline sio_str_t
ngx_http_socketio_reading_user(const ngx_http_socketio_reading_t *r)
{
    return sio_str(r->name + r->nsp + 1, r->len - r->nsp - 1);
}


/* A namespace has no comma: the two are told apart. */

static ngx_http_socketio_reading_t *
ngx_http_socketio_reading_find(ngx_http_socketio_mailer_t *m, sio_str_t nsp,
    sio_str_t user)
{
    u_char          *p, name[2 * SIO_ROOM_MAX + 1];
    sio_map_node_t  *node;

    if (m->readings.count == 0 || nsp.len + user.len + 1 > sizeof(name)) {
        return NULL;
    }

    p = ngx_cpymem(name, nsp.data, nsp.len);
    *p++ = ',';
    p = ngx_cpymem(p, user.data, user.len);

    node = sio_map_find(&m->readings, sio_str(name, p - name));

    return node ? sio_map_data(node, ngx_http_socketio_reading_t, node) : NULL;
}


static ngx_http_socketio_reading_t *
ngx_http_socketio_reading_get(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    u_char                       *p;
    size_t                        len;
    ngx_http_socketio_mailer_t   *m;
    ngx_http_socketio_reading_t  *r;

    m = hub->mailer;
    r = ngx_http_socketio_reading_find(m, nsp, user);
    len = nsp.len + 1 + user.len;

    if (r || len > 2 * SIO_ROOM_MAX + 1) {
        return r;
    }

    if (m->readings.count >= NGX_HTTP_SOCKETIO_MAILER_READINGS) {

        if (ngx_queue_empty(&m->done)) {
            return NULL;
        }

        ngx_http_socketio_reading_free(m,
                           ngx_queue_data(ngx_queue_head(&m->done),
                                          ngx_http_socketio_reading_t, queue));
    }

    r = sio_calloc(&ngx_http_socketio_mem,
                   sizeof(ngx_http_socketio_reading_t) + len);
    if (r == NULL) {
        return NULL;
    }

    r->nsp = (uint32_t) nsp.len;
    r->len = (uint32_t) len;

    p = ngx_cpymem(r->name, nsp.data, nsp.len);
    *p++ = ',';
    ngx_memcpy(p, user.data, user.len);

    if (sio_map_insert(&m->readings, &r->node, sio_str(r->name, len))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, r);
        return NULL;
    }

    ngx_http_socketio_mailbox_key(hub->zone, nsp, user, &r->copy.key);
    ngx_queue_init(&r->queue);
    r->state = NGX_HTTP_SOCKETIO_READING_DONE;

    return r;
}


static void
ngx_http_socketio_reading_free(ngx_http_socketio_mailer_t *m,
    ngx_http_socketio_reading_t *r)
{
    ngx_http_socketio_item_kept_t  *kept;

    m->nasked -= (r->state == NGX_HTTP_SOCKETIO_READING_ASKED);

    while ((kept = ngx_http_socketio_reading_take(r)) != NULL) {
        sio_free(&ngx_http_socketio_mem, kept);
    }

    ngx_queue_remove(&r->queue);
    sio_map_remove(&m->readings, &r->node);
    sio_free(&ngx_http_socketio_mem, r);
}


/* Who is asked already does not know what was put since. */

void
ngx_http_socketio_mailer_ask(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t slot)
{
    ngx_http_socketio_reading_t  *r;

    r = ngx_http_socketio_reading_get(hub, nsp, user);

    /* who is not heard asks again */

    if (r == NULL) {
        return;
    }

    if (slot != NGX_HTTP_SOCKETIO_NO_SLOT) {
        r->askers[slot / 64] |= (uint64_t) 1 << slot % 64;
    }

    if (r->state == NGX_HTTP_SOCKETIO_READING_ASKED) {
        r->again = 1;

    } else if (r->state == NGX_HTTP_SOCKETIO_READING_DONE) {
        ngx_http_socketio_reading_wait(hub, r);
    }
}


static void
ngx_http_socketio_reading_wait(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r)
{
    ngx_http_socketio_mailer_t  *m;

    m = hub->mailer;

    ngx_queue_remove(&r->queue);
    ngx_queue_insert_tail(&m->waits, &r->queue);

    r->state = NGX_HTTP_SOCKETIO_READING_WAITS;
    r->after = ngx_http_socketio_outbox_last(hub->zone);
    r->again = 0;

    m->due = 1;
    m->all = 0;

    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_mailer_asks(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailer_t   *m;
    ngx_http_socketio_reading_t  *r;

    m = hub->mailer;

    if (!m->up) {
        ngx_http_socketio_mailer_unread(hub);
        return;
    }

    while (!ngx_queue_empty(&m->waits)
           && m->nasked < NGX_HTTP_SOCKETIO_MAILER_ASKING)
    {
        r = ngx_queue_data(ngx_queue_head(&m->waits),
                           ngx_http_socketio_reading_t, queue);

        if (m->barrier
            || (!m->all && ngx_http_socketio_mailer_said(m) < r->after))
        {
            return;
        }

        r->copy.stamp = ++m->stamp;
        r->copy.behind = 0;
        r->part = 0;

        if (m->home->ask(hub, ngx_http_socketio_reading_nsp(r),
                         ngx_http_socketio_reading_user(r), r)
            != NGX_OK)
        {
            return;
        }

        ngx_queue_remove(&r->queue);
        ngx_queue_insert_tail(&m->asked, &r->queue);

        r->state = NGX_HTTP_SOCKETIO_READING_ASKED;
        m->nasked++;
    }
}


void
ngx_http_socketio_mailer_unread(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                    i;
    ngx_queue_t                  *queue;
    ngx_queue_t                  *queues[3];
    ngx_http_socketio_mailer_t   *m;
    ngx_http_socketio_reading_t  *r;

    m = hub->mailer;

    queues[0] = &m->waits;
    queues[1] = &m->asked;
    queues[2] = &m->done;

    for (i = 0; i < 3; i++) {
        queue = queues[i];

        while (!ngx_queue_empty(queue)) {
            r = ngx_queue_data(ngx_queue_head(queue),
                               ngx_http_socketio_reading_t, queue);

            ngx_http_socketio_reading_tell(hub, r,
                                           NGX_HTTP_SOCKETIO_MAIL_AWAY);
            ngx_http_socketio_reading_free(m, r);
        }
    }
}


static void
ngx_http_socketio_reading_tell(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r, ngx_http_socketio_brought_e what)
{
    uint64_t           here, slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_wire_writer_t  w;

    ngx_memcpy(slots, r->askers, sizeof(slots));
    ngx_memzero(r->askers, sizeof(slots));

    here = slots[hub->n / 64] & ((uint64_t) 1 << hub->n % 64);

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_MAILER);
    sio_wire_put_u8(&w, NGX_HTTP_SOCKETIO_MAILER_BROUGHT);
    sio_wire_put_u8(&w, (uint8_t) what);
    sio_wire_put_u8(&w, (uint8_t) r->added);
    sio_wire_put_str(&w, ngx_http_socketio_reading_nsp(r));
    sio_wire_put_str(&w, ngx_http_socketio_reading_user(r));

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send(hub, slots, 0);
    }

    if (here) {
        ngx_http_socketio_mailbox_brought(hub,
                                          ngx_http_socketio_reading_nsp(r),
                                          ngx_http_socketio_reading_user(r),
                                          what, r->added);
    }

    r->added = 0;
}


/* News for later; if there is no room for them, it is asked again. */

static void
ngx_http_socketio_reading_keep(ngx_http_socketio_reading_t *r,
    const ngx_http_socketio_item_in_t *item, uint64_t sequence)
{
    u_char                         *p;
    size_t                          len;
    ngx_http_socketio_item_kept_t  *kept;

    len = item->nsp.len + item->user.len + item->key.len + item->image.len;

    kept = (r->bytes + len > NGX_HTTP_SOCKETIO_MAILER_KEPT)
           ? NULL
           : sio_alloc(&ngx_http_socketio_mem,
                       sizeof(ngx_http_socketio_item_kept_t) + len);

    if (kept == NULL) {
        r->again = 1;
        return;
    }

    p = kept->data;

    kept->next = NULL;
    kept->sequence = sequence;
    kept->item = *item;
    kept->item.nsp = ngx_http_socketio_item_copy(&p, item->nsp);
    kept->item.user = ngx_http_socketio_item_copy(&p, item->user);
    kept->item.key = ngx_http_socketio_item_copy(&p, item->key);
    kept->item.image = ngx_http_socketio_item_copy(&p, item->image);

    if (r->kept == NULL) {
        r->last = &r->kept;
    }

    *r->last = kept;
    r->last = &kept->next;
    r->bytes += len;
}


static sio_str_t
ngx_http_socketio_item_copy(u_char **p, sio_str_t s)
{
    u_char  *data;

    data = *p;
    *p = ngx_cpymem(data, s.data, s.len);

    return sio_str(data, s.len);
}


static ngx_http_socketio_item_kept_t *
ngx_http_socketio_reading_take(ngx_http_socketio_reading_t *r)
{
    ngx_http_socketio_item_kept_t  *kept;

    kept = r->kept;

    if (kept) {
        r->kept = kept->next;
        r->bytes -= kept->item.nsp.len + kept->item.user.len
                    + kept->item.key.len + kept->item.image.len;
    }

    return kept;
}


/* What is no message would be in the way of those behind it. */

static ngx_int_t
ngx_http_socketio_mailer_copy(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_in_t *item, ngx_http_socketio_copy_t *copy)
{
    copy->tag = item->key.len
                ? ngx_http_socketio_mailbox_tag(hub->zone, item->nsp,
                                                item->key)
                : 0;
    copy->expires = item->expires;
    copy->origin = item->origin;
    copy->image = item->image;
    copy->written = item->written;

    return ngx_http_socketio_mailbox_copy(hub->zone, copy);
}


void
ngx_http_socketio_mailer_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *reading,
    const ngx_http_socketio_item_in_t *item)
{
    if (!reading->part
        && ngx_http_socketio_mailer_copy(hub, item, &reading->copy)
           == NGX_ERROR)
    {
        reading->part = 1;
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_ZONE, 1);
    }
}


void
ngx_http_socketio_mailer_read(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *reading, ngx_uint_t whole,
    uint64_t sequence)
{
    ngx_uint_t                    i;
    ngx_http_socketio_found_t     found;
    ngx_http_socketio_mailer_t   *m;
    ngx_http_socketio_reading_t  *r;

    m = hub->mailer;
    r = reading;

    whole = whole && !r->part;

    ngx_http_socketio_mailbox_settled(hub->zone, &r->copy, whole);

    if (r->copy.behind) {
        r->added = 1;

        ngx_http_socketio_directory_user(hub->zone,
                                         ngx_http_socketio_reading_nsp(r),
                                         ngx_http_socketio_reading_user(r),
                                         &found);

        for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
            r->askers[i] |= found.slots[i];
        }
    }

    m->nasked--;
    r->state = NGX_HTTP_SOCKETIO_READING_DONE;

    ngx_queue_remove(&r->queue);
    ngx_queue_insert_tail(&m->done, &r->queue);

    if (r->again) {
        ngx_http_socketio_reading_wait(hub, r);
        return;
    }

    ngx_http_socketio_reading_tell(hub, r,
                                   whole ? NGX_HTTP_SOCKETIO_MAIL_ALL
                                         : NGX_HTTP_SOCKETIO_MAIL_PART);
    ngx_http_socketio_reading_news(hub, r);

    r->sequence = sequence;

    if (r->state == NGX_HTTP_SOCKETIO_READING_DONE
        && sequence <= hub->zone->mail_seen)
    {
        ngx_http_socketio_reading_free(m, r);
    }
}


/* What was kept; each is put in unless it is there. */

static void
ngx_http_socketio_reading_news(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *r)
{
    ngx_http_socketio_item_kept_t  *kept;

    while (r->state == NGX_HTTP_SOCKETIO_READING_DONE
           && (kept = ngx_http_socketio_reading_take(r)) != NULL)
    {
        ngx_http_socketio_mailer_put(hub, &kept->item, kept->sequence);
        sio_free(&ngx_http_socketio_mem, kept);
    }
}


void
ngx_http_socketio_mailer_put(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_in_t *item, uint64_t sequence)
{
    ngx_int_t                     rc;
    eio_msg_t                    *msg;
    ngx_http_socketio_copy_t      copy;
    ngx_http_socketio_found_t     found;
    ngx_http_socketio_reading_t  *r;

    if (item->origin.host == hub->mailer->host) {
        return;
    }

    r = ngx_http_socketio_reading_find(hub->mailer, item->nsp, item->user);

    if (r && sequence <= r->sequence) {
        return;
    }

    if (r && r->state != NGX_HTTP_SOCKETIO_READING_DONE) {
        ngx_http_socketio_reading_keep(r, item, sequence);
        return;
    }

    ngx_http_socketio_directory_user(hub->zone, item->nsp, item->user, &found);

    if (found.count == 0) {
        return;
    }

    msg = eio_msg_from_image(&ngx_http_socketio_mem, item->image);
    if (msg == NULL) {
        return;
    }

    ngx_memzero(&copy, sizeof(ngx_http_socketio_copy_t));
    ngx_http_socketio_mailbox_key(hub->zone, item->nsp, item->user, &copy.key);

    rc = ngx_http_socketio_mailer_copy(hub, item, &copy);

    if (rc == NGX_OK) {
        ngx_http_socketio_mailbox_came(hub, item->nsp, item->user, copy.id,
                                       msg);

    } else if (rc == NGX_ERROR) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_ZONE, 1);
        ngx_http_socketio_mailer_missed(hub, item->nsp, item->user);
    }

    eio_msg_unref(&ngx_http_socketio_mem, msg);
}


void
ngx_http_socketio_mailer_dropped(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t key)
{
    (void) ngx_http_socketio_mail_forget(hub, nsp, key, 1);
}


void
ngx_http_socketio_mailer_heard(ngx_http_socketio_hub_t *hub,
    uint64_t sequence)
{
    ngx_uint_t                    forgotten;
    ngx_http_socketio_mailer_t   *m;
    ngx_http_socketio_reading_t  *r;

    m = hub->mailer;

    /* numbers begin anew when the home has forgotten everything */

    forgotten = (sequence < hub->zone->mail_seen);
    hub->zone->mail_seen = sequence;

    while (!ngx_queue_empty(&m->done)) {
        r = ngx_queue_data(ngx_queue_head(&m->done),
                           ngx_http_socketio_reading_t, queue);

        if (r->sequence > sequence && !forgotten) {
            break;
        }

        ngx_http_socketio_reading_free(m, r);
    }
}


void
ngx_http_socketio_mailer_missed(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    ngx_uint_t                    i;
    ngx_http_socketio_found_t     found;
    ngx_http_socketio_reading_t  *r;

    ngx_http_socketio_directory_user(hub->zone, nsp, user, &found);

    if (found.count == 0) {
        return;
    }

    ngx_http_socketio_mailer_ask(hub, nsp, user, NGX_HTTP_SOCKETIO_NO_SLOT);

    r = ngx_http_socketio_reading_find(hub->mailer, nsp, user);

    /* all of his sockets hear of it, also if the zone has no room again */

    for (i = 0; r && i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        r->askers[i] |= found.slots[i];
    }
}
