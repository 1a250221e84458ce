/*
 * Runs of rules: what their steps do.
 */


#include "hub/ngx_http_socketio_run.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_dedup.h"
#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_limit.h"
#include "hub/ngx_http_socketio_regex.h"


static int ngx_http_socketio_run_join(sio_run_t *run, sio_str_t room);
static int ngx_http_socketio_run_leave(sio_run_t *run, sio_str_t room);
static int ngx_http_socketio_run_emit(sio_run_t *run,
    const sio_emission_t *emission);
static int ngx_http_socketio_run_keep_ack(ngx_http_socketio_run_t *run,
    sio_str_t args, const sio_binary_t *attachments);
static int ngx_http_socketio_run_send_ack(sio_run_t *run, sio_str_t args,
    const sio_binary_t *attachments);
static int ngx_http_socketio_run_disconnect(sio_run_t *run);
static int ngx_http_socketio_run_variable(sio_run_t *run, unsigned index,
    sio_str_t *bytes);
static int ngx_http_socketio_run_online(sio_run_t *run, sio_str_t user);
static int ngx_http_socketio_run_count(sio_run_t *run, sio_str_t room,
    uint64_t *n);
static int ngx_http_socketio_run_throttle(sio_run_t *run, sio_str_t key,
    uint32_t msec);
static int ngx_http_socketio_run_sent(sio_run_t *run,
    const sio_emission_t *emission);
static uint64_t ngx_http_socketio_run_members(sio_run_t *run, sio_str_t room);
static void ngx_http_socketio_run_dry(sio_run_t *run);
static void ngx_http_socketio_run_log(ngx_http_socketio_run_t *run,
    ngx_uint_t level, const char *what, const char *how);
static void ngx_http_socketio_run_shown(ngx_str_t *s, u_char *buf,
    size_t size, sio_str_t text);
static uint64_t ngx_http_socketio_run_now(sio_run_t *run);
static void ngx_http_socketio_run_uuid(sio_run_t *run, uint8_t text[36]);


const sio_rule_ops_t  ngx_http_socketio_rule_ops = {
    .join = ngx_http_socketio_run_join,
    .leave = ngx_http_socketio_run_leave,
    .emit = ngx_http_socketio_run_emit,
    .ack = ngx_http_socketio_run_send_ack,
    .disconnect = ngx_http_socketio_run_disconnect,
    .variable = ngx_http_socketio_run_variable,
    .match = ngx_http_socketio_regex_match,
    .limit = ngx_http_socketio_limit,
    .dedup = ngx_http_socketio_dedup,
    .online = ngx_http_socketio_run_online,
    .count = ngx_http_socketio_run_count,
    .throttle = ngx_http_socketio_run_throttle,
    .dry_run = ngx_http_socketio_run_dry,
    .mailbox_flush = ngx_http_socketio_run_mailbox_flush,
    .mailbox_drop = ngx_http_socketio_run_mailbox_drop,
    .forward = ngx_http_socketio_run_forward,
    .answer = ngx_http_socketio_run_answer,
    .complain = ngx_http_socketio_run_complain,
    .now_msec = ngx_http_socketio_run_now,
    .uuid = ngx_http_socketio_run_uuid
};


void
ngx_http_socketio_run_init(ngx_http_socketio_run_t *run,
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_socket_t *socket)
{
    ngx_memzero(run, sizeof(ngx_http_socketio_run_t));

    run->hub = hub;
    run->emit_ack_id = SIO_NO_ID;

    run->run.ops = &ngx_http_socketio_rule_ops;
    run->run.ctx = run;
    run->run.mem = &ngx_http_socketio_mem;
    run->run.socket = socket;
    run->run.nsp = nsp;
    run->run.ack_id = SIO_NO_ID;
    run->run.scratch = &hub->scratch;
    run->run.dry_run = socket && socket->client->dry_run;

    sio_app_enter(&hub->app);
}


void
ngx_http_socketio_run_done(ngx_http_socketio_run_t *run)
{
    ngx_http_socketio_dedup_end(run, run->ok);
    sio_scratch_reset(&run->hub->scratch);
    sio_app_leave(&run->hub->app);
}


int
ngx_http_socketio_run_rule(ngx_http_socketio_run_t *run)
{
    int  rc;

    rc = sio_rule_run(&run->run);
    run->ok = (rc == SIO_OK);

    return rc;
}


void
ngx_http_socketio_run_refused(ngx_http_socketio_run_t *run, const char *what)
{
    ngx_http_socketio_stat(run->hub, NGX_HTTP_SOCKETIO_STAT_DROP_REFUSED, 1);

    ngx_http_socketio_run_log(run, NGX_LOG_INFO, what, "refused");
}


/* What would have been the end of the run is in the log instead. */

static void
ngx_http_socketio_run_dry(sio_run_t *r)
{
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;

    ngx_http_socketio_stat(run->hub, NGX_HTTP_SOCKETIO_STAT_DROP_DRY_RUN, 1);

    ngx_http_socketio_run_log(run, NGX_LOG_WARN, "dry run, event",
                              "would have been refused");
}


static void
ngx_http_socketio_run_log(ngx_http_socketio_run_t *run, ngx_uint_t level,
    const char *what, const char *how)
{
    u_char       event[64], message[256];
    sio_str_t    code;
    ngx_str_t    ev, msg, cd, sid;

    if (run->hub->log->log_level < level) {
        return;
    }

    code = run->run.code == SIO_CODE_CUSTOM ? run->run.custom
                                            : sio_code_name(run->run.code);
    ngx_http_socketio_run_shown(&ev, event, sizeof(event), run->run.event);
    ngx_http_socketio_run_shown(&msg, message, sizeof(message),
                                run->run.message);
    cd.data = (u_char *) code.data;
    cd.len = code.len;

    /* an id is a room's name, but long enough to be told apart when cut */

    sid.data = run->run.socket ? run->run.socket->sid : (u_char *) "-";
    sid.len = run->run.socket ? 8 : 1;

    if (run->run.step == NULL) {
        ngx_log_error(level, run->hub->log, 0,
                      "socketio app \"%V\": %s \"%V\" %s: %V: %V, "
                      "socket: %V",
                      &run->hub->conf->name, what, &ev, how, &cd, &msg, &sid);
        return;
    }

    ngx_log_error(level, run->hub->log, 0,
                  "socketio app \"%V\": %s \"%V\" %s: %V: %V, "
                  "socket: %V, in %s:%ud",
                  &run->hub->conf->name, what, &ev, how, &cd, &msg, &sid,
                  run->run.step->file, run->run.step->line);
}


/* Clients choose names: a line of the log ends where we end it. */

static void
ngx_http_socketio_run_shown(ngx_str_t *s, u_char *buf, size_t size,
    sio_str_t text)
{
    ngx_uint_t  i;

    s->data = buf;
    s->len = ngx_min(text.len, size);

    for (i = 0; i < s->len; i++) {
        buf[i] = (text.data[i] < 0x20 || text.data[i] == 0x7f) ? '?'
                                                             : text.data[i];
    }
}


void
ngx_http_socketio_run_ack(ngx_http_socketio_run_t *run, int rc)
{
    sio_buf_t  *buf;

    if (run->run.ack_id == SIO_NO_ID || run->run.acked) {
        return;
    }

    buf = &run->hub->payload;
    sio_buf_reset(buf);

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "null", 4);

    } else {
        rc = sio_rule_error(&run->run, buf);
    }

    if (rc == SIO_OK) {
        (void) ngx_http_socketio_run_send_ack(&run->run, sio_buf_str(buf),
                                              NULL);
    }
}


static int
ngx_http_socketio_run_join(sio_run_t *run, sio_str_t room)
{
    int            rc;
    sio_socket_t  *socket;

    socket = run->socket;

    rc = sio_room_join(socket, room);

    if (rc != SIO_DECLINED) {
        return rc;
    }

    if (socket->nrooms >= socket->ns->app->limits->max_rooms) {
        return sio_run_fail(run, SIO_CODE_TOO_LARGE, "too many rooms");
    }

    /* the zone is full */

    return sio_run_fail(run, SIO_CODE_UNAVAILABLE, "");
}


static int
ngx_http_socketio_run_leave(sio_run_t *run, sio_str_t room)
{
    int  rc;

    rc = sio_room_leave(run->socket, room);

    return rc == SIO_DECLINED ? SIO_OK : rc;
}


static int
ngx_http_socketio_run_emit(sio_run_t *r, const sio_emission_t *emission)
{
    int                             rc;
    uint64_t                        matched;
    uint64_t                        found[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_uint_t                      i;
    ngx_http_socketio_run_t        *run;
    ngx_http_socketio_broadcast_t   b;

    run = (ngx_http_socketio_run_t *) r;

    if (emission->sent && !emission->mailbox) {
        rc = ngx_http_socketio_run_sent(r, emission);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = r->nsp;
    b.target = emission->target;
    b.ack_id = emission->mailbox ? SIO_NO_ID : run->emit_ack_id;
    b.event = emission->event;
    b.args = emission->args;
    b.attachments = emission->attachments;
    b.local = run->local;

    b.msg = ngx_http_socketio_event_msg(run->hub, r->nsp, emission->event,
                                        emission->args, emission->attachments,
                                        b.ack_id);
    if (b.msg == NULL) {
        return SIO_NOMEM;
    }

    b.msg->volatile_ = emission->volatile_;

    if (emission->mailbox) {
        rc = ngx_http_socketio_run_mail(run, emission, b.msg);

    } else if (emission->self) {
        (void) ngx_http_socketio_history_send(r->socket, b.msg, 1);
        rc = SIO_OK;

    } else {
        rc = ngx_http_socketio_broadcast(run->hub, &b, &matched,
                                         run->expect ? found : NULL);
        run->matched += matched;

        for (i = 0; run->expect && i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
            run->expect[i] |= found[i];
        }

        /* what is asked for acks is asked once: the first emit of the rule */

        run->expect = NULL;
        run->emit_ack_id = SIO_NO_ID;

        rc = (rc == NGX_OK) ? SIO_OK
                            : sio_run_fail(r, SIO_CODE_UNAVAILABLE, "");
    }

    eio_msg_unref(&ngx_http_socketio_mem, b.msg);

    return rc;
}


/*
 * Which users are online, before it is sent, each once; those who are not are
 * in none of the lists, as nothing is kept for them.
 */
static int
ngx_http_socketio_run_sent(sio_run_t *run, const sio_emission_t *emission)
{
    sio_buf_t            buf;
    sio_str_t            room;
    ngx_uint_t           i;
    sio_writer_t         w;
    const sio_target_t  *target;

    target = &emission->target;

    sio_scratch_buf(run->scratch, &buf);
    sio_writer_begin(&w, &buf);

    sio_writer_put_text(&w, "[");

    for (i = 0; i < target->nrooms; i++) {
        room = target->rooms[i];

        if (sio_room_user(room).len == 0
            || sio_name_listed(room, target->except, target->nexcept)
            || sio_name_listed(room, target->rooms, (unsigned) i)
            || ngx_http_socketio_run_members(run, room) == 0)
        {
            continue;
        }

        sio_writer_put_text(&w, buf.len > 1 ? "," : "");
        sio_writer_check(&w, sio_json_quote(&buf, sio_room_user(room)));
    }

    sio_writer_put_text(&w, "]");

    emission->sent->delivered = sio_buf_str(&buf);

    return w.rc;
}


/* For a server, with binary in place: hosts answer each other with JSON. */

static int
ngx_http_socketio_run_keep_ack(ngx_http_socketio_run_t *run, sio_str_t args,
    const sio_binary_t *attachments)
{
    sio_buf_t  work;

    sio_scratch_buf(run->run.scratch, &work);
    run->run.acked = 1;

    return sio_binary_inline(run->answer, args, attachments, &work);
}


static int
ngx_http_socketio_run_send_ack(sio_run_t *r, sio_str_t args,
    const sio_binary_t *attachments)
{
    eio_msg_t                *msg;
    sio_buf_t                *buf;
    sio_packet_t              pkt;
    sio_writer_t              w;
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;

    if (run->answer) {
        return ngx_http_socketio_run_keep_ack(run, args, attachments);
    }

    buf = &run->hub->packet;

    sio_buf_reset(buf);
    ngx_memzero(&pkt, sizeof(sio_packet_t));

    pkt.type = SIO_ACK;
    pkt.nsp = r->nsp;
    pkt.id = r->ack_id;

    if (attachments && attachments->n) {
        pkt.type = SIO_BINARY_ACK;
        pkt.attachments = attachments->n;
    }

    sio_writer_begin(&w, buf);

    sio_writer_check(&w, sio_packet_encode(buf, &pkt));
    sio_writer_put_text(&w, "[");
    sio_writer_put_str(&w, args);
    sio_writer_put_text(&w, "]");

    if (sio_writer_end(&w) != SIO_OK) {
        return w.rc;
    }

    msg = eio_msg_create(&ngx_http_socketio_mem, sio_buf_str(buf),
                         attachments);
    if (msg == NULL) {
        return SIO_NOMEM;
    }

    (void) sio_socket_send(r->socket, msg);
    eio_msg_unref(&ngx_http_socketio_mem, msg);

    r->acked = 1;
    ngx_http_socketio_dedup_ack(run, args, attachments);

    return SIO_OK;
}


static int
ngx_http_socketio_run_disconnect(sio_run_t *run)
{
    ((ngx_http_socketio_run_t *) run)->disconnect = 1;

    return SIO_OK;
}


static int
ngx_http_socketio_run_variable(sio_run_t *run, unsigned index,
    sio_str_t *bytes)
{
    sio_captured_t  *captured;

    captured = run->socket ? run->socket->client->captured : NULL;

    if (captured == NULL || index >= captured->n
        || captured->value[index].data == NULL)
    {
        return SIO_DECLINED;
    }

    *bytes = captured->value[index];

    return SIO_OK;
}


/* Over all workers, as the directory has it. */

static uint64_t
ngx_http_socketio_run_members(sio_run_t *r, sio_str_t room)
{
    ngx_http_socketio_key_t     key;
    ngx_http_socketio_run_t    *run;
    ngx_http_socketio_found_t   found;

    run = (ngx_http_socketio_run_t *) r;

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));

    ngx_http_socketio_key_room(run->hub->zone, r->nsp, room, &key);
    ngx_http_socketio_directory_find(run->hub->zone, &key, &found);

    /* the room of a socket's own id is the socket */

    if (room.len == EIO_SID_LEN && found.count == 0) {
        ngx_http_socketio_key_socket(run->hub->zone, r->nsp, room, &key);
        ngx_http_socketio_directory_find(run->hub->zone, &key, &found);
    }

    return found.count;
}


static int
ngx_http_socketio_run_count(sio_run_t *run, sio_str_t room, uint64_t *n)
{
    *n = ngx_http_socketio_run_members(run, room);

    return SIO_OK;
}


/* A user is online who has a socket: it is in his room, or elsewhere. */

static int
ngx_http_socketio_run_online(sio_run_t *run, sio_str_t user)
{
    ngx_http_socketio_hub_t    *hub;
    ngx_http_socketio_found_t   found;

    if (user.len == 0 || user.len > SIO_ROOM_MAX - SIO_USER_ROOM_LEN) {
        return SIO_DECLINED;
    }

    hub = ((ngx_http_socketio_run_t *) run)->hub;

    ngx_http_socketio_directory_user(hub->zone, run->nsp, user, &found);

    return found.count || ngx_http_socketio_elsewhere(hub, run->nsp, user)
           ? SIO_OK : SIO_DECLINED;
}


static int
ngx_http_socketio_run_throttle(sio_run_t *r, sio_str_t key, uint32_t msec)
{
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;

    return sio_recent_note(&run->hub->recent, key, ngx_http_socketio_now(),
                           msec);
}


static uint64_t
ngx_http_socketio_run_now(sio_run_t *run)
{
    return ngx_http_socketio_calendar();
}


/* RFC 9562, 5.4.  UUID Version 4 */

static void
ngx_http_socketio_run_uuid(sio_run_t *run, uint8_t text[36])
{
    u_char  bytes[16], hex[32];

    ngx_http_socketio_random(((ngx_http_socketio_run_t *) run)->hub, bytes,
                             sizeof(bytes));

    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;

    (void) ngx_hex_dump(hex, bytes, sizeof(bytes));

    ngx_memcpy(text, hex, 8);
    text[8] = '-';
    ngx_memcpy(text + 9, hex + 8, 4);
    text[13] = '-';
    ngx_memcpy(text + 14, hex + 12, 4);
    text[18] = '-';
    ngx_memcpy(text + 19, hex + 16, 4);
    text[23] = '-';
    ngx_memcpy(text + 24, hex + 20, 12);
}
