/*
 * Collect.
 *
 * The records.  EXPECT: ack id, the sids.  ACK: ack id, sid, the arguments as
 * a JSON array with attachments already in the form of the HTTP API.
 */


#include "hub/ngx_http_socketio_collect.h"


/*
 * An ack id is a count and the asker's slot, below 2^31: clients in Java read
 * it as an int.
 */

#define NGX_HTTP_SOCKETIO_ACK_SLOT_BITS   7
#define NGX_HTTP_SOCKETIO_ACK_COUNT_MASK  0xffffff

/* Bytes of all answers to one request. */

#define NGX_HTTP_SOCKETIO_ANSWERS_MAX    (16 * 1024 * 1024)


static void ngx_http_socketio_collect_answer(sio_ack_t *ack, sio_str_t sid,
    sio_str_t args, const sio_binary_t *attachments);
static void ngx_http_socketio_collect_add(ngx_http_socketio_collect_t *c,
    sio_str_t open, sio_str_t args, sio_str_t close);
static void ngx_http_socketio_collect_done(sio_ack_t *ack, unsigned missing);
static void ngx_http_socketio_collect_heard(ngx_http_socketio_ask_t *ask,
    const sio_response_t *r);
static void ngx_http_socketio_collect_asked(ngx_http_socketio_ask_t *ask);
static void ngx_http_socketio_collect_named(ngx_http_socketio_hub_t *hub,
    int64_t id, sio_str_t sids, ngx_uint_t slot);
static void ngx_http_socketio_collect_take(ngx_http_socketio_hub_t *hub,
    int64_t id, sio_str_t sid, sio_str_t args);


static const sio_ack_ops_t  ngx_http_socketio_collect_ops = {
    ngx_http_socketio_collect_answer,
    ngx_http_socketio_collect_done
};


static ngx_inline ngx_uint_t
ngx_http_socketio_ack_slot(int64_t id)
{
    return (ngx_uint_t) id & ((1 << NGX_HTTP_SOCKETIO_ACK_SLOT_BITS) - 1);
}


ngx_int_t
ngx_http_socketio_collect_begin(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_collect_t *c, ngx_msec_t timeout)
{
    int64_t  id;

    hub->ack_ids = (hub->ack_ids + 1) & NGX_HTTP_SOCKETIO_ACK_COUNT_MASK;
    id = (int64_t) hub->ack_ids << NGX_HTTP_SOCKETIO_ACK_SLOT_BITS
         | (int64_t) hub->n;

    c->hub = hub;
    c->timeout = timeout;
    c->ack = sio_ack_create(&hub->acks, id,
                            ngx_http_socketio_now() + timeout,
                            &ngx_http_socketio_collect_ops, c);
    if (c->ack == NULL) {
        return NGX_DECLINED;
    }

    c->ack->timer.kind = NGX_HTTP_SOCKETIO_TIMER_ACK;

    sio_buf_init(&c->answers, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_ANSWERS_MAX);
    sio_buf_init(&c->early, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_ANSWERS_MAX);
    sio_buf_init(&c->missing, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_ANSWERS_MAX);
    ngx_http_socketio_hub_post(hub);

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_collect_hosts(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    sio_request_t  r;

    if (b->ack_id == SIO_NO_ID) {
        return NGX_DECLINED;
    }

    ngx_memzero(&r, sizeof(sio_request_t));

    r.type = SIO_REQUEST_BROADCAST;
    r.broadcast.nsp = b->nsp;
    r.broadcast.event = b->event;
    r.broadcast.args = b->args;
    r.broadcast.opts.rooms = (sio_str_t *) b->target.rooms;
    r.broadcast.opts.nrooms = b->target.nrooms;
    r.broadcast.opts.except = (sio_str_t *) b->target.except;
    r.broadcast.opts.nexcept = b->target.nexcept;

    if (b->attachments) {
        r.broadcast.attachments = *b->attachments;
    }

    return ngx_http_socketio_collect_ask(hub, b->ack_id, b->nsp, &r);
}


ngx_int_t
ngx_http_socketio_collect_ask(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t nsp, sio_request_t *r)
{
    sio_ack_t                    *ack;
    ngx_http_socketio_collect_t  *c;

    ack = id == SIO_NO_ID ? NULL : sio_ack_find(&hub->acks, id);
    if (ack == NULL) {
        return NGX_DECLINED;
    }

    c = ack->data;

    r->broadcast.timeout = (uint32_t) c->timeout;

    c->ask.hub = hub;
    c->ask.heard = ngx_http_socketio_collect_heard;
    c->ask.done = ngx_http_socketio_collect_asked;
    c->ask.data = c;

    if (hub->cluster->ask(hub, &c->ask, nsp, r, c->timeout) != NGX_OK) {
        c->away = 1;
        return NGX_DECLINED;
    }

    c->asked = 1;

    return NGX_OK;
}


void
ngx_http_socketio_collect_start(ngx_http_socketio_collect_t *c)
{
    int64_t                   id;
    sio_buf_t                 early;
    sio_str_t                 sid, args;
    ngx_uint_t                i;
    sio_wire_t                r;
    ngx_http_socketio_hub_t  *hub;

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        if (c->expect[i]) {
            return;
        }
    }

    hub = c->hub;
    id = c->ack->id;

    /* c may be gone as soon as nothing is missing */

    early = c->early;
    sio_buf_init(&c->early, &ngx_http_socketio_mem, 0);

    sio_ack_start(&hub->acks, c->ack);

    sio_wire_fields(&r, sio_buf_str(&early));

    while (r.pos < r.end && !r.error) {
        sid = sio_wire_get_str(&r);
        args = sio_wire_get_str(&r);
        (void) sio_ack_receive(&hub->acks, id, sid, args, NULL);
    }

    sio_buf_free(&early);
}


void
ngx_http_socketio_collect_cancel(ngx_http_socketio_collect_t *c)
{
    if (c->ack) {
        sio_ack_cancel(&c->hub->acks, c->ack);
        c->ack = NULL;
    }

    if (c->ask.waiting) {
        c->hub->cluster->forget(c->hub, &c->ask);
    }

    ngx_http_socketio_collect_free(c);
}


void
ngx_http_socketio_collect_expire(ngx_http_socketio_collect_t *c)
{
    if (c->ask.waiting) {
        c->hub->cluster->forget(c->hub, &c->ask);

        if (c->ack == NULL) {
            c->done(c);
            return;
        }
    }

    sio_ack_expire(&c->hub->acks, &c->ack->timer);
}


void
ngx_http_socketio_collect_free(ngx_http_socketio_collect_t *c)
{
    sio_buf_free(&c->answers);
    sio_buf_free(&c->early);
    sio_buf_free(&c->missing);
}


void
ngx_http_socketio_collect_expect(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t sids)
{
    ngx_uint_t         slot;
    sio_wire_writer_t  w;

    slot = ngx_http_socketio_ack_slot(id);

    if (slot == hub->n) {
        ngx_http_socketio_collect_named(hub, id, sids, slot);
        return;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_EXPECT);
    sio_wire_put_u64(&w, (uint64_t) id);
    sio_wire_put_str(&w, sids);

    (void) ngx_http_socketio_record_send(hub, &w, slot);
}


static void
ngx_http_socketio_collect_named(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t sids, ngx_uint_t slot)
{
    size_t                        i;
    sio_ack_t                    *ack;
    ngx_http_socketio_collect_t  *c;

    ack = sio_ack_find(&hub->acks, id);
    if (ack == NULL) {
        return;
    }

    c = ack->data;

    for (i = 0; i + EIO_SID_LEN <= sids.len; i += EIO_SID_LEN) {
        if (sio_ack_expect(&hub->acks, ack, sio_str(sids.data + i, EIO_SID_LEN))
            != SIO_OK)
        {
            break;
        }
    }

    if (slot != hub->n) {
        c->expect[slot / 64] &= ~((uint64_t) 1 << slot % 64);
        ngx_http_socketio_collect_start(c);
    }
}


void
ngx_http_socketio_collect_ack(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t sid, sio_str_t args, const sio_binary_t *attachments)
{
    ngx_uint_t         slot;
    sio_wire_writer_t  w;

    slot = ngx_http_socketio_ack_slot(id);

    if (ngx_http_socketio_collect_value(hub, args, attachments, &args)
        != NGX_OK)
    {
        return;
    }

    if (slot == hub->n) {
        ngx_http_socketio_collect_take(hub, id, sid, args);
        return;
    }

    if (ngx_http_socketio_slot(hub->zone, slot)->pid == 0) {
        return;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_ACK);
    sio_wire_put_u64(&w, (uint64_t) id);
    sio_wire_put_str(&w, sid);
    sio_wire_put_str(&w, args);

    (void) ngx_http_socketio_record_send(hub, &w, slot);
}


void
ngx_http_socketio_collect_receive(ngx_http_socketio_hub_t *hub, uint8_t type,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    int64_t    id;
    sio_str_t  sid, args;

    id = (int64_t) sio_wire_get_u64(record);
    sid = sio_wire_get_str(record);

    if (type == NGX_HTTP_SOCKETIO_RECORD_EXPECT) {
        if (sio_wire_done(record) == SIO_OK) {
            ngx_http_socketio_collect_named(hub, id, sid, from->slot);
        }

        return;
    }

    args = sio_wire_get_str(record);

    if (sio_wire_done(record) == SIO_OK) {
        ngx_http_socketio_collect_take(hub, id, sid, args);
    }
}


/* An answer; one that comes before all slots named their sockets waits. */

static void
ngx_http_socketio_collect_take(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t sid, sio_str_t args)
{
    sio_ack_t                    *ack;
    sio_wire_writer_t             w;
    ngx_http_socketio_collect_t  *c;

    ack = sio_ack_find(&hub->acks, id);
    if (ack == NULL) {
        return;
    }

    if (ack->started) {
        (void) sio_ack_receive(&hub->acks, id, sid, args, NULL);
        return;
    }

    c = ack->data;

    sio_writer_begin(&w, &c->early);
    sio_wire_put_str(&w, sid);
    sio_wire_put_str(&w, args);
    (void) sio_wire_end(&w);
}


static void
ngx_http_socketio_collect_answer(sio_ack_t *ack, sio_str_t sid,
    sio_str_t args, const sio_binary_t *attachments)
{
    ngx_http_socketio_collect_add(ack->data, sio_str(NULL, 0), args,
                                  sio_str(NULL, 0));
}


static void
ngx_http_socketio_collect_add(ngx_http_socketio_collect_t *c, sio_str_t open,
    sio_str_t args, sio_str_t close)
{
    size_t  len;

    len = c->answers.len;

    if ((len && sio_buf_append_char(&c->answers, ',') != SIO_OK)
        || sio_buf_append_str(&c->answers, open) != SIO_OK
        || sio_buf_append_str(&c->answers, args) != SIO_OK
        || sio_buf_append_str(&c->answers, close) != SIO_OK)
    {
        c->answers.len = len;
        return;
    }

    c->nanswers++;
}


/* The entry is gone after this: who is missing is noted. */

static void
ngx_http_socketio_collect_done(sio_ack_t *ack, unsigned missing)
{
    unsigned                      n;
    const uint8_t                *sid;
    ngx_http_socketio_collect_t  *c;

    c = ack->data;
    c->ack = NULL;

    for (n = 0; (sid = sio_ack_missing(ack, n)) != NULL; n++) {
        if (sio_buf_append(&c->missing, sid, EIO_SID_LEN) != SIO_OK) {
            c->torn = 1;
            break;
        }
    }

    if (!c->ask.waiting) {
        c->done(c);
    }
}


static void
ngx_http_socketio_collect_heard(ngx_http_socketio_ask_t *ask,
    const sio_response_t *r)
{
    if (r->type != SIO_RESPONSE_CLIENT_COUNT) {
        ngx_http_socketio_collect_add(ask->data, sio_cstr("["),
                                      r->data.len ? r->data
                                                  : sio_cstr("null"),
                                      sio_cstr("]"));
    }
}


static void
ngx_http_socketio_collect_asked(ngx_http_socketio_ask_t *ask)
{
    ngx_http_socketio_collect_t  *c;

    c = ask->data;

    if (c->ack == NULL) {
        c->done(c);
    }
}


ngx_int_t
ngx_http_socketio_collect_value(ngx_http_socketio_hub_t *hub, sio_str_t value,
    const sio_binary_t *attachments, sio_str_t *json)
{
    sio_buf_reset(&hub->packet);

    if (sio_binary_inline(&hub->packet, value, attachments, &hub->payload)
        != SIO_OK)
    {
        return NGX_ERROR;
    }

    *json = sio_buf_str(&hub->packet);

    return NGX_OK;
}
