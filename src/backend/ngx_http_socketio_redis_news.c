/*
 * News of mailboxes.
 *
 * Numbers have no gaps: one that is missing was missed.  While it is asked
 * what was, news are kept, so that none is handed out before its time.
 */


#include "backend/ngx_http_socketio_redis_news.h"
#include "codec/eio_packet.h"
#include "codec/sio_packet.h"
#include "codec/sio_utf8.h"


#define NGX_HTTP_SOCKETIO_NEWS_SILENT  5000      /* msec */
#define NGX_HTTP_SOCKETIO_NEWS_PAGE    500       /* mailboxes in an answer */


static void ngx_http_socketio_redis_news_ready(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_news_lost(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_news_reply(
    ngx_http_socketio_redis_t *redis, redisReply *reply);
static void ngx_http_socketio_redis_news_hear(
    ngx_http_socketio_redis_mail_t *mail, sio_str_t message);
static ngx_int_t ngx_http_socketio_redis_news_head(sio_str_t *message,
    uint64_t *epoch, uint64_t *sequence);
static void ngx_http_socketio_redis_news_keep(
    ngx_http_socketio_redis_mail_t *mail, sio_str_t message);
static void ngx_http_socketio_redis_news_forget(
    ngx_http_socketio_redis_mail_t *mail);
static void ngx_http_socketio_redis_news_tell(
    ngx_http_socketio_redis_mail_t *mail, sio_str_t bytes, uint64_t sequence);
static ngx_int_t ngx_http_socketio_redis_news_event(
    const ngx_http_socketio_item_in_t *item);
static void ngx_http_socketio_redis_news_missed(redisAsyncContext *ac,
    void *r, void *data);
static void ngx_http_socketio_redis_news_live(
    ngx_http_socketio_redis_mail_t *mail, uint64_t sequence);


void
ngx_http_socketio_redis_news_start(ngx_http_socketio_redis_mail_t *mail)
{
    ngx_memzero(&mail->subscriber, sizeof(ngx_http_socketio_redis_t));

    mail->subscriber.conf = mail->conf;
    mail->subscriber.role = "mail subscriber";
    mail->subscriber.log = mail->hub->log;
    mail->subscriber.data = mail;
    mail->subscriber.ready = ngx_http_socketio_redis_news_ready;
    mail->subscriber.lost = ngx_http_socketio_redis_news_lost;
    mail->subscriber.heard = ngx_http_socketio_redis_news_reply;

    ngx_http_socketio_redis_start(&mail->subscriber);
}


void
ngx_http_socketio_redis_news_stop(ngx_http_socketio_redis_mail_t *mail)
{
    ngx_http_socketio_redis_stop(&mail->subscriber);

    mail->subscribed = 0;
    ngx_http_socketio_redis_news_wait(mail);
    ngx_http_socketio_redis_news_forget(mail);
}


void
ngx_http_socketio_redis_news_wait(ngx_http_socketio_redis_mail_t *mail)
{
    mail->live = 0;
    mail->asking = 0;
}


static void
ngx_http_socketio_redis_news_ready(ngx_http_socketio_redis_t *redis)
{
    sio_str_t                        words[3];
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;
    mail->heard = ngx_current_msec;

    words[0] = sio_cstr("SUBSCRIBE");
    words[1] = sio_buf_str(&mail->own);
    words[2] = sio_buf_str(&mail->news);

    (void) ngx_http_socketio_redis_listen(redis, words, 3);
}


static void
ngx_http_socketio_redis_news_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;

    mail->subscribed = 0;
    mail->live = 0;

    ngx_http_socketio_redis_news_forget(mail);
}


void
ngx_http_socketio_redis_news_tick(ngx_http_socketio_redis_mail_t *mail)
{
    if (mail->subscriber.up && mail->command.up
        && ngx_current_msec - mail->heard > NGX_HTTP_SOCKETIO_NEWS_SILENT)
    {
        ngx_http_socketio_redis_restart(&mail->subscriber, "silent");
        return;
    }

    if (!mail->live) {
        ngx_http_socketio_redis_news_since(mail);
    }
}


/* "subscribe", channel, n; "message", channel, bytes */

static void
ngx_http_socketio_redis_news_reply(ngx_http_socketio_redis_t *redis,
    redisReply *reply)
{
    sio_str_t                        kind, channel;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_socketio_redis_restart(redis, "it refuses the subscription");
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    kind = sio_str(reply->element[0]->str, reply->element[0]->len);
    channel = sio_str(reply->element[1]->str, reply->element[1]->len);

    if (sio_str_eq(channel, sio_buf_str(&mail->own))) {
        mail->heard = ngx_current_msec;
        return;
    }

    if (sio_str_eq(kind, sio_cstr("subscribe"))) {
        mail->subscribed = 1;
        ngx_http_socketio_redis_news_since(mail);
        return;
    }

    if (reply->element[2]->type == REDIS_REPLY_STRING) {
        ngx_http_socketio_redis_news_hear(mail,
                                          sio_str(reply->element[2]->str,
                                                  reply->element[2]->len));
    }
}


/* "EPOCH SEQ " is cut off. */

static ngx_int_t
ngx_http_socketio_redis_news_head(sio_str_t *message, uint64_t *epoch,
    uint64_t *sequence)
{
    size_t      len;
    ngx_int_t   n;
    ngx_uint_t  i;
    uint64_t   *numbers[2];

    numbers[0] = epoch;
    numbers[1] = sequence;

    for (i = 0; i < 2; i++) {

        for (len = 0; len < message->len && message->data[len] != ' '; len++)
        { /* void */ }

        n = ngx_atoi((u_char *) message->data, len);

        if (n == NGX_ERROR || len == message->len) {
            return NGX_ERROR;
        }

        *numbers[i] = (uint64_t) n;
        *message = sio_str(message->data + len + 1, message->len - len - 1);
    }

    return NGX_OK;
}


static void
ngx_http_socketio_redis_news_hear(ngx_http_socketio_redis_mail_t *mail,
    sio_str_t message)
{
    uint64_t   epoch, sequence;
    sio_str_t  bytes;

    bytes = message;

    if (ngx_http_socketio_redis_news_head(&bytes, &epoch, &sequence)
        != NGX_OK)
    {
        ngx_http_socketio_stat(mail->hub,
                               NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
        return;
    }

    if (mail->live && epoch == mail->epoch
        && sequence <= mail->hub->zone->mail_seen)
    {
        return;
    }

    if (mail->live && epoch == mail->epoch
        && sequence == mail->hub->zone->mail_seen + 1)
    {
        ngx_http_socketio_redis_news_tell(mail, bytes, sequence);
        ngx_http_socketio_mailer_heard(mail->hub, sequence);
        return;
    }

    ngx_http_socketio_redis_news_keep(mail, message);
    mail->live = 0;

    ngx_http_socketio_redis_news_since(mail);
}


static void
ngx_http_socketio_redis_news_keep(ngx_http_socketio_redis_mail_t *mail,
    sio_str_t message)
{
    sio_str_t  empty;

    empty = sio_str(NULL, 0);

    if (!mail->lost
        && ngx_http_socketio_backlog_add(&mail->backlog, empty, empty, message,
                                         mail->hub->log)
           != NGX_OK)
    {
        mail->lost = 1;
    }
}


static void
ngx_http_socketio_redis_news_forget(ngx_http_socketio_redis_mail_t *mail)
{
    ngx_http_socketio_kept_t  *kept;

    while ((kept = ngx_http_socketio_backlog_take(&mail->backlog)) != NULL) {
        ngx_free(kept);
    }

    mail->lost = 0;
}


static void
ngx_http_socketio_redis_news_tell(ngx_http_socketio_redis_mail_t *mail,
    sio_str_t bytes, uint64_t sequence)
{
    uint8_t                      type;
    uint64_t                     host;
    sio_str_t                    nsp, key;
    sio_wire_t                   r;
    ngx_http_socketio_item_in_t  item;

    if (ngx_http_socketio_redis_news_item(bytes, &item) == NGX_OK) {
        item.expires = ngx_http_socketio_redis_time_from(mail, item.expires);
        ngx_http_socketio_mailer_put(mail->hub, &item, sequence);
        return;
    }

    if (sio_wire_open(&r, bytes.data, bytes.len, &type) == SIO_OK
        && type == NGX_HTTP_SOCKETIO_NEWS_DROP)
    {
        host = sio_wire_get_u64(&r);
        nsp = sio_wire_get_str(&r);
        key = sio_wire_get_str(&r);

        if (sio_wire_done(&r) == SIO_OK) {

            if (host != ngx_http_socketio_mailer_host(mail->hub)) {
                ngx_http_socketio_mailer_dropped(mail->hub, nsp, key);
            }

            return;
        }
    }

    ngx_http_socketio_stat(mail->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
}


ngx_int_t
ngx_http_socketio_redis_news_item(sio_str_t bytes,
    ngx_http_socketio_item_in_t *item)
{
    uint8_t     type;
    sio_wire_t  r;

    if (sio_wire_open(&r, bytes.data, bytes.len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_NEWS_PUT)
    {
        return NGX_ERROR;
    }

    item->origin.host = sio_wire_get_u64(&r);
    item->origin.id = sio_wire_get_u64(&r);
    item->nsp = sio_wire_get_str(&r);
    item->user = sio_wire_get_str(&r);
    item->key = sio_wire_get_str(&r);
    item->expires = sio_wire_get_u64(&r);
    item->image = sio_wire_get_str(&r);
    item->written = 0;

    if (sio_wire_done(&r) != SIO_OK) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_redis_news_event(item);
}


/*
 * Whether the image is an event of the item's namespace.  What a client can't
 * parse would close its connection before it proved that it has the item, and
 * come again with the next one, for ever.  Bounds in size are the sender's.
 */
static ngx_int_t
ngx_http_socketio_redis_news_event(const ngx_http_socketio_item_in_t *item)
{
    ngx_int_t                         rc;
    sio_str_t                         text;
    eio_msg_t                        *msg;
    sio_packet_t                      pkt;

    static const sio_packet_limits_t  limits = {
        .json = { .max_depth = SIO_JSON_DEPTH_MAX, .max_keys = UINT32_MAX },
        .max_attachments = SIO_ATTACHMENTS,
        .max_nsp = SIZE_MAX
    };

    msg = eio_msg_from_image(&ngx_http_socketio_mem, item->image);
    if (msg == NULL) {
        return NGX_ERROR;
    }

    text = eio_msg_text(msg);
    rc = NGX_ERROR;

    if (text.len > 1 && text.data[0] == '0' + EIO_MESSAGE
        && sio_utf8_valid(text.data, text.len) == SIO_OK
        && sio_packet_decode(sio_str(text.data + 1, text.len - 1), &limits,
                             &pkt)
           == SIO_OK
        && (pkt.type == SIO_EVENT || pkt.type == SIO_BINARY_EVENT)
        && pkt.attachments + 1 == msg->packets
        && sio_str_eq(pkt.nsp, item->nsp))
    {
        rc = NGX_OK;
    }

    eio_msg_unref(&ngx_http_socketio_mem, msg);

    return rc;
}


ngx_int_t
ngx_http_socketio_redis_news_state(ngx_http_socketio_redis_mail_t *mail,
    const redisReply *reply)
{
    ngx_int_t                  epoch;
    ngx_http_socketio_zone_t  *zone;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return NGX_ERROR;
    }

    epoch = ngx_atoi((u_char *) reply->element[0]->str,
                     reply->element[0]->len);

    if (epoch == NGX_ERROR) {
        return NGX_ERROR;
    }

    zone = mail->hub->zone;

    if (zone->mail_epoch == 0) {
        zone->mail_epoch = (uint64_t) epoch;
        ngx_http_socketio_mailer_heard(mail->hub,
                                   (uint64_t) reply->element[1]->integer);
    }

    /* Redis has forgotten everything: so has the count */

    if (zone->mail_epoch != (uint64_t) epoch) {
        zone->mail_epoch = (uint64_t) epoch;
        ngx_http_socketio_mailer_heard(mail->hub, 0);
    }

    mail->epoch = (uint64_t) epoch;

    return NGX_OK;
}


void
ngx_http_socketio_redis_news_since(ngx_http_socketio_redis_mail_t *mail)
{
    if (mail->asking || mail->live || !mail->subscribed
        || !mail->hub->zone->mail_up)
    {
        return;
    }

    mail->asking = (ngx_http_socketio_redis_mail_since(mail,
                                     mail->hub->zone->mail_seen,
                                     NGX_HTTP_SOCKETIO_NEWS_PAGE,
                                     ngx_http_socketio_redis_news_missed)
                    == NGX_OK);
}


/* epoch, number, then mailbox and its number each */

static void
ngx_http_socketio_redis_news_missed(redisAsyncContext *ac, void *r,
    void *data)
{
    size_t                           i;
    u_char                          *comma, *p, *last;
    uint64_t                         epoch, after;
    redisReply                      *reply = r, **e;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL) {
        return;
    }

    mail->asking = 0;
    epoch = mail->epoch;

    if (ngx_http_socketio_redis_news_state(mail, reply) != NGX_OK) {
        ngx_http_socketio_redis_mail_again(mail, reply);
        return;
    }

    if (epoch != mail->epoch) {
        ngx_http_socketio_redis_news_since(mail);
        return;
    }

    after = (uint64_t) reply->element[1]->integer;

    for (i = 2; i + 1 < reply->elements; i += 2) {
        e = &reply->element[i];

        if (e[0]->type != REDIS_REPLY_STRING
            || e[1]->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        p = (u_char *) e[0]->str;
        last = p + e[0]->len;
        comma = ngx_strlchr(p, last, ',');

        if (comma) {
            ngx_http_socketio_mailer_missed(mail->hub, sio_str(p, comma - p),
                                            sio_str(comma + 1,
                                                    last - comma - 1));
        }

        if (i + 2 == 2 + 2 * NGX_HTTP_SOCKETIO_NEWS_PAGE) {
            after = (uint64_t) ngx_atoi((u_char *) e[1]->str, e[1]->len);
        }
    }

    if (reply->elements == 2 + 2 * NGX_HTTP_SOCKETIO_NEWS_PAGE
        || mail->lost || !mail->subscribed)
    {
        /* there is more, or was meanwhile */

        ngx_http_socketio_mailer_heard(mail->hub, after);

        if (mail->lost) {
            ngx_http_socketio_redis_news_forget(mail);
        }

        ngx_http_socketio_redis_news_since(mail);
        return;
    }

    ngx_http_socketio_redis_news_live(mail, after);
}


/* Nothing is missing up to a number: what was kept behind it is handed out. */

static void
ngx_http_socketio_redis_news_live(ngx_http_socketio_redis_mail_t *mail,
    uint64_t sequence)
{
    ngx_http_socketio_kept_t     *kept;
    ngx_http_socketio_backlog_t   backlog;

    ngx_http_socketio_mailer_heard(mail->hub, sequence);

    mail->live = 1;

    backlog = mail->backlog;
    ngx_memzero(&mail->backlog, sizeof(ngx_http_socketio_backlog_t));

    while ((kept = ngx_http_socketio_backlog_take(&backlog)) != NULL) {
        ngx_http_socketio_redis_news_hear(mail,
                                          ngx_http_socketio_kept_message(kept));
        ngx_free(kept);
    }
}
