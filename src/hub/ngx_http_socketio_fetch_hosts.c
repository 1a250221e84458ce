/*
 * Fetch over hosts: questions, and the pages of hosts of our kind.
 */


#include "hub/ngx_http_socketio_fetch_hosts.h"
#include "hub/ngx_http_socketio_fetch_answer.h"
#include "hub/ngx_http_socketio_fetch_foreign.h"
#include "shm/ngx_http_socketio_shm_peer.h"
#include "codec/sio_base64.h"


/* Who answered what. */

typedef struct {
    ngx_http_socketio_ask_t  *ask;
    uint64_t                  host;
} ngx_http_socketio_heard_t;


static void ngx_http_socketio_page_ask(ngx_http_socketio_fetch_t *f,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp);
static ngx_int_t ngx_http_socketio_page_write(
    const ngx_http_socketio_question_t *q, sio_buf_t *page);
static void ngx_http_socketio_page_heard(ngx_http_socketio_ask_t *ask,
    const sio_response_t *r);
static ngx_int_t ngx_http_socketio_page_take(ngx_http_socketio_ask_t *ask,
    sio_str_t page);
static void ngx_http_socketio_page_done(ngx_http_socketio_ask_t *ask);
static void ngx_http_socketio_page_mute(ngx_http_socketio_ask_t *ask);
static ngx_uint_t ngx_http_socketio_page_has(const sio_buf_t *list,
    const void *entry, size_t len);
static ngx_int_t ngx_http_socketio_page_decode(sio_buf_t *buf,
    sio_str_t page);


void
ngx_http_socketio_fetch_hosts(ngx_http_socketio_fetch_t *f)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t  **nsp;

    app = f->hub->conf;
    nsp = app->namespaces.elts;

    f->nasks = f->question.nsp.len ? 1 : app->namespaces.nelts;
    f->asks = sio_calloc(&ngx_http_socketio_mem,
                         f->nasks * sizeof(ngx_http_socketio_ask_t));

    if (f->asks == NULL) {
        f->nasks = 0;
        f->partial = 1;
        f->away = 1;
        return;
    }

    if (f->question.nsp.len) {
        ngx_http_socketio_page_ask(f, &f->asks[0], f->question.nsp);
        return;
    }

    for (i = 0; i < f->nasks; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_page_ask(f, &f->asks[i], nsp[i]->name);
        }
    }
}


static void
ngx_http_socketio_page_ask(ngx_http_socketio_fetch_t *f,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp)
{
    uint8_t                       room[SIO_ROOM_MAX];
    sio_buf_t                     page;
    sio_str_t                     name;
    ngx_int_t                     rc;
    sio_request_t                 r;
    ngx_http_socketio_question_t  q;

    q = f->question;
    q.nsp = nsp;

    name = q.type == NGX_HTTP_SOCKETIO_FETCH_USER
           ? sio_user_room(q.name, room) : q.name;

    ngx_memzero(&r, sizeof(sio_request_t));

    r.type = SIO_REQUEST_FETCH;
    r.broadcast.opts.rooms = &name;
    r.broadcast.opts.nrooms = (q.type != NGX_HTTP_SOCKETIO_FETCH_ROOMS);

    ask->hub = f->hub;
    ask->heard = ngx_http_socketio_page_heard;
    ask->done = ngx_http_socketio_page_done;
    ask->data = f;

    sio_buf_init(&page, &ngx_http_socketio_mem, SIZE_MAX);

    rc = ngx_http_socketio_page_write(&q, &page);

    if (rc == NGX_OK) {
        r.page = sio_buf_str(&page);
        rc = f->hub->cluster->ask(f->hub, ask, nsp, &r,
                                  NGX_HTTP_SOCKETIO_FETCH_HOSTS);
    }

    sio_buf_free(&page);

    if (rc == NGX_OK) {
        f->asking++;

    } else {
        f->partial = 1;
        f->away = 1;
    }
}


static ngx_int_t
ngx_http_socketio_page_write(const ngx_http_socketio_question_t *q,
    sio_buf_t *page)
{
    ngx_int_t          rc;
    sio_buf_t          buf;
    sio_wire_writer_t  w;

    sio_buf_init(&buf, &ngx_http_socketio_mem, SIZE_MAX);

    sio_wire_begin(&w, &buf, NGX_HTTP_SOCKETIO_RECORD_FETCH);
    ngx_http_socketio_question_put(&w, q);

    rc = sio_wire_end(&w) == SIO_OK
         && sio_base64_append(page, sio_buf_str(&buf)) == SIO_OK
         ? NGX_OK : NGX_ERROR;

    sio_buf_free(&buf);

    return rc;
}


ngx_int_t
ngx_http_socketio_page_question(sio_buf_t *buf, sio_str_t page, sio_str_t nsp,
    ngx_http_socketio_question_t *q)
{
    uint8_t     type;
    sio_wire_t  r;

    if (ngx_http_socketio_page_decode(buf, page) != NGX_OK
        || sio_wire_open(&r, buf->data, buf->len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_RECORD_FETCH
        || ngx_http_socketio_question_get(&r, q) != NGX_OK
        || !sio_str_eq(q->nsp, nsp))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_page_answer(sio_buf_t *buf,
    const ngx_http_socketio_fetch_t *f)
{
    ngx_int_t          rc;
    sio_buf_t          bytes;
    sio_wire_writer_t  w;

    sio_buf_init(&bytes, &ngx_http_socketio_mem, SIZE_MAX);

    sio_wire_begin(&w, &bytes, NGX_HTTP_SOCKETIO_RECORD_FETCHED);
    sio_wire_put_u8(&w, f->partial);
    sio_wire_put_str(&w, sio_buf_str(&f->answers));
    sio_wire_put_u64(&w, ngx_http_socketio_peer_self(f->hub->zone));

    rc = sio_wire_end(&w) == SIO_OK
         && sio_base64_append(buf, sio_buf_str(&bytes)) == SIO_OK
         ? NGX_OK : NGX_ERROR;

    sio_buf_free(&bytes);

    return rc;
}


static void
ngx_http_socketio_page_heard(ngx_http_socketio_ask_t *ask,
    const sio_response_t *r)
{
    ngx_int_t                        rc;
    sio_str_t                        asked;
    ngx_http_socketio_fetch_t       *f;
    ngx_http_socketio_namespace_t  **nsp;

    f = ask->data;

    if (r->page.len) {
        rc = ngx_http_socketio_page_take(ask, r->page);

    } else {
        nsp = f->hub->conf->namespaces.elts;
        asked = f->question.nsp.len ? f->question.nsp
                                    : nsp[ask - f->asks]->name;

        rc = ngx_http_socketio_fetch_foreign(f, asked, r->sockets);
    }

    if (rc != NGX_OK) {
        f->partial = 1;
    }
}


/* The answers of a host of our kind. */

static ngx_int_t
ngx_http_socketio_page_take(ngx_http_socketio_ask_t *ask, sio_str_t page)
{
    uint8_t                     type;
    sio_buf_t                   buf;
    sio_str_t                   answers, answer;
    ngx_int_t                   rc;
    sio_wire_t                  r, each;
    ngx_http_socketio_fetch_t  *f;
    ngx_http_socketio_heard_t   heard;

    f = ask->data;

    sio_buf_init(&buf, &ngx_http_socketio_mem, SIZE_MAX);

    rc = NGX_ERROR;

    if (ngx_http_socketio_page_decode(&buf, page) != NGX_OK
        || sio_wire_open(&r, buf.data, buf.len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_RECORD_FETCHED)
    {
        goto done;
    }

    f->partial |= (sio_wire_get_u8(&r) != 0);
    answers = sio_wire_get_str(&r);

    ngx_memzero(&heard, sizeof(ngx_http_socketio_heard_t));

    heard.ask = ask;
    heard.host = sio_wire_get_u64(&r);

    if (sio_wire_done(&r) != SIO_OK) {
        goto done;
    }

    rc = sio_buf_append(&f->heard, &heard, sizeof(ngx_http_socketio_heard_t))
         == SIO_OK ? NGX_OK : NGX_ERROR;

    sio_wire_fields(&each, answers);

    while (each.pos < each.end && !each.error) {
        answer = sio_wire_get_str(&each);

        if (!each.error) {
            ngx_http_socketio_fetch_add(f, answer);
        }
    }

done:

    sio_buf_free(&buf);

    return rc;
}


static void
ngx_http_socketio_page_done(ngx_http_socketio_ask_t *ask)
{
    ngx_http_socketio_fetch_t  *f;

    f = ask->data;

    if (ask->silent) {
        f->partial = 1;
        f->silent = ngx_max(f->silent, ask->silent);
        ngx_http_socketio_page_mute(ask);
    }

    ngx_http_socketio_fetch_asked(f);
}


/* The nginx hosts that are known and did not answer. */

static void
ngx_http_socketio_page_mute(ngx_http_socketio_ask_t *ask)
{
    ngx_uint_t                  n;
    ngx_http_socketio_peer_t   *peer;
    ngx_http_socketio_fetch_t  *f;
    ngx_http_socketio_heard_t   heard;

    f = ask->data;

    ngx_memzero(&heard, sizeof(ngx_http_socketio_heard_t));

    heard.ask = ask;

    for (n = 0; n < f->hub->zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(f->hub->zone, n);
        heard.host = peer->host;

        if (heard.host
            && !ngx_http_socketio_page_has(&f->heard, &heard, sizeof(heard))
            && !ngx_http_socketio_page_has(&f->mute, &heard.host,
                                           sizeof(uint64_t)))
        {
            (void) sio_buf_append(&f->mute, &heard.host, sizeof(uint64_t));
        }
    }
}


static ngx_uint_t
ngx_http_socketio_page_has(const sio_buf_t *list, const void *entry,
    size_t len)
{
    size_t  i;

    for (i = 0; i < list->len && ngx_memcmp(list->data + i, entry, len) != 0;
         i += len)
    {
        /* void */
    }

    return i < list->len;
}


void
ngx_http_socketio_fetch_hosts_forget(ngx_http_socketio_fetch_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < f->nasks; i++) {
        if (f->asks[i].waiting) {
            f->hub->cluster->forget(f->hub, &f->asks[i]);
        }
    }

    sio_free(&ngx_http_socketio_mem, f->asks);

    f->asks = NULL;
    f->nasks = 0;
    f->asking = 0;
}


static ngx_int_t
ngx_http_socketio_page_decode(sio_buf_t *buf, sio_str_t page)
{
    size_t  len;

    if (sio_buf_reserve(buf, sio_base64_decoded_max(page.len)) != SIO_OK
        || sio_base64_decode(buf->data, &len, page.data, page.len) != SIO_OK)
    {
        return NGX_ERROR;
    }

    buf->len = len;

    return NGX_OK;
}
