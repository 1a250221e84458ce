/*
 * Redis as the home of mailboxes: its calendar, by which items end.
 */


#include "backend/ngx_http_socketio_redis_news.h"


static void ngx_http_socketio_redis_clock_said(redisAsyncContext *ac, void *r,
    void *data);


void
ngx_http_socketio_redis_clock(ngx_http_socketio_redis_mail_t *mail)
{
    sio_str_t  word;

    word = sio_cstr("TIME");

    if (ngx_http_socketio_redis_command(&mail->command,
                                        ngx_http_socketio_redis_clock_said,
                                        NULL, &word, 1)
        == NGX_OK)
    {
        mail->sent++;
    }
}


/* Seconds, microseconds. */

static void
ngx_http_socketio_redis_clock_said(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                      *reply = r, **e;
    ngx_int_t                        sec, usec;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2)
    {
        return;
    }

    e = reply->element;

    if (e[0]->type != REDIS_REPLY_STRING || e[1]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    sec = ngx_atoi((u_char *) e[0]->str, e[0]->len);
    usec = ngx_atoi((u_char *) e[1]->str, e[1]->len);

    if (sec != NGX_ERROR && usec != NGX_ERROR) {
        mail->ahead = (int64_t) sec * 1000 + usec / 1000
                      - (int64_t) ngx_http_socketio_calendar();
    }
}
