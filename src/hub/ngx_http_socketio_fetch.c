/*
 * Fetch: questions, and the merging of answers.  What a worker answers is in
 * ngx_http_socketio_fetch_answer.c.
 */


#include "hub/ngx_http_socketio_fetch.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_fetch_answer.h"
#include "hub/ngx_http_socketio_fetch_hosts.h"


#define NGX_HTTP_SOCKETIO_FETCHES_MAX  1000      /* that wait, in a worker */

/* Bytes of all answers: of all slots there can be, and some more. */

#define NGX_HTTP_SOCKETIO_ANSWERS_MAX  (128 * 1024 * 1024)


static void ngx_http_socketio_fetch_slots(ngx_http_socketio_fetch_t *f);
static ngx_int_t ngx_http_socketio_fetch_ask(ngx_http_socketio_fetch_t *f);
static ngx_int_t ngx_http_socketio_fetch_send(ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_fetch_name(u_char *name, ngx_uint_t slot);
static void ngx_http_socketio_fetch_question(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);
static void ngx_http_socketio_fetch_keep(sio_ack_t *ack, sio_str_t name,
    sio_str_t answer, const sio_binary_t *attachments);
static void ngx_http_socketio_fetch_done(sio_ack_t *ack, unsigned missing);
static void ngx_http_socketio_fetch_end(ngx_http_socketio_fetch_t *f);
static ngx_int_t ngx_http_socketio_fetch_merge(ngx_http_socketio_fetch_t *f);
static ngx_int_t ngx_http_socketio_fetch_take(ngx_http_socketio_fetch_t *f,
    sio_wire_t *r, sio_distinct_t *users, sio_str_t *bound);
static ngx_int_t ngx_http_socketio_fetch_reserve(
    ngx_http_socketio_fetch_t *f, uint32_t n);
static void ngx_http_socketio_fetch_item(sio_wire_t *r,
    ngx_http_socketio_fetched_t *item);
static void ngx_http_socketio_fetch_cut(ngx_http_socketio_fetch_t *f,
    sio_str_t bound);
static int ngx_http_socketio_fetch_compare(const void *a, const void *b);


static const sio_ack_ops_t  ngx_http_socketio_fetch_ops = {
    ngx_http_socketio_fetch_keep,
    ngx_http_socketio_fetch_done
};


void
ngx_http_socketio_fetch_init(ngx_http_socketio_hub_t *hub)
{
    sio_ack_table_init(&hub->fetches, &ngx_http_socketio_mem, &hub->zone->hash,
                       &hub->wheel, NGX_HTTP_SOCKETIO_FETCHES_MAX);

    /* what is still on its way to a predecessor must not fit us */

    ngx_http_socketio_random(hub, (u_char *) &hub->fetch_ids,
                             sizeof(hub->fetch_ids));
}


ngx_int_t
ngx_http_socketio_fetch(ngx_http_socketio_fetch_t *f)
{
    ngx_int_t                      rc;
    ngx_http_socketio_question_t  *q;

    q = &f->question;

    sio_buf_init(&f->heard, &ngx_http_socketio_mem, 65536);
    sio_buf_init(&f->mute, &ngx_http_socketio_mem, 65536);
    sio_buf_init(&f->answers, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_ANSWERS_MAX);

    if (q->key.k0 == 0) {
        ngx_http_socketio_random(f->hub, (u_char *) &q->key, sizeof(q->key));
    }

    if (f->question.type != NGX_HTTP_SOCKETIO_FETCH_NOTHING) {
        ngx_http_socketio_fetch_slots(f);
    }

    f->slots[f->hub->n / 64] &= ~((uint64_t) 1 << f->hub->n % 64);

    rc = ngx_http_socketio_fetch_ask(f);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_socketio_fetch_free(f);
        return rc;
    }

    /* the others are at it while we look for ourselves */

    sio_buf_reset(&f->hub->payload);

    if (ngx_http_socketio_fetch_answer(f->hub, &f->question,
                                       &f->hub->payload)
        != NGX_OK)
    {
        ngx_http_socketio_fetch_free(f);
        return NGX_ERROR;
    }

    ngx_http_socketio_fetch_add(f, sio_buf_str(&f->hub->payload));

    if (f->hosts && f->hub->cluster) {
        ngx_http_socketio_fetch_hosts(f);
    }

    if (rc == NGX_AGAIN || f->asking) {
        return NGX_AGAIN;
    }

    return f->raw ? NGX_OK : ngx_http_socketio_fetch_merge(f);
}


void
ngx_http_socketio_fetch_free(ngx_http_socketio_fetch_t *f)
{
    if (f->ack) {
        sio_ack_cancel(&f->hub->fetches, f->ack);
        f->ack = NULL;
    }

    ngx_http_socketio_fetch_hosts_forget(f);

    sio_buf_free(&f->answers);
    sio_buf_free(&f->heard);
    sio_buf_free(&f->mute);
    sio_free(&ngx_http_socketio_mem, f->items);
    f->items = NULL;
}


/* Workers that may know something. */

static void
ngx_http_socketio_fetch_slots(ngx_http_socketio_fetch_t *f)
{
    uint8_t                        room[SIO_ROOM_MAX];
    sio_str_t                      name;
    sio_target_t                   target;
    ngx_http_socketio_found_t      found;
    ngx_http_socketio_question_t  *q;

    q = &f->question;

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));
    ngx_memzero(&target, sizeof(sio_target_t));

    if (q->nsp.len) {

        name = q->name;

        if (q->type == NGX_HTTP_SOCKETIO_FETCH_USER) {
            name = sio_user_room(q->name, room);
        }

        target.rooms = &name;
        target.nrooms = (q->type != NGX_HTTP_SOCKETIO_FETCH_ROOMS);

        ngx_http_socketio_target_find(f->hub, q->nsp, &target, &found);

    } else {
        ngx_http_socketio_slots_live(f->hub->zone, found.slots);
    }

    ngx_memcpy(f->slots, found.slots, sizeof(found.slots));
}


/* NGX_OK: nobody is to be asked; NGX_AGAIN: they are. */

static ngx_int_t
ngx_http_socketio_fetch_ask(ngx_http_socketio_fetch_t *f)
{
    u_char                    name[EIO_SID_LEN];
    ngx_uint_t                n;
    ngx_http_socketio_hub_t  *hub;

    hub = f->hub;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {

        if (!(f->slots[n / 64] & ((uint64_t) 1 << n % 64))) {
            continue;
        }

        if (f->ack == NULL) {
            f->ack = sio_ack_create(&hub->fetches, hub->fetch_ids++,
                                    ngx_http_socketio_now()
                                    + NGX_HTTP_SOCKETIO_FETCH_TIMEOUT,
                                    &ngx_http_socketio_fetch_ops, f);
            if (f->ack == NULL) {
                return NGX_DECLINED;
            }

            f->ack->timer.kind = NGX_HTTP_SOCKETIO_TIMER_FETCH;
        }

        ngx_http_socketio_fetch_name(name, n);

        if (sio_ack_expect(&hub->fetches, f->ack, sio_str(name, EIO_SID_LEN))
            != SIO_OK)
        {
            return NGX_ERROR;
        }
    }

    if (f->ack == NULL) {
        return NGX_OK;
    }

    if (ngx_http_socketio_fetch_send(f) == NGX_ERROR) {
        return NGX_ERROR;
    }

    sio_ack_start(&hub->fetches, f->ack);
    ngx_http_socketio_hub_post(hub);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_socketio_fetch_send(ngx_http_socketio_fetch_t *f)
{
    sio_wire_writer_t  w;

    ngx_http_socketio_record_begin(f->hub, &w,
                                   NGX_HTTP_SOCKETIO_RECORD_FETCH);
    sio_wire_put_u64(&w, (uint64_t) f->ack->id);
    ngx_http_socketio_question_put(&w, &f->question);

    if (sio_wire_end(&w) != SIO_OK) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_channel_send(f->hub, f->slots, 0);
}


void
ngx_http_socketio_question_put(sio_wire_writer_t *w,
    const ngx_http_socketio_question_t *q)
{
    sio_wire_put_u8(w, (uint8_t) q->type);
    sio_wire_put_str(w, q->nsp);
    sio_wire_put_str(w, q->name);
    sio_wire_put_str(w, q->after);
    sio_wire_put_str(w, q->prefix);
    sio_wire_put_u32(w, (uint32_t) q->limit);
    sio_wire_put_u64(w, q->key.k0);
    sio_wire_put_u64(w, q->key.k1);
}


ngx_int_t
ngx_http_socketio_question_get(sio_wire_t *record,
    ngx_http_socketio_question_t *q)
{
    q->type = sio_wire_get_u8(record);
    q->nsp = sio_wire_get_str(record);
    q->name = sio_wire_get_str(record);
    q->after = sio_wire_get_str(record);
    q->prefix = sio_wire_get_str(record);
    q->limit = sio_wire_get_u32(record);
    q->key.k0 = sio_wire_get_u64(record);
    q->key.k1 = sio_wire_get_u64(record);

    return sio_wire_done(record) == SIO_OK
           && q->type < NGX_HTTP_SOCKETIO_FETCH_N
           && q->limit != 0 && q->limit <= NGX_HTTP_SOCKETIO_FETCH_LIMIT
           ? NGX_OK : NGX_ERROR;
}


/* What sio_ack knows a worker by. */

static void
ngx_http_socketio_fetch_name(u_char *name, ngx_uint_t slot)
{
    uint32_t  n;

    n = (uint32_t) slot;

    ngx_memzero(name, EIO_SID_LEN);
    ngx_memcpy(name, &n, sizeof(n));
}


void
ngx_http_socketio_fetch_receive(ngx_http_socketio_hub_t *hub, uint8_t type,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    u_char     name[EIO_SID_LEN];
    int64_t    id;
    sio_str_t  answer;

    if (type == NGX_HTTP_SOCKETIO_RECORD_FETCH) {
        ngx_http_socketio_fetch_question(hub, record, from);
        return;
    }

    id = (int64_t) sio_wire_get_u64(record);
    answer = sio_wire_get_str(record);

    if (sio_wire_done(record) == SIO_OK) {
        ngx_http_socketio_fetch_name(name, from->slot);
        (void) sio_ack_receive(&hub->fetches, id, sio_str(name, EIO_SID_LEN),
                               answer, NULL);
    }
}


/* Another worker asks. */

static void
ngx_http_socketio_fetch_question(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint64_t                      id;
    sio_wire_writer_t             w;
    ngx_http_socketio_question_t  q;

    id = sio_wire_get_u64(record);

    if (ngx_http_socketio_question_get(record, &q) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged question from slot %ui",
                      from->slot);
        return;
    }

    sio_buf_reset(&hub->payload);

    if (ngx_http_socketio_fetch_answer(hub, &q, &hub->payload) != NGX_OK) {
        return;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_FETCHED);
    sio_wire_put_u64(&w, id);
    sio_wire_put_str(&w, sio_buf_str(&hub->payload));

    (void) ngx_http_socketio_record_send(hub, &w, from->slot);
}


void
ngx_http_socketio_fetch_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    sio_ack_expire(&hub->fetches, timer);
}


static void
ngx_http_socketio_fetch_keep(sio_ack_t *ack, sio_str_t name, sio_str_t answer,
    const sio_binary_t *attachments)
{
    ngx_http_socketio_fetch_add(ack->data, answer);
}


void
ngx_http_socketio_fetch_add(ngx_http_socketio_fetch_t *f, sio_str_t answer)
{
    sio_wire_writer_t  w;

    sio_writer_begin(&w, &f->answers);
    sio_wire_put_str(&w, answer);

    if (sio_wire_end(&w) != SIO_OK) {
        f->partial = 1;
    }
}


static void
ngx_http_socketio_fetch_done(sio_ack_t *ack, unsigned missing)
{
    ngx_http_socketio_fetch_t  *f;

    f = ack->data;
    f->ack = NULL;

    if (missing) {
        f->partial = 1;
    }

    ngx_http_socketio_fetch_end(f);
}


void
ngx_http_socketio_fetch_asked(ngx_http_socketio_fetch_t *f)
{
    f->asking--;

    ngx_http_socketio_fetch_end(f);
}


/* Unless something is still waited for. */

static void
ngx_http_socketio_fetch_end(ngx_http_socketio_fetch_t *f)
{
    if (f->ack || f->asking) {
        return;
    }

    if (!f->raw && ngx_http_socketio_fetch_merge(f) != NGX_OK) {
        f->partial = 1;
    }

    f->done(f);
}


void
ngx_http_socketio_fetch_late(ngx_http_socketio_fetch_t *f)
{
    if (f->asking) {
        f->partial = 1;
        ngx_http_socketio_fetch_hosts_forget(f);
    }

    if (f->ack) {
        sio_ack_expire(&f->hub->fetches, &f->ack->timer);

    } else {
        ngx_http_socketio_fetch_end(f);
    }
}


/* All items, sorted, each once, up to where all pages reach. */

static ngx_int_t
ngx_http_socketio_fetch_merge(ngx_http_socketio_fetch_t *f)
{
    ngx_int_t                     rc;
    sio_str_t                     bound, answer;
    sio_wire_t                    r, inner;
    ngx_uint_t                    i, kept;
    sio_distinct_t                users;
    ngx_http_socketio_fetched_t  *item;

    sio_distinct_init(&users, &ngx_http_socketio_mem);

    bound = sio_str(NULL, 0);
    rc = NGX_OK;

    sio_wire_fields(&r, sio_buf_str(&f->answers));

    while (r.pos < r.end && rc == NGX_OK) {
        answer = sio_wire_get_str(&r);

        sio_wire_fields(&inner, answer);
        inner.error = r.error;

        rc = ngx_http_socketio_fetch_take(f, &inner, &users, &bound);
    }

    f->users = sio_distinct_count(&users);
    f->estimated |= users.dropped;
    sio_distinct_free(&users);

    if (f->n) {
        qsort(f->items, f->n, sizeof(ngx_http_socketio_fetched_t),
              ngx_http_socketio_fetch_compare);
    }

    for (i = 1, kept = ngx_min(f->n, 1); i < f->n; i++) {
        item = &f->items[kept - 1];

        if (!sio_str_eq(item->key, f->items[i].key)) {
            f->items[kept++] = f->items[i];

        } else if (f->question.type == NGX_HTTP_SOCKETIO_FETCH_ROOMS) {
            item->count += f->items[i].count;
        }

        /* a socket that is met twice is about to change its worker */
    }

    f->n = kept;
    ngx_http_socketio_fetch_cut(f, bound);

    return rc;
}


/* One answer: *bound becomes the least of the ends of pages that were cut. */

static ngx_int_t
ngx_http_socketio_fetch_take(ngx_http_socketio_fetch_t *f, sio_wire_t *r,
    sio_distinct_t *users, sio_str_t *bound)
{
    size_t      i;
    uint8_t     more;
    uint32_t    n;
    uint64_t    hash;
    sio_str_t   hashes, last;
    ngx_uint_t  first;

    more = sio_wire_get_u8(r);
    f->sockets += sio_wire_get_u64(r);
    f->estimated |= (sio_wire_get_u8(r) != 0);
    hashes = sio_wire_get_str(r);
    n = sio_wire_get_u32(r);

    for (i = 0; i + sizeof(hash) <= hashes.len; i += sizeof(hash)) {
        ngx_memcpy(&hash, hashes.data + i, sizeof(hash));

        if (sio_distinct_add(users, hash) != SIO_OK) {
            return NGX_ERROR;
        }
    }

    if (r->error || n > NGX_HTTP_SOCKETIO_FETCH_LIMIT
        || ngx_http_socketio_fetch_reserve(f, n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (first = f->n; n && !r->error; n--) {
        ngx_http_socketio_fetch_item(r, &f->items[f->n++]);
    }

    if (sio_wire_done(r) != SIO_OK) {
        f->n = first;
        return NGX_ERROR;
    }

    if (more && f->n > first) {
        last = f->items[f->n - 1].key;
        f->more = 1;

        if (bound->len == 0 || sio_page_compare(last, *bound) < 0) {
            *bound = last;
        }
    }

    return NGX_OK;
}


/* Room for n more items. */

static ngx_int_t
ngx_http_socketio_fetch_reserve(ngx_http_socketio_fetch_t *f, uint32_t n)
{
    ngx_http_socketio_fetched_t  *items;

    if (n == 0) {
        return NGX_OK;
    }

    items = sio_realloc(&ngx_http_socketio_mem, f->items,
                        f->n * sizeof(ngx_http_socketio_fetched_t),
                        (f->n + n) * sizeof(ngx_http_socketio_fetched_t));
    if (items == NULL) {
        return NGX_ERROR;
    }

    f->items = items;

    return NGX_OK;
}


static void
ngx_http_socketio_fetch_item(sio_wire_t *r, ngx_http_socketio_fetched_t *item)
{
    uint32_t  i;

    item->key = sio_wire_get_str(r);
    item->count = sio_wire_get_u64(r);
    item->nsp = sio_wire_get_str(r);
    item->user = sio_wire_get_str(r);
    item->transport = sio_wire_get_u8(r);
    item->nrooms = sio_wire_get_u32(r);
    item->rooms = *r;

    for (i = 0; i < item->nrooms && !r->error; i++) {
        (void) sio_wire_get_str(r);
    }
}


/* What is behind bound may be missing something; what is too much is cut. */

static void
ngx_http_socketio_fetch_cut(ngx_http_socketio_fetch_t *f, sio_str_t bound)
{
    if (f->n > f->question.limit) {
        f->n = f->question.limit;
        f->more = 1;
    }

    while (bound.len && f->n
           && sio_page_compare(f->items[f->n - 1].key, bound) > 0)
    {
        f->n--;
    }
}


static int
ngx_http_socketio_fetch_compare(const void *a, const void *b)
{
    const ngx_http_socketio_fetched_t  *one, *two;

    one = a;
    two = b;

    return sio_page_compare(one->key, two->key);
}
