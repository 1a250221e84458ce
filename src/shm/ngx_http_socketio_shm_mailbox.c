/*
 * Mailboxes in the store.
 *
 * A mailbox is short: a few items, a few hundred at most, which is what the
 * walks along it rely on.
 */


#include "shm/ngx_http_socketio_shm_mailbox.h"


static void ngx_http_socketio_mailbox_copy(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_http_socketio_load_t *load);
static ngx_uint_t ngx_http_socketio_mailbox_mark(
    ngx_http_socketio_item_t *item);
static ngx_uint_t ngx_http_socketio_mailbox_same(
    const ngx_http_socketio_item_t *item, const ngx_http_socketio_key_t *key);


void
ngx_http_socketio_mailbox_key(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t user, ngx_http_socketio_key_t *key)
{
    sio_str_t  names[2];

    names[0] = nsp;
    names[1] = user;

    ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_MAIL, names, 2,
                                key);
}


uint64_t
ngx_http_socketio_mailbox_tag(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t name)
{
    sio_str_t  names[2];

    names[0] = nsp;
    names[1] = name;

    return ngx_http_socketio_store_tag(zone, NGX_HTTP_SOCKETIO_STORE_MAIL,
                                       names, 2);
}


/* The new item first: if there is no room for it, the old one stays. */

ngx_int_t
ngx_http_socketio_mailbox_put(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t tag, uint64_t expires,
    ngx_uint_t max, sio_str_t image, uint64_t *id, ngx_uint_t *replaced)
{
    uint64_t                   now, last;
    ngx_int_t                  rc;
    sio_str_t                  parts[2];
    ngx_uint_t                 n, same;
    ngx_http_socketio_item_t  *item, *next;
    ngx_http_socketio_mail_t   mail;

    ngx_memzero(&mail, sizeof(ngx_http_socketio_mail_t));

    parts[0] = sio_str((u_char *) &mail, sizeof(ngx_http_socketio_mail_t));
    parts[1] = image;

    now = ngx_http_socketio_calendar();
    last = 0;
    same = 0;
    n = 0;
    *replaced = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, key, now);
         item;
         item = ngx_http_socketio_store_next(zone, item, now))
    {
        n++;

        if (tag && item->tag == tag) {
            last = item->id;
            same++;
        }
    }

    rc = NGX_DECLINED;

    if (n - same >= max) {
        goto done;
    }

    rc = NGX_ERROR;

    if (!ngx_http_socketio_store_mail(zone, parts[0].len + parts[1].len)) {
        goto done;
    }

    item = ngx_http_socketio_store_add(zone, key, tag, expires, 0, parts, 2);

    if (item == NULL) {
        goto done;
    }

    *id = item->id;
    rc = NGX_OK;

    if (same == 0) {
        goto done;
    }

    for (item = ngx_http_socketio_store_tagged(zone,
                                   NGX_HTTP_SOCKETIO_STORE_MAIL, tag, 0);
         item;
         item = next)
    {
        next = ngx_http_socketio_store_next_tagged(zone, item, 0);

        if (item->id <= last && ngx_http_socketio_mailbox_same(item, key)) {
            ngx_http_socketio_store_remove(zone, item);
            (*replaced)++;
        }
    }

done:

    ngx_http_socketio_store_unlock(zone);

    return rc;
}


static ngx_uint_t
ngx_http_socketio_mailbox_same(const ngx_http_socketio_item_t *item,
    const ngx_http_socketio_key_t *key)
{
    return ngx_memcmp(item->key, key->bytes, NGX_HTTP_SOCKETIO_KEY_LEN) == 0;
}


void
ngx_http_socketio_mailbox_load(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_load_t *load)
{
    size_t                     len;
    ngx_http_socketio_item_t  *item;

    load->used = 0;
    load->next = 0;
    load->again = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, &load->key, load->now);
         item && item->id <= load->before;
         item = ngx_http_socketio_store_next(zone, item, load->now))
    {
        if (item->id <= load->after
            || item->len < sizeof(ngx_http_socketio_mail_t))
        {
            continue;
        }

        if (item->id == load->before) {
            (void) ngx_http_socketio_mailbox_mark(item);
            break;
        }

        len = item->len - sizeof(ngx_http_socketio_mail_t);

        if (len > load->room
            || ngx_http_socketio_letter_size(len) > load->cap - load->used)
        {
            load->next = len;
            break;
        }

        load->room -= len;
        load->again += ngx_http_socketio_mailbox_mark(item);

        ngx_http_socketio_mailbox_copy(zone, item, load);
    }

    ngx_http_socketio_store_unlock(zone);
}


/* What is in front of the image is overwritten by its head. */

static void
ngx_http_socketio_mailbox_copy(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_http_socketio_load_t *load)
{
    u_char                      *p;
    ngx_http_socketio_letter_t   letter;

    letter.id = item->id;
    letter.len = item->len - sizeof(ngx_http_socketio_mail_t);
    letter.size = ngx_http_socketio_letter_size(letter.len);

    p = load->dst + load->used + sizeof(ngx_http_socketio_letter_t)
        - sizeof(ngx_http_socketio_mail_t);

    (void) ngx_http_socketio_store_read(zone, item, p, item->len);

    ngx_memcpy(load->dst + load->used, &letter,
               sizeof(ngx_http_socketio_letter_t));

    load->used += letter.size;
}


/* Returns whether it was noted before. */

static ngx_uint_t
ngx_http_socketio_mailbox_mark(ngx_http_socketio_item_t *item)
{
    ngx_uint_t                 was;
    ngx_http_socketio_mail_t  *mail;

    mail = (ngx_http_socketio_mail_t *) item->data;

    was = mail->written;
    mail->written = 1;

    return was;
}


ngx_uint_t
ngx_http_socketio_mailbox_remove(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t upto)
{
    ngx_uint_t                 n;
    ngx_http_socketio_item_t  *item;

    n = 0;

    ngx_http_socketio_store_lock(zone);

    for ( ;; ) {
        item = ngx_http_socketio_store_first(zone, key, 0);

        if (item == NULL || item->id > upto) {
            break;
        }

        ngx_http_socketio_store_remove(zone, item);
        n++;
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


ngx_uint_t
ngx_http_socketio_mailbox_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t id)
{
    ngx_uint_t                 n;
    ngx_http_socketio_item_t  *item;

    n = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, key, 0);
         item;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        if (item->id == id) {
            ngx_http_socketio_store_remove(zone, item);
            n++;
            break;
        }
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


ngx_uint_t
ngx_http_socketio_mailbox_drop(ngx_http_socketio_zone_t *zone, uint64_t tag)
{
    ngx_uint_t                 n;
    ngx_http_socketio_item_t  *item;

    n = 0;

    ngx_http_socketio_store_lock(zone);

    for ( ;; ) {
        item = ngx_http_socketio_store_tagged(zone,
                                     NGX_HTTP_SOCKETIO_STORE_MAIL, tag, 0);
        if (item == NULL) {
            break;
        }

        ngx_http_socketio_store_remove(zone, item);
        n++;
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


ngx_uint_t
ngx_http_socketio_mailbox_sweep(ngx_http_socketio_zone_t *zone, uint64_t now,
    uint32_t *cursor, ngx_uint_t blocks)
{
    ngx_uint_t                 n;
    ngx_http_socketio_item_t  *item;

    n = 0;

    ngx_http_socketio_store_lock(zone);

    for ( ;; ) {
        item = ngx_http_socketio_store_walk(zone, NGX_HTTP_SOCKETIO_STORE_MAIL,
                                            cursor, &blocks);
        if (item == NULL) {
            break;
        }

        if (item->expires && item->expires <= now) {
            ngx_http_socketio_store_remove(zone, item);
            n++;
        }
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}
