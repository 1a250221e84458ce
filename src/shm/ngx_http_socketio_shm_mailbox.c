/*
 * Mailboxes in the store.
 *
 * A mailbox is short: a few items, a few hundred at most, which is what the
 * walks along it rely on.
 */


#include "shm/ngx_http_socketio_shm_mailbox.h"
#include "shm/ngx_http_socketio_shm_outbox.h"


#define NGX_HTTP_SOCKETIO_MAIL_SLICE  100    /* items under one lock */


static ngx_http_socketio_item_t *ngx_http_socketio_mailbox_add(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_put_t *put);
static void ngx_http_socketio_mailbox_letter(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_http_socketio_load_t *load);
static ngx_uint_t ngx_http_socketio_mailbox_slice(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    uint64_t from, uint64_t upto, sio_str_t names);
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
    ngx_http_socketio_put_t *put)
{
    uint64_t                   now, last;
    ngx_int_t                  rc;
    ngx_uint_t                 n, same;
    ngx_http_socketio_item_t  *item, *next;
    ngx_http_socketio_mail_t  *mail;

    now = ngx_http_socketio_calendar();
    last = 0;
    same = 0;
    n = 0;
    put->replaced = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, &put->key, now);
         item;
         item = ngx_http_socketio_store_next(zone, item, now))
    {
        mail = (ngx_http_socketio_mail_t *) item->data;

        if (mail->gone) {
            continue;
        }

        n++;

        if (put->tag && item->tag == put->tag) {
            last = item->id;
            same++;
        }
    }

    rc = NGX_DECLINED;

    if (n - same >= put->max) {
        goto done;
    }

    rc = NGX_ERROR;
    item = ngx_http_socketio_mailbox_add(zone, put);

    if (item == NULL) {
        goto done;
    }

    put->id = item->id;
    rc = NGX_OK;

    if (same == 0) {
        goto done;
    }

    for (item = ngx_http_socketio_store_tagged(zone,
                                   NGX_HTTP_SOCKETIO_STORE_MAIL, put->tag, 0);
         item;
         item = next)
    {
        next = ngx_http_socketio_store_next_tagged(zone, item, 0);

        if (item->id <= last
            && ngx_http_socketio_mailbox_same(item, &put->key))
        {
            ngx_http_socketio_store_remove(zone, item);
            put->replaced++;
        }
    }

done:

    ngx_http_socketio_store_unlock(zone);

    return rc;
}


/* The item, and what its home is to be told.  NULL: no room for both. */

static ngx_http_socketio_item_t *
ngx_http_socketio_mailbox_add(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_put_t *put)
{
    sio_str_t                  parts[2];
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_mail_t   mail;
    ngx_http_socketio_post_t   post;

    ngx_memzero(&mail, sizeof(ngx_http_socketio_mail_t));

    parts[0] = sio_str((u_char *) &mail,
                       offsetof(ngx_http_socketio_mail_t, origin));
    parts[1] = put->image;

    if (put->host) {
        parts[0].len = sizeof(ngx_http_socketio_mail_t);
        mail.home = NGX_HTTP_SOCKETIO_HOME_NEW;
        mail.origin.host = put->host;
        mail.origin.id = zone->item_id + 1;
    }

    if (!ngx_http_socketio_store_mail(zone, parts[0].len + parts[1].len)) {
        return NULL;
    }

    item = ngx_http_socketio_store_add(zone, &put->key, put->tag, put->expires,
                                       0, parts, 2);

    if (item == NULL || put->host == 0) {
        return item;
    }

    ngx_memzero(&post, sizeof(ngx_http_socketio_post_t));

    post.type = NGX_HTTP_SOCKETIO_POST_PUT;
    post.key = put->key;
    post.origin = mail.origin;
    post.names = put->names;

    if (ngx_http_socketio_outbox_add(zone, &post, put->expires) != NGX_OK) {
        ngx_http_socketio_store_remove(zone, item);
        return NULL;
    }

    return item;
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
    ngx_http_socketio_mail_t  *mail;

    load->used = 0;
    load->next = 0;
    load->again = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, &load->key, load->now);
         item && item->id <= load->before;
         item = ngx_http_socketio_store_next(zone, item, load->now))
    {
        mail = (ngx_http_socketio_mail_t *) item->data;

        if (item->id <= load->after || mail->gone
            || item->len < ngx_http_socketio_mail_head(item))
        {
            continue;
        }

        if (item->id == load->before) {
            (void) ngx_http_socketio_mailbox_mark(item);
            break;
        }

        len = item->len - ngx_http_socketio_mail_head(item);

        if (len > load->room
            || ngx_http_socketio_letter_size(len) > load->cap - load->used)
        {
            load->next = len;
            break;
        }

        load->room -= len;
        load->again += ngx_http_socketio_mailbox_mark(item);

        ngx_http_socketio_mailbox_letter(zone, item, load);
    }

    ngx_http_socketio_store_unlock(zone);
}


/* What is in front of the image is overwritten by its head. */

static void
ngx_http_socketio_mailbox_letter(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_http_socketio_load_t *load)
{
    size_t                       head;
    u_char                      *p;
    ngx_http_socketio_letter_t   letter;

    head = ngx_http_socketio_mail_head(item);

    letter.id = item->id;
    letter.len = item->len - head;
    letter.size = ngx_http_socketio_letter_size(letter.len);

    letter.reserved = 0;

    p = load->dst + load->used + sizeof(ngx_http_socketio_letter_t) - head;

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
    const ngx_http_socketio_key_t *key, uint64_t upto, sio_str_t names)
{
    ngx_uint_t  n, all;

    all = 0;

    do {
        n = ngx_http_socketio_mailbox_slice(zone, key, 0, upto, names);
        all += n;

    } while (n == NGX_HTTP_SOCKETIO_MAIL_SLICE);

    return all;
}


ngx_uint_t
ngx_http_socketio_mailbox_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t id, sio_str_t names)
{
    return ngx_http_socketio_mailbox_slice(zone, key, id, id, names);
}


/*
 * Remove some items of ids in between.  The home is told of those it has, or
 * will have: if there is no room to say so, it has them longer.
 */
static ngx_uint_t
ngx_http_socketio_mailbox_slice(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t from, uint64_t upto,
    sio_str_t names)
{
    uint64_t                     expires;
    ngx_uint_t                   n;
    ngx_http_socketio_item_t    *item, *next;
    ngx_http_socketio_mail_t    *mail;
    ngx_http_socketio_post_t     post;
    ngx_http_socketio_origin_t   origins[NGX_HTTP_SOCKETIO_MAIL_SLICE];

    ngx_memzero(&post, sizeof(ngx_http_socketio_post_t));

    post.type = NGX_HTTP_SOCKETIO_POST_REMOVE;
    post.key = *key;
    post.names = names;
    post.origins = origins;

    expires = 0;
    n = 0;

    ngx_http_socketio_store_lock(zone);

    for (item = ngx_http_socketio_store_first(zone, key, 0);
         item && item->id <= upto && n < NGX_HTTP_SOCKETIO_MAIL_SLICE;
         item = next)
    {
        next = ngx_http_socketio_store_next(zone, item, 0);

        mail = (ngx_http_socketio_mail_t *) item->data;

        if (item->id < from || mail->gone) {
            continue;
        }

        if (mail->home != NGX_HTTP_SOCKETIO_HOME_NONE && names.len) {
            origins[post.norigins++] = mail->origin;
            expires = ngx_max(expires, item->expires);
        }

        n++;

        if (mail->home == NGX_HTTP_SOCKETIO_HOME_NEW && zone->mail_up) {
            mail->gone = 1;
            continue;
        }

        ngx_http_socketio_store_remove(zone, item);
    }

    if (post.norigins) {
        (void) ngx_http_socketio_outbox_add(zone, &post, expires);
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


ngx_uint_t
ngx_http_socketio_mailbox_drop(ngx_http_socketio_zone_t *zone, uint64_t tag,
    ngx_uint_t kept, uint64_t *upto)
{
    ngx_uint_t                 n, looked;
    ngx_http_socketio_item_t  *item, *next;
    ngx_http_socketio_mail_t  *mail;

    n = 0;
    looked = 0;

    ngx_http_socketio_store_lock(zone);

    if (*upto == 0) {
        *upto = zone->item_id;
    }

    for (item = ngx_http_socketio_store_tagged(zone,
                                       NGX_HTTP_SOCKETIO_STORE_MAIL, tag, 0);
         item && looked < NGX_HTTP_SOCKETIO_MAIL_SLICE;
         item = next)
    {
        next = ngx_http_socketio_store_next_tagged(zone, item, 0);
        mail = (ngx_http_socketio_mail_t *) item->data;

        if (item->id > *upto
            || (kept && mail->home != NGX_HTTP_SOCKETIO_HOME_KEPT))
        {
            continue;
        }

        ngx_http_socketio_store_remove(zone, item);
        looked++;
        n++;
    }

    if (item == NULL) {
        *upto = 0;
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


/* A copy that ends is no loss. */

ngx_uint_t
ngx_http_socketio_mailbox_sweep(ngx_http_socketio_zone_t *zone, uint64_t now,
    uint32_t *cursor, ngx_uint_t blocks)
{
    ngx_uint_t                 n;
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_mail_t  *mail;

    n = 0;

    ngx_http_socketio_store_lock(zone);

    for ( ;; ) {
        item = ngx_http_socketio_store_walk(zone, NGX_HTTP_SOCKETIO_STORE_MAIL,
                                            cursor, &blocks);
        if (item == NULL) {
            break;
        }

        if (item->expires && item->expires <= now) {
            mail = (ngx_http_socketio_mail_t *) item->data;
            n += (mail->home != NGX_HTTP_SOCKETIO_HOME_KEPT);

            ngx_http_socketio_store_remove(zone, item);
        }
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


ngx_http_socketio_item_t *
ngx_http_socketio_mailbox_origin(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origin)
{
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_mail_t  *mail;

    for (item = ngx_http_socketio_store_first(zone, key, 0);
         item;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        mail = (ngx_http_socketio_mail_t *) item->data;

        if (mail->home != NGX_HTTP_SOCKETIO_HOME_NONE
            && mail->origin.host == origin->host
            && mail->origin.id == origin->id)
        {
            return item;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_socketio_mailbox_copy(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_copy_t *copy)
{
    uint64_t                   expires;
    ngx_int_t                  rc;
    sio_str_t                  parts[2];
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_mail_t  *mail, head;

    ngx_memzero(&head, sizeof(ngx_http_socketio_mail_t));

    head.written = copy->written ? 1 : 0;
    head.home = NGX_HTTP_SOCKETIO_HOME_KEPT;
    head.stamp = copy->stamp;
    head.origin = copy->origin;

    parts[0] = sio_str((u_char *) &head, sizeof(ngx_http_socketio_mail_t));
    parts[1] = copy->image;

    expires = ngx_http_socketio_calendar() + NGX_HTTP_SOCKETIO_MAIL_COPY;
    expires = ngx_min(expires, copy->expires);

    ngx_http_socketio_store_lock(zone);

    item = ngx_http_socketio_mailbox_origin(zone, &copy->key, &copy->origin);

    if (item) {
        rc = NGX_DECLINED;
        mail = (ngx_http_socketio_mail_t *) item->data;
        mail->stamp = copy->stamp;

        if (copy->behind && !mail->written) {
            ngx_http_socketio_store_renew(zone, item);
        }

    } else {
        rc = NGX_ERROR;

        if (ngx_http_socketio_store_mail(zone, parts[0].len + parts[1].len)) {
            item = ngx_http_socketio_store_add(zone, &copy->key, copy->tag,
                                               expires, 0, parts, 2);
        }

        if (item) {
            rc = NGX_OK;
            copy->behind = 1;
        }
    }

    if (item) {
        copy->id = item->id;
    }

    ngx_http_socketio_store_unlock(zone);

    return rc;
}


void
ngx_http_socketio_mailbox_settled(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_copy_t *copy, ngx_uint_t whole)
{
    uint64_t                   last;
    ngx_http_socketio_item_t  *item, *next;
    ngx_http_socketio_mail_t  *mail;

    ngx_http_socketio_store_lock(zone);

    last = zone->item_id;

    for (item = ngx_http_socketio_store_first(zone, &copy->key, 0);
         item && item->id <= last;
         item = next)
    {
        next = ngx_http_socketio_store_next(zone, item, 0);
        mail = (ngx_http_socketio_mail_t *) item->data;

        if (mail->home == NGX_HTTP_SOCKETIO_HOME_KEPT) {

            if (whole && mail->stamp != copy->stamp) {
                ngx_http_socketio_store_remove(zone, item);
            }

        } else if (copy->behind && !mail->written) {
            ngx_http_socketio_store_renew(zone, item);
        }
    }

    ngx_http_socketio_store_unlock(zone);
}


void
ngx_http_socketio_mailbox_confirm(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origin, ngx_uint_t keep)
{
    uint64_t                   expires;
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_mail_t  *mail;

    item = ngx_http_socketio_mailbox_origin(zone, key, origin);

    if (item == NULL) {
        return;
    }

    mail = (ngx_http_socketio_mail_t *) item->data;

    if (!keep || mail->gone) {
        ngx_http_socketio_store_remove(zone, item);
        return;
    }

    mail->home = NGX_HTTP_SOCKETIO_HOME_KEPT;

    expires = ngx_http_socketio_calendar() + NGX_HTTP_SOCKETIO_MAIL_COPY;

    if (item->expires > expires) {
        ngx_http_socketio_store_expire(zone, item, expires);
    }
}


void
ngx_http_socketio_mailbox_arrived(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origins, ngx_uint_t n)
{
    ngx_uint_t                 i;
    ngx_http_socketio_item_t  *item;

    ngx_http_socketio_store_lock(zone);

    for (i = 0; i < n; i++) {
        item = ngx_http_socketio_mailbox_origin(zone, key, &origins[i]);

        if (item && ((ngx_http_socketio_mail_t *) item->data)->gone) {
            ngx_http_socketio_store_remove(zone, item);
        }
    }

    ngx_http_socketio_store_unlock(zone);
}
