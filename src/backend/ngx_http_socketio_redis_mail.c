/*
 * Redis as the home of mailboxes: the connections, what is said, and asked.
 *
 * An answer that is an error ends the connection: what was said is said again
 * on the next one.  So is what a lost connection leaves open.
 */


#include "backend/ngx_http_socketio_redis_news.h"
#include "backend/ngx_http_socketio_redis_script.h"
#include "hub/ngx_http_socketio_hosts.h"


#define NGX_HTTP_SOCKETIO_REDIS_MAIL_DEAD   5000     /* msec without answer */
#define NGX_HTTP_SOCKETIO_REDIS_MAIL_ITEMS  500      /* of a mailbox at once */
#define NGX_HTTP_SOCKETIO_REDIS_MAIL_BYTES  (4 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_REDIS_MAIL_TEXT   24       /* bytes of a number */


/* The words of one call of the script. */

typedef struct {
    sio_str_t   words[NGX_HTTP_SOCKETIO_REDIS_WORDS];
    u_char      text[NGX_HTTP_SOCKETIO_REDIS_WORDS]
                    [NGX_HTTP_SOCKETIO_REDIS_MAIL_TEXT];
    ngx_uint_t  n;
} ngx_http_socketio_redis_call_t;


static void ngx_http_socketio_redis_mail_start(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_redis_mail_stop(ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_redis_mail_waits(
    ngx_http_socketio_redis_t *redis);
static ngx_int_t ngx_http_socketio_redis_mail_say(
    ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_letter_out_t *letter);
static ngx_int_t ngx_http_socketio_redis_mail_ask(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user,
    ngx_http_socketio_reading_t *reading);
static void ngx_http_socketio_redis_mail_tick(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_redis_mail_cleanup(
    ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_redis_call(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call, const char *command);
static void ngx_http_socketio_redis_call_str(
    ngx_http_socketio_redis_call_t *call, sio_str_t word);
static void ngx_http_socketio_redis_call_number(
    ngx_http_socketio_redis_call_t *call, uint64_t n);
static void ngx_http_socketio_redis_call_names(
    ngx_http_socketio_redis_mail_t *mail, ngx_http_socketio_redis_call_t *call,
    sio_str_t nsp, sio_str_t name);
static ngx_int_t ngx_http_socketio_redis_call_send(
    ngx_http_socketio_redis_mail_t *mail, ngx_http_socketio_redis_call_t *call,
    redisCallbackFn *fn, void *data);
static void ngx_http_socketio_redis_mail_put(
    ngx_http_socketio_redis_mail_t *mail, ngx_http_socketio_redis_call_t *call,
    const ngx_http_socketio_letter_out_t *letter);
static void ngx_http_socketio_redis_mail_drop(
    ngx_http_socketio_redis_mail_t *mail, ngx_http_socketio_redis_call_t *call,
    sio_str_t nsp, sio_str_t key);
static void ngx_http_socketio_redis_mail_ready(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_mail_lost(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_mail_loaded(redisAsyncContext *ac,
    void *r, void *data);
static void ngx_http_socketio_redis_mail_state(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_redis_mail_said(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_redis_mail_read(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_redis_mail_alive(redisAsyncContext *ac, void *r,
    void *data);


static const ngx_http_socketio_home_t  ngx_http_socketio_redis_home = {
    ngx_http_socketio_redis_mail_start,
    ngx_http_socketio_redis_mail_stop,
    ngx_http_socketio_redis_mail_say,
    ngx_http_socketio_redis_mail_ask,
    ngx_http_socketio_redis_mail_tick,
    ngx_http_socketio_redis_mail_cleanup
};


ngx_int_t
ngx_http_socketio_redis_mail_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_redis_conf_t *conf)
{
    u_char                           name[64];
    sio_str_t                        prefix;
    const sio_mem_t                 *mem;
    ngx_http_socketio_redis_mail_t  *mail;

    if (hub->mail_store != &ngx_http_socketio_mail_home) {
        return NGX_OK;
    }

    mem = &ngx_http_socketio_mem;

    mail = sio_calloc(mem, sizeof(ngx_http_socketio_redis_mail_t));
    if (mail == NULL) {
        return NGX_ERROR;
    }

    mail->hub = hub;
    mail->conf = conf;

    sio_buf_init(&mail->base, mem, 65536);
    sio_buf_init(&mail->news, mem, 65536);
    sio_buf_init(&mail->own, mem, 65536);
    sio_buf_init(&mail->name, mem, 65536);
    sio_buf_init(&mail->bytes, mem, UINT32_MAX);

    prefix = sio_str(conf->prefix.data, conf->prefix.len);

    if (ngx_http_socketio_mailer_init(hub, &ngx_http_socketio_redis_home, mail)
        != NGX_OK
        || sio_buf_append_str(&mail->base, prefix) != SIO_OK
        || sio_buf_append_str(&mail->base, sio_cstr("-mail#")) != SIO_OK)
    {
        return NGX_ERROR;
    }

    /* channels are those of all databases */

    if (sio_buf_append_str(&mail->news, sio_buf_str(&mail->base)) != SIO_OK
        || sio_buf_append_str(&mail->own, sio_buf_str(&mail->base)) != SIO_OK
        || sio_buf_append(&mail->news, name,
                          ngx_sprintf(name, "news#%ui", conf->db) - name)
           != SIO_OK
        || sio_buf_append(&mail->own, name,
                          ngx_sprintf(name, "alive#%016xL",
                                      ngx_http_socketio_mailer_host(hub))
                          - name)
           != SIO_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_socketio_mailer_begin(hub);

    return NGX_OK;
}


static void
ngx_http_socketio_redis_mail_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    sio_buf_free(&mail->base);
    sio_buf_free(&mail->news);
    sio_buf_free(&mail->own);
    sio_buf_free(&mail->name);
    sio_buf_free(&mail->bytes);
    sio_free(&ngx_http_socketio_mem, mail);
}


static void
ngx_http_socketio_redis_mail_start(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    ngx_memzero(&mail->command, sizeof(ngx_http_socketio_redis_t));

    mail->command.conf = mail->conf;
    mail->command.role = "mailer";
    mail->command.log = hub->log;
    mail->command.data = mail;
    mail->command.ready = ngx_http_socketio_redis_mail_ready;
    mail->command.lost = ngx_http_socketio_redis_mail_lost;

    mail->epoch = hub->zone->mail_epoch;

    ngx_http_socketio_redis_start(&mail->command);
    ngx_http_socketio_redis_news_start(mail);
}


/* What was said last is still in the buffer of hiredis. */

static void
ngx_http_socketio_redis_mail_stop(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    if (mail->command.up) {
        redisAsyncHandleWrite(mail->command.ac);
    }

    ngx_http_socketio_redis_drain(&mail->command,
                                  ngx_http_socketio_redis_mail_waits);
    ngx_http_socketio_redis_stop(&mail->command);
    ngx_http_socketio_redis_news_stop(mail);
}


/* The last worker of the host says all: nobody comes after it who would. */

static ngx_uint_t
ngx_http_socketio_redis_mail_waits(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;

    return ngx_http_socketio_mailer_last(mail->hub)
           && mail->sent != mail->answered;
}


static void
ngx_http_socketio_redis_mail_ready(ngx_http_socketio_redis_t *redis)
{
    sio_str_t                        words[3];
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;

    mail->sent = 0;
    mail->answered = 0;
    mail->progress = ngx_current_msec;

    words[0] = sio_cstr("SCRIPT");
    words[1] = sio_cstr("LOAD");
    words[2] = sio_cstr(ngx_http_socketio_redis_script);

    if (ngx_http_socketio_redis_command(redis,
                                        ngx_http_socketio_redis_mail_loaded,
                                        NULL, words, 3)
        == NGX_OK)
    {
        mail->sent++;
    }
}


static void
ngx_http_socketio_redis_mail_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_redis_mail_t  *mail;

    mail = redis->data;

    ngx_http_socketio_redis_news_wait(mail);
    ngx_http_socketio_mailer_down(mail->hub);
}


/* The mail of a callback, or NULL: the connection is not the one any more. */

ngx_http_socketio_redis_mail_t *
ngx_http_socketio_redis_mail_of(redisAsyncContext *ac, void *reply)
{
    ngx_http_socketio_redis_t       *redis;
    ngx_http_socketio_redis_mail_t  *mail;

    redis = ac->data;

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return NULL;
    }

    mail = redis->data;
    mail->answered++;
    mail->progress = ngx_current_msec;

    return mail;
}


void
ngx_http_socketio_redis_mail_again(ngx_http_socketio_redis_mail_t *mail,
    const redisReply *reply)
{
    char  why[160];

    (void) ngx_snprintf((u_char *) why, sizeof(why), "it says \"%s\"%Z",
                        reply->type == REDIS_REPLY_ERROR ? reply->str
                                                         : "nonsense");
    why[sizeof(why) - 1] = '\0';

    ngx_http_socketio_redis_restart(&mail->command, why);
}


static void
ngx_http_socketio_redis_mail_loaded(redisAsyncContext *ac, void *r,
    void *data)
{
    redisReply                      *reply = r;
    ngx_http_socketio_redis_call_t   call;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_STRING
        || reply->len != NGX_HTTP_SOCKETIO_REDIS_SHA)
    {
        ngx_http_socketio_redis_mail_again(mail, reply);
        return;
    }

    ngx_memcpy(mail->sha, reply->str, NGX_HTTP_SOCKETIO_REDIS_SHA);

    ngx_http_socketio_redis_clock(mail);

    ngx_http_socketio_redis_call(mail, &call, "state");
    (void) ngx_http_socketio_redis_call_send(mail, &call,
                                    ngx_http_socketio_redis_mail_state, NULL);
}


static void
ngx_http_socketio_redis_mail_state(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                      *reply = r;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL) {
        return;
    }

    if (ngx_http_socketio_redis_news_state(mail, reply) != NGX_OK) {
        ngx_http_socketio_redis_mail_again(mail, reply);
        return;
    }

    ngx_http_socketio_mailer_up(mail->hub);
    ngx_http_socketio_redis_news_since(mail);
}


/* EVALSHA, and what each command begins with. */

static void
ngx_http_socketio_redis_call(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call, const char *command)
{
    uint64_t  epoch;

    call->n = 0;

    ngx_http_socketio_redis_call_str(call, sio_cstr("EVALSHA"));
    ngx_http_socketio_redis_call_str(call,
                           sio_str(mail->sha, NGX_HTTP_SOCKETIO_REDIS_SHA));
    ngx_http_socketio_redis_call_str(call, sio_cstr("1"));
    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->base));
    ngx_http_socketio_redis_call_str(call, sio_cstr(command));
    ngx_http_socketio_redis_call_number(call,
        ngx_http_socketio_redis_time_to(mail, ngx_http_socketio_calendar()));

    /* small enough for a number of the script, and not 0 */

    ngx_http_socketio_random(mail->hub, (u_char *) &epoch, sizeof(epoch));
    ngx_http_socketio_redis_call_number(call, (epoch >> 16) + 1);
}


static void
ngx_http_socketio_redis_call_str(ngx_http_socketio_redis_call_t *call,
    sio_str_t word)
{
    call->words[call->n++] = word;
}


static void
ngx_http_socketio_redis_call_number(ngx_http_socketio_redis_call_t *call,
    uint64_t n)
{
    u_char  *text;

    text = call->text[call->n];

    call->words[call->n] = sio_str(text,
                                   ngx_sprintf(text, "%uL", n) - text);
    call->n++;
}


/* A mailbox: "NAMESPACE,USER". */

static void
ngx_http_socketio_redis_call_names(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call, sio_str_t nsp, sio_str_t name)
{
    sio_buf_reset(&mail->name);

    (void) sio_buf_append_str(&mail->name, nsp);
    (void) sio_buf_append_char(&mail->name, ',');
    (void) sio_buf_append_str(&mail->name, name);

    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->name));
}


static ngx_int_t
ngx_http_socketio_redis_call_send(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call, redisCallbackFn *fn, void *data)
{
    ngx_int_t  rc;

    rc = ngx_http_socketio_redis_command(&mail->command, fn, data, call->words,
                                         call->n);

    if (rc == NGX_OK) {

        if (mail->sent == mail->answered) {
            mail->progress = ngx_current_msec;
        }

        mail->sent++;
    }

    return rc;
}


static ngx_int_t
ngx_http_socketio_redis_mail_say(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_letter_out_t *letter)
{
    u_char                          *p;
    ngx_uint_t                       i;
    const char                      *command;
    ngx_http_socketio_redis_call_t   call;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    command = letter->post.type == NGX_HTTP_SOCKETIO_POST_PUT ? "put"
              : letter->post.type == NGX_HTTP_SOCKETIO_POST_DROP ? "drop"
              : "remove";

    ngx_http_socketio_redis_call(mail, &call, command);

    p = call.text[call.n];
    ngx_http_socketio_redis_call_str(&call, sio_str(p, 16));
    (void) ngx_sprintf(p, "%016xL", ngx_http_socketio_mailer_host(hub));

    ngx_http_socketio_redis_call_number(&call, letter->post.id);

    sio_buf_reset(&mail->bytes);

    if (letter->post.type == NGX_HTTP_SOCKETIO_POST_PUT) {
        ngx_http_socketio_redis_mail_put(mail, &call, letter);

    } else if (letter->post.type == NGX_HTTP_SOCKETIO_POST_DROP) {
        if (mail->drop != letter->post.id) {
            mail->drop = letter->post.id;
            mail->bound = 0;
        }

        ngx_http_socketio_redis_mail_drop(mail, &call, letter->nsp,
                                          letter->key);

    } else {
        ngx_http_socketio_redis_call_names(mail, &call, letter->nsp,
                                           letter->user);

        if (sio_buf_reserve(&mail->bytes, letter->post.norigins
                                          * NGX_HTTP_SOCKETIO_REDIS_ORIGIN)
            != SIO_OK)
        {
            return NGX_DECLINED;
        }

        for (i = 0; i < letter->post.norigins; i++) {
            mail->bytes.len = ngx_sprintf(mail->bytes.data + mail->bytes.len,
                                          "%016xL%016xL",
                                          letter->post.origins[i].host,
                                          letter->post.origins[i].id)
                              - mail->bytes.data;
        }

        ngx_http_socketio_redis_call_str(&call, sio_buf_str(&mail->bytes));
    }

    return ngx_http_socketio_redis_call_send(mail, &call,
                                     ngx_http_socketio_redis_mail_said, NULL);
}


static void
ngx_http_socketio_redis_mail_put(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call,
    const ngx_http_socketio_letter_out_t *letter)
{
    uint64_t                         expires;
    sio_wire_writer_t                w;
    ngx_http_socketio_found_t        found;
    const ngx_http_socketio_post_t  *post;

    post = &letter->post;

    ngx_http_socketio_redis_call_names(mail, call, letter->nsp, letter->user);

    (void) ngx_sprintf(mail->origin, "%016xL%016xL", post->origin.host,
                       post->origin.id);
    ngx_http_socketio_redis_call_str(call,
                       sio_str(mail->origin, NGX_HTTP_SOCKETIO_REDIS_ORIGIN));

    expires = ngx_http_socketio_redis_time_to(mail, post->expires);
    ngx_http_socketio_redis_call_number(call, expires);
    ngx_http_socketio_redis_call_number(call, mail->hub->conf->mailbox_max);

    ngx_http_socketio_directory_user(mail->hub->zone, letter->nsp,
                                     letter->user, &found);
    ngx_http_socketio_redis_call_number(call, post->written || found.count
                      || ngx_http_socketio_elsewhere(mail->hub, letter->nsp,
                                                     letter->user));

    ngx_http_socketio_redis_call_str(call, letter->key);
    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->news));

    sio_wire_begin(&w, &mail->bytes, NGX_HTTP_SOCKETIO_NEWS_PUT);
    sio_wire_put_u64(&w, post->origin.host);
    sio_wire_put_u64(&w, post->origin.id);
    sio_wire_put_str(&w, letter->nsp);
    sio_wire_put_str(&w, letter->user);
    sio_wire_put_str(&w, letter->key);
    sio_wire_put_u64(&w, expires);
    sio_wire_put_str(&w, post->image);
    (void) sio_wire_end(&w);

    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->bytes));
    ngx_http_socketio_redis_call_number(call, letter->before);
}


static void
ngx_http_socketio_redis_mail_drop(ngx_http_socketio_redis_mail_t *mail,
    ngx_http_socketio_redis_call_t *call, sio_str_t nsp, sio_str_t key)
{
    sio_wire_writer_t  w;

    ngx_http_socketio_redis_call_str(call, nsp);
    ngx_http_socketio_redis_call_str(call, key);

    if (mail->bound) {
        ngx_http_socketio_redis_call_number(call, mail->bound);

    } else {
        ngx_http_socketio_redis_call_str(call, sio_str(NULL, 0));
    }

    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->news));

    sio_buf_reset(&mail->bytes);

    sio_wire_begin(&w, &mail->bytes, NGX_HTTP_SOCKETIO_NEWS_DROP);
    sio_wire_put_u64(&w, ngx_http_socketio_mailer_host(mail->hub));
    sio_wire_put_str(&w, nsp);
    sio_wire_put_str(&w, key);
    (void) sio_wire_end(&w);

    ngx_http_socketio_redis_call_str(call, sio_buf_str(&mail->bytes));
}


/* 0: done; 1: full; 2: not yet; of a drop any number but 0: it is to go on. */

static void
ngx_http_socketio_redis_mail_said(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                      *reply = r;
    ngx_http_socketio_answer_e       answer;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL) {
        return;
    }

    answer = NGX_HTTP_SOCKETIO_HOME_DONE;

    if (reply->type == REDIS_REPLY_ERROR
        && ngx_strstr(reply->str, "WRONGTYPE"))
    {
        /* it would be so the next time, and all others wait */

        ngx_log_error(NGX_LOG_ERR, mail->hub->log, 0,
                      "socketio: redis %V has something else under the name "
                      "of a mailbox: \"%s\"", &mail->conf->name, reply->str);

        answer = NGX_HTTP_SOCKETIO_HOME_REFUSED;

    } else if (reply->type == REDIS_REPLY_ERROR
               && ngx_strstr(reply->str, "OOM command not allowed"))
    {
        answer = NGX_HTTP_SOCKETIO_HOME_LATER;

    } else if (reply->type != REDIS_REPLY_INTEGER) {
        ngx_http_socketio_redis_mail_again(mail, reply);
        return;

    } else if (reply->integer > 0) {
        answer = reply->integer == 1 ? NGX_HTTP_SOCKETIO_HOME_FULL
                                     : NGX_HTTP_SOCKETIO_HOME_LATER;
    }

    if (mail->drop && reply->type == REDIS_REPLY_INTEGER
        && reply->integer > 0
        && ngx_http_socketio_mailer_first(mail->hub) == mail->drop)
    {
        mail->bound = (uint64_t) reply->integer;
        ngx_http_socketio_mailer_repeat(mail->hub);
        return;
    }

    ngx_http_socketio_mailer_answer(mail->hub, answer);
}


static ngx_int_t
ngx_http_socketio_redis_mail_ask(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_http_socketio_reading_t *reading)
{
    ngx_http_socketio_redis_call_t   call;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    ngx_http_socketio_redis_call(mail, &call, "read");
    ngx_http_socketio_redis_call_names(mail, &call, nsp, user);
    ngx_http_socketio_redis_call_number(&call,
                                        NGX_HTTP_SOCKETIO_REDIS_MAIL_ITEMS);
    ngx_http_socketio_redis_call_number(&call,
                                        NGX_HTTP_SOCKETIO_REDIS_MAIL_BYTES);

    return ngx_http_socketio_redis_call_send(mail, &call,
                                    ngx_http_socketio_redis_mail_read,
                                    reading);
}


/* epoch, number, whole, then origin, written, bytes of each item */

static void
ngx_http_socketio_redis_mail_read(redisAsyncContext *ac, void *r, void *data)
{
    size_t                           i;
    redisReply                      *reply = r, **e;
    ngx_http_socketio_item_in_t      item;
    ngx_http_socketio_reading_t     *reading = data;
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_redis_mail_of(ac, reply);

    if (mail == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3
        || reply->element[1]->type != REDIS_REPLY_INTEGER
        || reply->element[2]->type != REDIS_REPLY_INTEGER)
    {
        ngx_http_socketio_redis_mail_again(mail, reply);
        return;
    }

    for (i = 3; i + 2 < reply->elements; i += 3) {
        e = &reply->element[i];

        if (e[1]->type != REDIS_REPLY_INTEGER
            || e[2]->type != REDIS_REPLY_STRING
            || ngx_http_socketio_redis_news_item(
                                     sio_str((u_char *) e[2]->str, e[2]->len),
                                     &item)
               != NGX_OK)
        {
            ngx_http_socketio_stat(mail->hub,
                                   NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
            continue;
        }

        item.expires = ngx_http_socketio_redis_time_from(mail, item.expires);
        item.written = (e[1]->integer != 0);
        ngx_http_socketio_mailer_item(mail->hub, reading, &item);
    }

    ngx_http_socketio_mailer_read(mail->hub, reading,
                                  reply->element[2]->integer != 0,
                                  (uint64_t) reply->element[1]->integer);
}


/* A sign of life, for both connections. */

static void
ngx_http_socketio_redis_mail_tick(ngx_http_socketio_hub_t *hub)
{
    sio_str_t                        words[3];
    ngx_http_socketio_redis_mail_t  *mail;

    mail = ngx_http_socketio_mailer_data(hub);

    ngx_http_socketio_redis_news_tick(mail);

    if (!mail->command.up) {
        return;
    }

    if (mail->sent != mail->answered
        && ngx_current_msec - mail->progress
           > NGX_HTTP_SOCKETIO_REDIS_MAIL_DEAD)
    {
        ngx_http_socketio_redis_restart(&mail->command, "no answer");
        return;
    }

    ngx_http_socketio_redis_clock(mail);

    words[0] = sio_cstr("PUBLISH");
    words[1] = sio_buf_str(&mail->own);
    words[2] = sio_cstr("alive");

    if (ngx_http_socketio_redis_command(&mail->command,
                                        ngx_http_socketio_redis_mail_alive,
                                        NULL, words, 3)
        == NGX_OK)
    {
        mail->sent++;
    }
}


static void
ngx_http_socketio_redis_mail_alive(redisAsyncContext *ac, void *r, void *data)
{
    (void) ngx_http_socketio_redis_mail_of(ac, r);
}


ngx_int_t
ngx_http_socketio_redis_mail_since(ngx_http_socketio_redis_mail_t *mail,
    uint64_t after, ngx_uint_t max, redisCallbackFn *fn)
{
    ngx_http_socketio_redis_call_t  call;

    ngx_http_socketio_redis_call(mail, &call, "since");
    ngx_http_socketio_redis_call_number(&call, after);
    ngx_http_socketio_redis_call_number(&call, max);

    return ngx_http_socketio_redis_call_send(mail, &call, fn, NULL);
}
