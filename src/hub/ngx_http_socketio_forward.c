/*
 * Forward: polling requests to the worker that owns their session.
 *
 * The owner keeps a small handle for each waiting GET, which says where the
 * answer goes: to a request parked in this worker, or as a record to the
 * worker that holds it.
 *
 * An answer that was handed to another worker may never be written: it may be
 * killed first.  Something on the way may repeat the GET then, which is no
 * proof that the answer has arrived.  So the session keeps who was given its
 * last answer, and ends if that one has died when the client comes again.
 *
 * The records.  GET: id, sid, incarnation.  POST: id, sid, body.  ABORT: id,
 * sid.  ANSWER: id, error + 1 (0: none), body.
 */


#include "hub/ngx_http_socketio_forward.h"


/* What eio_session_t keeps of a waiting GET. */

typedef struct {
    ngx_http_socketio_session_t  *session;    /* not freed before */
    ngx_http_socketio_parked_t   *parked;     /* of this worker, or NULL */
    uint64_t                      id;
    uint32_t                      incarnation;  /* of the holder */
    uint16_t                      slot;
} ngx_http_socketio_poll_t;


static ngx_int_t ngx_http_socketio_forward_out(
    ngx_http_socketio_parked_t *parked, uint8_t type, sio_str_t body);
static void ngx_http_socketio_forward_here(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_parked_t *parked, sio_str_t sid, uint64_t id,
    ngx_uint_t slot, uint32_t incarnation);
static ngx_int_t ngx_http_socketio_forward_take(ngx_http_socketio_hub_t *hub,
    sio_str_t sid, u_char *body, size_t len);
static ngx_int_t ngx_http_socketio_forward_answer(
    ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_parked_t *parked, uint64_t id, ngx_uint_t slot,
    ngx_int_t error, sio_str_t body);
static void ngx_http_socketio_forward_forget(
    ngx_http_socketio_parked_t *parked);
static void ngx_http_socketio_forward_finish(
    ngx_http_socketio_parked_t *parked, ngx_int_t error, sio_str_t body);
static void ngx_http_socketio_forward_orphans(ngx_http_socketio_hub_t *hub);


void
ngx_http_socketio_forward_get(ngx_http_socketio_parked_t *parked)
{
    sio_str_t                 sid, none;
    ngx_uint_t                slot;
    ngx_http_socketio_hub_t  *hub;

    hub = parked->hub;
    parked->waiting = 1;

    none = sio_str(NULL, 0);
    sid = sio_str(parked->sid, EIO_SID_LEN);

    slot = ngx_http_socketio_session_owner(hub, sid);
    parked->slot = slot;

    if (slot == hub->n) {
        ngx_http_socketio_forward_here(hub, parked, sid, 0, slot,
                                       hub->incarnation);
        return;
    }

    if (slot == NGX_HTTP_SOCKETIO_NO_SLOT
        || ngx_http_socketio_forward_out(parked, NGX_HTTP_SOCKETIO_RECORD_GET,
                                         none)
           != NGX_OK)
    {
        ngx_http_socketio_forward_finish(parked, EIO_ERROR_SID, none);
    }
}


void
ngx_http_socketio_forward_post(ngx_http_socketio_parked_t *parked,
    u_char *body, size_t len)
{
    sio_str_t                 sid, none;
    ngx_int_t                 error;
    ngx_uint_t                slot;
    ngx_http_socketio_hub_t  *hub;

    hub = parked->hub;
    parked->waiting = 1;
    parked->post = 1;

    none = sio_str(NULL, 0);
    sid = sio_str(parked->sid, EIO_SID_LEN);

    slot = ngx_http_socketio_session_owner(hub, sid);
    parked->slot = slot;

    if (slot == hub->n) {
        error = ngx_http_socketio_forward_take(hub, sid, body, len);
        ngx_http_socketio_forward_finish(parked, error, none);
        return;
    }

    if (slot == NGX_HTTP_SOCKETIO_NO_SLOT
        || ngx_http_socketio_forward_out(parked, NGX_HTTP_SOCKETIO_RECORD_POST,
                                         sio_str(body, len))
           != NGX_OK)
    {
        ngx_http_socketio_forward_finish(parked, EIO_ERROR_SID, none);
    }
}


static ngx_int_t
ngx_http_socketio_forward_out(ngx_http_socketio_parked_t *parked, uint8_t type,
    sio_str_t body)
{
    ngx_int_t                  rc;
    sio_wire_writer_t          w;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_slot_t  *slot;

    hub = parked->hub;
    slot = ngx_http_socketio_slot(hub->zone, parked->slot);

    parked->id = ++hub->ids;
    parked->incarnation = (uint32_t) slot->incarnation;

    ngx_http_socketio_record_begin(hub, &w, type);
    sio_wire_put_u64(&w, parked->id);
    sio_wire_put_str(&w, sio_str(parked->sid, EIO_SID_LEN));

    if (type == NGX_HTTP_SOCKETIO_RECORD_POST) {
        sio_wire_put_str(&w, body);

    } else {
        sio_wire_put_u32(&w, hub->incarnation);
    }

    if (sio_wire_end(&w) != SIO_OK
        || sio_map_insert(&hub->parked, &parked->node,
                          sio_str(&parked->id, sizeof(parked->id)))
           != SIO_OK)
    {
        return NGX_ERROR;
    }

    parked->forwarded = 1;

    /* a worker that shuts down waits for the answer */

    hub->tick.cancelable = 0;

    rc = ngx_http_socketio_channel_send_to(hub, parked->slot);

    if (rc == NGX_OK) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_FORWARDED, 1);
    }

    return rc;
}


/* A GET for a session of this worker. */

static void
ngx_http_socketio_forward_here(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_parked_t *parked, sio_str_t sid, uint64_t id,
    ngx_uint_t slot, uint32_t incarnation)
{
    uint64_t                      now;
    ngx_int_t                     error;
    ngx_http_socketio_poll_t     *poll;
    ngx_http_socketio_session_t  *s;

    now = ngx_http_socketio_now();
    error = EIO_ERROR_SID;

    s = ngx_http_socketio_session_find(hub, sid);
    if (s == NULL) {
        goto refused;
    }

    eio_session_check(&s->eio, now);

    if (s->eio.state == EIO_STATE_CLOSED
        || ngx_http_socketio_forward_cut(s))
    {
        goto refused;
    }

    error = EIO_ERROR_REQUEST;

    if (s->eio.frozen) {
        goto refused;
    }

    poll = sio_alloc(&ngx_http_socketio_mem, sizeof(ngx_http_socketio_poll_t));
    if (poll == NULL) {
        goto refused;
    }

    poll->session = s;
    poll->parked = parked;
    poll->id = id;
    poll->incarnation = incarnation;
    poll->slot = slot;

    if (eio_session_poll(&s->eio, poll, now) != SIO_OK) {
        sio_free(&ngx_http_socketio_mem, poll);
        goto refused;
    }

    s->client.holder = 0;

    if (parked) {
        parked->poll = poll;
    }

    return;

refused:

    (void) ngx_http_socketio_forward_answer(hub, parked, id, slot, error,
                                            sio_str(NULL, 0));
}


ngx_uint_t
ngx_http_socketio_forward_cut(ngx_http_socketio_session_t *s)
{
    uint32_t                  holder, incarnation;
    ngx_uint_t                n;
    ngx_http_socketio_hub_t  *hub;

    holder = s->client.holder;

    if (holder == 0 || s->eio.transport != EIO_POLLING) {
        return 0;
    }

    hub = ngx_http_socketio_session_hub(s);

    n = holder % NGX_HTTP_SOCKETIO_SLOTS;

    /* of its incarnation the low bits were kept */

    incarnation = (uint32_t) ngx_http_socketio_slot(hub->zone, n)->incarnation;
    incarnation -= (incarnation - holder / NGX_HTTP_SOCKETIO_SLOTS)
                   & (UINT32_MAX / NGX_HTTP_SOCKETIO_SLOTS);

    if (!ngx_http_socketio_slot_died(hub->zone, n, incarnation)) {
        return 0;
    }

    eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_ERROR);
    ngx_http_socketio_session_dirty(s);

    return 1;
}


/* A POST for a session of this worker: the error of its answer. */

static ngx_int_t
ngx_http_socketio_forward_take(ngx_http_socketio_hub_t *hub, sio_str_t sid,
    u_char *body, size_t len)
{
    uint64_t                      now;
    ngx_http_socketio_session_t  *s;

    now = ngx_http_socketio_now();

    s = ngx_http_socketio_session_find(hub, sid);
    if (s == NULL) {
        return EIO_ERROR_SID;
    }

    eio_session_check(&s->eio, now);

    if (s->eio.state == EIO_STATE_CLOSED
        || s->eio.state == EIO_STATE_CLOSING)
    {
        return EIO_ERROR_SID;
    }

    if (s->eio.transport != EIO_POLLING || s->eio.frozen) {
        return EIO_ERROR_REQUEST;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_PACKETS_IN,
                           eio_payload_count(sio_str(body, len)));
    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_BYTES_IN, len);

    if (eio_session_post(&s->eio, body, len, now) != SIO_OK) {
        return EIO_ERROR_REQUEST;
    }

    return NGX_HTTP_SOCKETIO_ANSWER_OK;
}


void
ngx_http_socketio_forward_flush(ngx_http_socketio_session_t *s)
{
    size_t                     packets;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_poll_t  *poll;

    hub = ngx_http_socketio_session_hub(s);

    sio_buf_reset(&hub->payload);

    poll = eio_session_poll_take(&s->eio, &hub->payload);
    if (poll == NULL) {
        return;
    }

    packets = eio_payload_count(sio_buf_str(&hub->payload));

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_PACKETS_OUT, packets);
    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_BYTES_OUT,
                           hub->payload.len);

    if (poll->parked) {
        poll->parked->poll = NULL;
    }

    if (poll->parked == NULL) {
        s->client.holder = (uint32_t) (poll->incarnation
                                       * NGX_HTTP_SOCKETIO_SLOTS + poll->slot);
    }

    if (ngx_http_socketio_forward_answer(hub, poll->parked, poll->id,
                                         poll->slot,
                                         NGX_HTTP_SOCKETIO_ANSWER_OK,
                                         sio_buf_str(&hub->payload))
        != NGX_OK)
    {
        /* the packets are lost: better an end than a gap */

        eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_ERROR);
        ngx_http_socketio_session_dirty(s);
    }

    sio_free(&ngx_http_socketio_mem, poll);
}


void
ngx_http_socketio_forward_refuse(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_poll_t  *poll;

    poll = eio_session_poll_detach(&s->eio);
    if (poll == NULL) {
        return;
    }

    if (poll->parked) {
        poll->parked->poll = NULL;
    }

    (void) ngx_http_socketio_forward_answer(ngx_http_socketio_session_hub(s),
                                            poll->parked, poll->id,
                                            poll->slot, EIO_ERROR_REQUEST,
                                            sio_str(NULL, 0));

    sio_free(&ngx_http_socketio_mem, poll);
}


/* Answer a request parked here, or one that another worker holds. */

static ngx_int_t
ngx_http_socketio_forward_answer(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_parked_t *parked, uint64_t id, ngx_uint_t slot,
    ngx_int_t error, sio_str_t body)
{
    sio_wire_writer_t  w;

    if (parked) {
        ngx_http_socketio_forward_finish(parked, error, body);
        return NGX_OK;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_ANSWER);
    sio_wire_put_u64(&w, id);
    sio_wire_put_u8(&w, (uint8_t) (error + 1));
    sio_wire_put_str(&w, body);

    return ngx_http_socketio_record_send(hub, &w, slot);
}


static void
ngx_http_socketio_forward_finish(ngx_http_socketio_parked_t *parked,
    ngx_int_t error, sio_str_t body)
{
    if (parked->forwarded) {
        ngx_http_socketio_forward_forget(parked);
    }

    parked->waiting = 0;
    ngx_http_socketio_carrier->answer(parked, error, body);
}


/* Nothing is expected of another worker any more. */

static void
ngx_http_socketio_forward_forget(ngx_http_socketio_parked_t *parked)
{
    ngx_http_socketio_hub_t  *hub;

    hub = parked->hub;

    parked->forwarded = 0;
    sio_map_remove(&hub->parked, &parked->node);

    hub->tick.cancelable = (hub->parked.count == 0);
}


void
ngx_http_socketio_forward_abort(ngx_http_socketio_parked_t *parked)
{
    sio_str_t                     sid;
    sio_wire_writer_t             w;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_poll_t     *poll;
    ngx_http_socketio_session_t  *s;

    hub = parked->hub;
    sid = sio_str(parked->sid, EIO_SID_LEN);

    parked->waiting = 0;

    if (parked->poll) {
        poll = parked->poll;
        parked->poll = NULL;
        s = poll->session;

        /* it may have been closed earlier in this turn */

        eio_session_poll_abort(&s->eio, poll);
        ngx_http_socketio_session_dirty(s);

        sio_free(&ngx_http_socketio_mem, poll);
        return;
    }

    if (!parked->forwarded) {
        return;
    }

    ngx_http_socketio_forward_forget(parked);

    /* a POST that was handed on counts, whoever waits for its "ok" */

    if (parked->post) {
        return;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_ABORT);
    sio_wire_put_u64(&w, parked->id);
    sio_wire_put_str(&w, sid);

    (void) ngx_http_socketio_record_send(hub, &w, parked->slot);
}


void
ngx_http_socketio_forward_end(ngx_http_socketio_hub_t *hub)
{
    if (ngx_exiting && !ngx_terminate) {
        __atomic_store_n(&hub->slot->left, hub->incarnation, __ATOMIC_SEQ_CST);
    }
}


/*
 * Whether no answer will come: the owner died; or it knew nothing of the
 * session twice in a row, and its word of that was lost to a full zone.
 */
static ngx_uint_t
ngx_http_socketio_forward_lost(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_parked_t *parked)
{
    sio_str_t   sid;
    ngx_uint_t  lost;

    if (!ngx_http_socketio_slot_held(hub->zone, parked->slot,
                                     parked->incarnation))
    {
        return 1;
    }

    sid = sio_str(parked->sid, EIO_SID_LEN);
    lost = parked->lost;

    parked->lost = (ngx_http_socketio_session_owner(hub, sid) != parked->slot);

    return lost && parked->lost;
}


void
ngx_http_socketio_forward_check(ngx_http_socketio_hub_t *hub)
{
    uint32_t                     cursor;
    sio_map_node_t              *node, *saved;
    ngx_http_socketio_parked_t  *parked;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->parked, &cursor, &saved)) != NULL) {
        parked = sio_map_data(node, ngx_http_socketio_parked_t, node);

        if (ngx_http_socketio_forward_lost(hub, parked)) {
            ngx_http_socketio_forward_finish(parked, EIO_ERROR_SID,
                                             sio_str(NULL, 0));
        }
    }

    ngx_http_socketio_forward_orphans(hub);
}


/*
 * A GET whose holder died was cut with it: to its session that is a client
 * that went away.
 */

static void
ngx_http_socketio_forward_orphans(ngx_http_socketio_hub_t *hub)
{
    uint32_t                      cursor;
    sio_map_node_t               *node, *saved;
    ngx_http_socketio_poll_t     *poll;
    ngx_http_socketio_session_t  *s;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->sessions, &cursor, &saved)) != NULL) {
        s = (ngx_http_socketio_session_t *)
                sio_map_data(node, eio_session_t, node);
        poll = s->eio.poll;

        if (poll == NULL || poll->parked
            || ngx_http_socketio_slot_held(hub->zone, poll->slot,
                                           poll->incarnation))
        {
            continue;
        }

        eio_session_poll_abort(&s->eio, poll);
        ngx_http_socketio_session_dirty(s);
        sio_free(&ngx_http_socketio_mem, poll);
    }
}


static void
ngx_http_socketio_forward_aborted(ngx_http_socketio_hub_t *hub, sio_str_t sid,
    uint64_t id, ngx_uint_t slot)
{
    ngx_http_socketio_poll_t     *poll;
    ngx_http_socketio_session_t  *s;

    s = ngx_http_socketio_session_find(hub, sid);
    if (s == NULL || s->eio.poll == NULL) {
        return;
    }

    poll = s->eio.poll;

    if (poll->parked || poll->id != id || poll->slot != slot) {
        return;
    }

    eio_session_poll_abort(&s->eio, poll);
    ngx_http_socketio_session_dirty(s);
    sio_free(&ngx_http_socketio_mem, poll);
}


static void
ngx_http_socketio_forward_answered(ngx_http_socketio_hub_t *hub, uint64_t id,
    ngx_int_t error, sio_str_t body, ngx_uint_t slot)
{
    sio_map_node_t              *node;
    ngx_http_socketio_parked_t  *parked;

    node = sio_map_find(&hub->parked, sio_str(&id, sizeof(id)));
    if (node == NULL) {
        return;
    }

    parked = sio_map_data(node, ngx_http_socketio_parked_t, node);

    if (parked->slot == slot) {
        ngx_http_socketio_forward_finish(parked, error, body);
    }
}


void
ngx_http_socketio_forward_receive(ngx_http_socketio_hub_t *hub, uint8_t type,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint8_t    error;
    uint32_t   incarnation;
    uint64_t   id;
    ngx_int_t  rc;
    sio_str_t  sid, body;

    id = sio_wire_get_u64(record);

    if (type == NGX_HTTP_SOCKETIO_RECORD_ANSWER) {
        error = sio_wire_get_u8(record);
        body = sio_wire_get_str(record);

        if (sio_wire_done(record) == SIO_OK) {
            ngx_http_socketio_forward_answered(hub, id, (ngx_int_t) error - 1,
                                               body, from->slot);
        }

        return;
    }

    sid = sio_wire_get_str(record);
    body = sio_str(NULL, 0);
    incarnation = 0;

    if (type == NGX_HTTP_SOCKETIO_RECORD_POST) {
        body = sio_wire_get_str(record);

    } else if (type == NGX_HTTP_SOCKETIO_RECORD_GET) {
        incarnation = sio_wire_get_u32(record);
    }

    if (sio_wire_done(record) != SIO_OK || sid.len != EIO_SID_LEN) {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged request from slot %ui", from->slot);
        return;
    }

    switch (type) {

    case NGX_HTTP_SOCKETIO_RECORD_GET:
        ngx_http_socketio_forward_here(hub, NULL, sid, id, from->slot,
                                       incarnation);
        break;

    case NGX_HTTP_SOCKETIO_RECORD_ABORT:
        ngx_http_socketio_forward_aborted(hub, sid, id, from->slot);
        break;

    default: /* POST */

        /*
         * The body is decoded in place: this worker is the record's only
         * reader.
         */

        rc = ngx_http_socketio_forward_take(hub, sid, (u_char *) body.data,
                                            body.len);
        (void) ngx_http_socketio_forward_answer(hub, NULL, id, from->slot, rc,
                                                sio_str(NULL, 0));
    }
}
