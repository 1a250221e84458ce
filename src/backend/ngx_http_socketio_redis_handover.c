/*
 * From one leader of a host to the next.
 *
 * While one waits, another may already come after it: that mark is kept among
 * the messages, and is met in its place when they are handed out.
 */


#include "backend/ngx_http_socketio_redis_handover.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "backend/ngx_http_socketio_redis_leader.h"


static void ngx_http_socketio_handover_yield(ngx_http_socketio_adapter_t *a,
    ngx_uint_t slot);


/* "mark SLOT INCARNATION" */

void
ngx_http_socketio_handover_sign(ngx_http_socketio_adapter_t *a,
    const char *what)
{
    u_char     text[64], *end;
    sio_str_t  words[3];

    end = ngx_snprintf(text, sizeof(text), "%s %ui %uD", what, a->hub->n,
                       a->hub->incarnation);

    words[0] = sio_cstr("PUBLISH");
    words[1] = a->own;
    words[2] = sio_str(text, end - text);

    (void) ngx_http_socketio_publish_now(&a->publisher, words, 3);
}


void
ngx_http_socketio_handover_signed(ngx_http_socketio_adapter_t *a,
    sio_str_t message)
{
    u_char      text[64], *end;
    ngx_int_t   slot;
    ngx_uint_t  mark, ours;

    mark = message.len > 5 && ngx_memcmp(message.data, "mark ", 5) == 0;

    end = ngx_snprintf(text, sizeof(text), "%s %ui %uD",
                       mark ? "mark" : "alive", a->hub->n,
                       a->hub->incarnation);
    ours = sio_str_eq(message, sio_str(text, end - text));

    if (ours) {
        a->heard = ngx_current_msec;
    }

    if (!mark) {
        return;
    }

    if (ours) {
        if (a->leader == NGX_HTTP_SOCKETIO_LEADER_MARKING) {
            a->leader = NGX_HTTP_SOCKETIO_LEADER_WAITING;
            a->waits = ngx_current_msec;

            if (ngx_http_socketio_handover_begin(a) == NGX_OK
                && a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING)
            {
                ngx_http_socketio_leader_begin(a);
            }
        }

        return;
    }

    /* another one takes over */

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING) {
        (void) ngx_http_socketio_backlog_add(&a->backlog, sio_str(NULL, 0),
                                             a->own, message, a->hub->log);
    }

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_YES) {
        end = ngx_strlchr((u_char *) message.data + 5,
                          (u_char *) message.data + message.len, ' ');
        slot = end ? ngx_atoi((u_char *) message.data + 5,
                              end - (message.data + 5))
                   : NGX_ERROR;

        if (slot != NGX_ERROR) {
            ngx_http_socketio_handover_yield(a, (ngx_uint_t) slot);
        }

        ngx_http_socketio_leader_end(a);
    }
}


static void
ngx_http_socketio_handover_yield(ngx_http_socketio_adapter_t *a,
    ngx_uint_t slot)
{
    sio_wire_writer_t  w;

    if (slot >= NGX_HTTP_SOCKETIO_SLOTS || slot == a->hub->n) {
        return;
    }

    /* the next one misses nothing */

    ngx_http_socketio_hosts_deaf(a->hub, 0);

    ngx_http_socketio_adapter_record(a, &w, NGX_HTTP_SOCKETIO_CLUSTER_YIELD);

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send_to(a->hub, slot);
        ngx_http_socketio_hub_post(a->hub);
    }
}


ngx_uint_t
ngx_http_socketio_handover_alone(ngx_http_socketio_adapter_t *a,
    ngx_uint_t still)
{
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(a->hub->zone, n);

        if (n != a->hub->n && slot->pid && (still || !slot->still)
            && slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER]
            && ngx_http_socketio_slot_live(a->hub->zone, n,
                                           (uint32_t) slot->incarnation))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_socketio_handover_begin(ngx_http_socketio_adapter_t *a)
{
    /* one that stands still hears the mark when it goes on */

    if (!ngx_http_socketio_handover_alone(a, 0)) {
        return NGX_AGAIN;
    }

    /* it has ceased to lead after its last message was put into inboxes */

    ngx_http_socketio_channel_catch_up(a->hub);

    return NGX_OK;
}


void
ngx_http_socketio_handover_receive(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    if (sio_wire_done(record) == SIO_OK
        && a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING)
    {
        ngx_http_socketio_leader_begin(a);
    }
}
