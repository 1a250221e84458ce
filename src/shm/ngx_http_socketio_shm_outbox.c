/*
 * The outbox of mailboxes.
 */


#include "shm/ngx_http_socketio_shm_outbox.h"
#include "shm/ngx_http_socketio_shm_list.h"


/* In front of a record's origins, which names follow. */

typedef struct {
    uint32_t                     type;
    uint32_t                     norigins;
    ngx_http_socketio_origin_t   origin;
    ngx_http_socketio_key_t      key;
} ngx_http_socketio_outbox_head_t;


static ngx_http_socketio_item_t *ngx_http_socketio_outbox_find(
    ngx_http_socketio_zone_t *zone,
    const uint64_t after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS]);
static ngx_int_t ngx_http_socketio_outbox_read(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *record, u_char *dst, size_t cap,
    ngx_http_socketio_post_t *post, size_t *need);


ngx_int_t
ngx_http_socketio_outbox_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_post_t *post, uint64_t expires)
{
    sio_str_t                         parts[3];
    ngx_http_socketio_key_t           key;
    ngx_http_socketio_item_t         *record;
    ngx_http_socketio_outbox_head_t   head;

    ngx_memzero(&head, sizeof(ngx_http_socketio_outbox_head_t));

    head.type = post->type;
    head.norigins = (uint32_t) post->norigins;
    head.origin = post->origin;
    head.key = post->key;

    parts[0] = sio_str((u_char *) &head,
                       sizeof(ngx_http_socketio_outbox_head_t));
    parts[1] = sio_str((u_char *) post->origins,
                       post->norigins * sizeof(ngx_http_socketio_origin_t));
    parts[2] = post->names;

    if (!ngx_http_socketio_store_mail(zone, parts[0].len + parts[1].len
                                            + parts[2].len))
    {
        return NGX_ERROR;
    }

    ngx_http_socketio_list_own(&key, NGX_HTTP_SOCKETIO_STORE_OUTBOX,
                               post->type == NGX_HTTP_SOCKETIO_POST_PUT
                               ? NGX_HTTP_SOCKETIO_OUTBOX_PUTS
                               : NGX_HTTP_SOCKETIO_OUTBOX_TAKES);

    record = ngx_http_socketio_store_add(zone, &key, 0, expires, 0, parts, 3);

    if (record == NULL) {
        return NGX_ERROR;
    }

    post->id = record->id;

    return NGX_OK;
}


/* What is in flight is in front of it. */

static ngx_http_socketio_item_t *
ngx_http_socketio_outbox_find(ngx_http_socketio_zone_t *zone,
    const uint64_t after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS])
{
    uint64_t                   now;
    ngx_uint_t                 i;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_item_t  *record, *first;

    now = ngx_http_socketio_calendar();
    first = NULL;

    for (i = 0; i < NGX_HTTP_SOCKETIO_OUTBOX_LISTS; i++) {

        if (after[i] == UINT64_MAX) {
            continue;
        }

        ngx_http_socketio_list_own(&key, NGX_HTTP_SOCKETIO_STORE_OUTBOX, i);
        record = ngx_http_socketio_store_first(zone, &key, now);

        while (record && record->id <= after[i]) {
            record = ngx_http_socketio_store_next(zone, record, now);
        }

        if (record && (first == NULL || record->id < first->id)) {
            first = record;
        }
    }

    return first;
}


ngx_int_t
ngx_http_socketio_outbox_next(ngx_http_socketio_zone_t *zone,
    const uint64_t after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS], u_char *dst,
    size_t cap, ngx_http_socketio_post_t *post, size_t *need)
{
    ngx_int_t                  rc;
    ngx_http_socketio_item_t  *record;

    ngx_http_socketio_store_lock(zone);

    do {
        rc = NGX_DONE;
        record = ngx_http_socketio_outbox_find(zone, after);

        if (record) {
            rc = ngx_http_socketio_outbox_read(zone, record, dst, cap, post,
                                               need);
            if (rc == NGX_DECLINED) {
                ngx_http_socketio_store_remove(zone, record);
            }
        }

    } while (rc == NGX_DECLINED);

    ngx_http_socketio_store_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_socketio_outbox_get(ngx_http_socketio_zone_t *zone, uint64_t id,
    u_char *dst, size_t cap, ngx_http_socketio_post_t *post, size_t *need)
{
    uint64_t   after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS] = { id - 1, id - 1 };
    ngx_int_t  rc;

    rc = ngx_http_socketio_outbox_next(zone, after, dst, cap, post, need);

    return rc == NGX_OK && post->id != id ? NGX_DONE : rc;
}


/* NGX_DECLINED: the item is gone. */

static ngx_int_t
ngx_http_socketio_outbox_read(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *record, u_char *dst, size_t cap,
    ngx_http_socketio_post_t *post, size_t *need)
{
    size_t                            len, front;
    ngx_http_socketio_item_t         *item;
    ngx_http_socketio_mail_t         *mail;
    ngx_http_socketio_outbox_head_t  *head;

    ngx_memzero(post, sizeof(ngx_http_socketio_post_t));

    head = (ngx_http_socketio_outbox_head_t *) record->data;

    post->id = record->id;
    post->type = head->type;
    post->key = head->key;
    post->origin = head->origin;
    post->norigins = head->norigins;

    len = ngx_align(record->len, 8);
    *need = len;
    item = NULL;

    if (post->type == NGX_HTTP_SOCKETIO_POST_PUT) {
        item = ngx_http_socketio_mailbox_origin(zone, &post->key,
                                                &post->origin);
        if (item == NULL) {
            return NGX_DECLINED;
        }

        *need += item->len;
    }

    if (*need > cap) {
        return NGX_AGAIN;
    }

    (void) ngx_http_socketio_store_read(zone, record, dst, cap);

    dst += sizeof(ngx_http_socketio_outbox_head_t);
    front = sizeof(ngx_http_socketio_outbox_head_t)
            + post->norigins * sizeof(ngx_http_socketio_origin_t);

    post->origins = (ngx_http_socketio_origin_t *) dst;
    post->names = sio_str(post->origins + post->norigins,
                          record->len - front);

    if (item) {
        mail = (ngx_http_socketio_mail_t *) item->data;

        dst += len - sizeof(ngx_http_socketio_outbox_head_t);

        (void) ngx_http_socketio_store_read(zone, item, dst, cap - len);

        post->image = sio_str(dst + ngx_http_socketio_mail_head(item),
                              item->len - ngx_http_socketio_mail_head(item));
        post->expires = item->expires;
        post->written = mail->written;
    }

    return NGX_OK;
}


void
ngx_http_socketio_outbox_done(ngx_http_socketio_zone_t *zone, uint64_t id,
    ngx_uint_t keep)
{
    uint64_t after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS] = { id - 1, id - 1 };

    ngx_http_socketio_item_t         *record;
    ngx_http_socketio_outbox_head_t  *head;

    ngx_http_socketio_store_lock(zone);

    record = ngx_http_socketio_outbox_find(zone, after);

    if (record && record->id == id) {
        head = (ngx_http_socketio_outbox_head_t *) record->data;

        if (head->type == NGX_HTTP_SOCKETIO_POST_PUT) {
            ngx_http_socketio_mailbox_confirm(zone, &head->key, &head->origin,
                                              keep);
        }

        ngx_http_socketio_store_remove(zone, record);
    }

    ngx_http_socketio_store_unlock(zone);
}


uint64_t
ngx_http_socketio_outbox_last(ngx_http_socketio_zone_t *zone)
{
    return *(volatile uint64_t *) &zone->item_id;
}
