/*
 * Two lists: what was given something in this turn, and what is left over
 * from earlier ones, in order.  A session is on one of them, and freed only
 * when it was taken from there.
 */


#include "hub/ngx_http_socketio_flush.h"
#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_forward.h"


#define NGX_HTTP_SOCKETIO_FLUSH_SLICE  5000      /* usec, of each list */
#define NGX_HTTP_SOCKETIO_FLUSH_GROUP  16        /* sessions between looks */


static void ngx_http_socketio_flush_more(ngx_event_t *ev);
static void ngx_http_socketio_flush_slice(ngx_http_socketio_session_t **list);
static void ngx_http_socketio_flush_fetch(ngx_http_socketio_session_t *s);
static void ngx_http_socketio_flush_session(ngx_http_socketio_session_t *s);


void
ngx_http_socketio_flush_init(ngx_http_socketio_hub_t *hub)
{
    hub->rest_tail = &hub->rest;

    hub->more.data = &hub->dummy;
    hub->more.log = hub->log;
    hub->more.handler = ngx_http_socketio_flush_more;
}


void
ngx_http_socketio_session_dirty(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_hub_t  *hub;

    if (s->eio.dirty) {
        return;
    }

    hub = ngx_http_socketio_session_hub(s);

    s->eio.dirty = 1;
    s->next = hub->dirty;

    if (hub->dirty == NULL) {
        hub->dirty_last = s;
    }

    hub->dirty = s;

    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_flush_turn(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_flush_slice(&hub->dirty);

    if (hub->dirty) {
        *hub->rest_tail = hub->dirty;
        hub->rest_tail = &hub->dirty_last->next;
        hub->dirty = NULL;
    }

    if (hub->rest && !hub->more.posted) {
        ngx_post_event(&hub->more, &ngx_posted_next_events);
    }
}


/* The next turn has begun: go on with what is left over. */

static void
ngx_http_socketio_flush_more(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_socketio_hub_t  *hub;

    c = ev->data;
    hub = c->data;

    ngx_http_socketio_flush_slice(&hub->rest);

    if (hub->rest) {
        ngx_post_event(&hub->more, &ngx_posted_next_events);

    } else {
        hub->rest_tail = &hub->rest;
    }

    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_flush_all(ngx_http_socketio_hub_t *hub)
{
    while (hub->dirty || hub->rest) {
        ngx_http_socketio_flush_slice(&hub->dirty);
        ngx_http_socketio_flush_slice(&hub->rest);
    }

    hub->rest_tail = &hub->rest;

    if (hub->more.posted) {
        ngx_delete_posted_event(&hub->more);
    }
}


/* Sessions from the front of a list, to which a flush may add some. */

static void
ngx_http_socketio_flush_slice(ngx_http_socketio_session_t **list)
{
    uint64_t                      until;
    ngx_uint_t                    n;
    ngx_http_socketio_session_t  *s;

    until = 0;

    for (n = 0; *list; /* void */) {
        s = *list;

        if (n % NGX_HTTP_SOCKETIO_FLUSH_GROUP == 0 && s->next) {
            ngx_http_socketio_flush_fetch(s);
        }

        *list = s->next;

        s->next = NULL;
        s->eio.dirty = 0;

        ngx_http_socketio_flush_session(s);

        if (++n % NGX_HTTP_SOCKETIO_FLUSH_GROUP) {
            continue;
        }

        if (until == 0) {
            until = ngx_http_socketio_clock()
                    + NGX_HTTP_SOCKETIO_FLUSH_SLICE;

        } else if (ngx_http_socketio_clock() >= until) {
            return;
        }
    }
}


/*
 * What is sent to the ones before drives the memory of the ones behind out of
 * the caches.  That of a group is fetched at once, level by level, instead of
 * being waited for each time.
 */
static void
ngx_http_socketio_flush_fetch(ngx_http_socketio_session_t *s)
{
    void        *carriers[NGX_HTTP_SOCKETIO_FLUSH_GROUP];
    ngx_uint_t   n, i;

    n = 0;

    for (i = 0; s && i < NGX_HTTP_SOCKETIO_FLUSH_GROUP; i++) {
        __builtin_prefetch(&s->eio.out);
        __builtin_prefetch(&s->eio.state);

        if (s->eio.carrier) {
            carriers[n++] = s->eio.carrier;
        }

        s = s->next;
    }

    ngx_http_socketio_carrier->fetch(carriers, n);
}


/* Write what it has; one that has ended, and was let go, is freed. */

static void
ngx_http_socketio_flush_session(ngx_http_socketio_session_t *s)
{
    if (s->eio.poll) {
        ngx_http_socketio_forward_flush(s);
    }

    if (s->eio.carrier) {
        ngx_http_socketio_carrier->flush(s);
    }

    if (s->eio.lost) {
        ngx_http_socketio_admit_lost(s);
    }

    ngx_http_socketio_session_count(s);

    if (s->eio.state == EIO_STATE_CLOSED
        && s->eio.carrier == NULL
        && s->eio.poll == NULL
        && !s->eio.dirty)
    {
        ngx_http_socketio_session_destroy(s);
    }
}


uint64_t
ngx_http_socketio_clock(void)
{
    struct timespec  ts;

    /* of this process: what others take is none of the slice */

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
