/*
 * Presence: the queue of users to look at, and announcements.
 *
 * A user is in the queue once: ready, or behind a timer.  It leaves the queue
 * before it is looked at, so that what the look sets off - a rule that ends
 * sockets - may queue it again.
 */


#include "hub/ngx_http_socketio_presence.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_wait.h"


#define NGX_HTTP_SOCKETIO_PRESENCE_BATCH  64        /* users in one go */
#define NGX_HTTP_SOCKETIO_PRESENCE_MAX    65536     /* that wait for a grace */
#define NGX_HTTP_SOCKETIO_PRESENCE_STEPS  4         /* with a user in one go */
#define NGX_HTTP_SOCKETIO_PRESENCE_FULL_RETRY  1000    /* msec */

/* Longer than a worker that ends will be there, msec. */

#define NGX_HTTP_SOCKETIO_PRESENCE_NEVER  ((uint64_t) 1 << 40)


static ngx_http_socketio_check_t *ngx_http_socketio_check_get(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user);
static void ngx_http_socketio_presence_ready(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check);
static void ngx_http_socketio_presence_work(ngx_event_t *ev);
static void ngx_http_socketio_presence_check(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check);
static void ngx_http_socketio_presence_keep(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_check_t *last);
static void ngx_http_socketio_presence_healed(ngx_http_socketio_look_t *look);
static void ngx_http_socketio_presence_prepare(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, sio_str_t nsp, sio_str_t user);
static ngx_uint_t ngx_http_socketio_presence_here(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user);
static void ngx_http_socketio_presence_end(ngx_http_socketio_run_t *run,
    int rc);
static void ngx_http_socketio_presence_announce(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, ngx_uint_t came, ngx_uint_t alone);
static void ngx_http_socketio_presence_run(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, sio_rule_t *rule, ngx_uint_t alone);
static void ngx_http_socketio_presence_full(ngx_http_socketio_hub_t *hub);


static ngx_inline sio_str_t
ngx_http_socketio_check_nsp(const ngx_http_socketio_check_t *check)
{
    return sio_str(check->key + sizeof(uint16_t), check->nsp_len);
}


static ngx_inline sio_str_t
ngx_http_socketio_check_user(const ngx_http_socketio_check_t *check)
{
    return sio_str(check->key + sizeof(uint16_t) + check->nsp_len,
                   check->user_len);
}


ngx_int_t
ngx_http_socketio_presence_last_seen(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t *msec)
{
    if (hub->conf->presence == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_socketio_presence_seen(hub->zone, nsp, user,
                                           ngx_http_socketio_calendar(), msec);
}


uint64_t
ngx_http_socketio_presence_online(ngx_http_socketio_app_t *app, sio_str_t nsp)
{
    if (app->presence == NULL) {
        return 0;
    }

    return ngx_http_socketio_presence_users(app->shm_zone->data, nsp);
}


void
ngx_http_socketio_presence_init(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_presence_t  *p;

    if (hub->conf->presence == NULL) {
        return;
    }

    p = sio_calloc(&ngx_http_socketio_mem,
                   sizeof(ngx_http_socketio_presence_t));
    if (p == NULL) {
        ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                      "socketio app \"%V\": no memory for the presence of "
                      "users", &hub->conf->name);
        return;
    }

    p->conf = *hub->conf->presence;
    p->ready_tail = &p->ready;

    p->work.handler = ngx_http_socketio_presence_work;
    p->work.data = &hub->dummy;
    p->work.log = hub->log;

    sio_map_init(&p->checks, &ngx_http_socketio_mem, &hub->zone->hash);

    hub->presence = p;

    /* a predecessor in this slot may have been killed */

    ngx_http_socketio_presence_sweep(hub);
}


/*
 * The last word of a worker that ends: what it announced is said.  Who has
 * lost the last socket is looked at by another worker, which sees the slot
 * left.
 */
void
ngx_http_socketio_presence_cleanup(ngx_http_socketio_hub_t *hub)
{
    uint32_t                       cursor;
    sio_map_node_t                *node, *saved;
    ngx_http_socketio_look_t       look;
    ngx_http_socketio_check_t     *check;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    if (p == NULL) {
        return;
    }

    if (p->work.posted) {
        ngx_delete_posted_event(&p->work);
    }

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&p->checks, &cursor, &saved)) != NULL) {
        check = sio_map_data(node, ngx_http_socketio_check_t, node);

        ngx_http_socketio_presence_prepare(hub, &look,
                                        ngx_http_socketio_check_nsp(check),
                                        ngx_http_socketio_check_user(check));
        look.here = 0;
        look.settled = 1;
        look.grace = NGX_HTTP_SOCKETIO_PRESENCE_NEVER;

        (void) ngx_http_socketio_presence_look(&look);

        ngx_http_socketio_check_free(hub, check);
    }

    sio_map_free(&p->checks);
    sio_free(&ngx_http_socketio_mem, p);

    hub->presence = NULL;
}


/*
 * Only the first socket of a user in this worker is news.  Sockets that wait
 * to be accepted have joined the user's room already.
 */
void
ngx_http_socketio_presence_accepted(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t  *hub;

    hub = socket->ns->app->data;

    if (hub->presence && socket->identity
        && !ngx_http_socketio_presence_here(hub,
                                            sio_namespace_name(socket->ns),
                                            sio_socket_user(socket)))
    {
        ngx_http_socketio_presence_queue(hub, sio_namespace_name(socket->ns),
                                         sio_socket_user(socket), 0, 0);
    }
}


void
ngx_http_socketio_presence_left(sio_namespace_t *ns, sio_str_t room)
{
    sio_str_t                 user;
    ngx_http_socketio_hub_t  *hub;

    hub = ns->app->data;

    user = sio_room_user(room);

    if (hub->presence && user.len) {
        ngx_http_socketio_presence_queue(hub, sio_namespace_name(ns), user, 0,
                                         0);
    }
}


void
ngx_http_socketio_presence_queue(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, uint64_t due, ngx_uint_t patient)
{
    ngx_http_socketio_check_t     *check;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    if (patient && p->checks.count >= NGX_HTTP_SOCKETIO_PRESENCE_MAX) {
        p->again = 1;
        return;
    }

    check = ngx_http_socketio_check_get(hub, nsp, user);

    if (check == NULL) {
        p->missed = 1;
        return;
    }

    if (check->ready) {
        return;
    }

    if (due == 0) {
        ngx_http_socketio_presence_ready(hub, check);
        return;
    }

    if (!sio_timer_is_set(&check->timer) || due < check->timer.due) {
        check->patient = patient;
        check->timer.kind = NGX_HTTP_SOCKETIO_TIMER_PRESENCE;
        sio_wheel_set(&hub->wheel, &check->timer, due);
        ngx_http_socketio_hub_post(hub);
    }
}


void
ngx_http_socketio_presence_again(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t here)
{
    ngx_http_socketio_check_t  *check;

    check = ngx_http_socketio_check_get(hub, nsp, user);

    if (check && here) {
        check->heals = 1;

    } else if (check) {
        check->repeats = 1;
    }

    ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
}


void
ngx_http_socketio_presence_note(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t online, uint64_t seen)
{
    ngx_http_socketio_look_t  look;

    ngx_http_socketio_presence_prepare(hub, &look, nsp, user);
    ngx_http_socketio_presence_told(&look, online, seen);
}


static ngx_http_socketio_check_t *
ngx_http_socketio_check_get(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    size_t                         len;
    u_char                         key[sizeof(uint16_t)
                                       + NGX_HTTP_SOCKETIO_PRESENCE_NAMES];
    uint16_t                       nsp_len;
    sio_map_node_t                *node;
    ngx_http_socketio_check_t     *check;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    nsp_len = (uint16_t) nsp.len;
    len = sizeof(uint16_t) + nsp.len + user.len;

    ngx_memcpy(key, &nsp_len, sizeof(uint16_t));
    ngx_memcpy(key + sizeof(uint16_t), nsp.data, nsp.len);
    ngx_memcpy(key + sizeof(uint16_t) + nsp.len, user.data, user.len);

    node = sio_map_find(&p->checks, sio_str(key, len));

    if (node) {
        return sio_map_data(node, ngx_http_socketio_check_t, node);
    }

    check = sio_alloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_check_t) + len);
    if (check == NULL) {
        return NULL;
    }

    ngx_memzero(check, sizeof(ngx_http_socketio_check_t));
    ngx_memcpy(check->key, key, len);
    check->nsp_len = nsp_len;
    check->user_len = (uint16_t) user.len;

    if (sio_map_insert(&p->checks, &check->node, sio_str(check->key, len))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, check);
        return NULL;
    }

    return check;
}


void
ngx_http_socketio_check_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check)
{
    sio_map_remove(&hub->presence->checks, &check->node);
    sio_wheel_clear(&hub->wheel, &check->timer);
    sio_free(&ngx_http_socketio_mem, check);
}


static void
ngx_http_socketio_presence_ready(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check)
{
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    sio_wheel_clear(&hub->wheel, &check->timer);

    check->ready = 1;
    check->patient = 0;
    check->next = NULL;

    *p->ready_tail = check;
    p->ready_tail = &check->next;

    if (!p->work.posted) {
        ngx_post_event(&p->work, &ngx_posted_events);
    }
}


void
ngx_http_socketio_presence_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    ngx_http_socketio_presence_ready(hub,
                     sio_map_data(timer, ngx_http_socketio_check_t, timer));
}


static void
ngx_http_socketio_presence_work(ngx_event_t *ev)
{
    ngx_uint_t                     n;
    ngx_connection_t              *c;
    ngx_http_socketio_hub_t       *hub;
    ngx_http_socketio_check_t     *check;
    ngx_http_socketio_presence_t  *p;

    c = ev->data;
    hub = c->data;
    p = hub->presence;

    for (n = 0; n < NGX_HTTP_SOCKETIO_PRESENCE_BATCH && p->ready; n++) {
        check = p->ready;
        p->ready = check->next;

        if (p->ready == NULL) {
            p->ready_tail = &p->ready;
        }

        /* its names are needed, its place in the queue is not */

        sio_map_remove(&p->checks, &check->node);

        ngx_http_socketio_presence_check(hub, check);

        sio_free(&ngx_http_socketio_mem, check);
    }

    if (p->sweeping) {
        ngx_http_socketio_presence_walk(hub);
    }

    /* the rest after other events had their turn */

    if ((p->ready || p->sweeping) && !p->work.posted) {
        ngx_post_event(&p->work, &ngx_posted_next_events);
    }
}


static void
ngx_http_socketio_presence_check(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check)
{
    sio_str_t                     nsp, user;
    ngx_uint_t                    n, alone;
    ngx_http_socketio_look_t      look;
    ngx_http_socketio_presence_e  step;

    nsp = ngx_http_socketio_check_nsp(check);
    user = ngx_http_socketio_check_user(check);

    for (n = 0; n < NGX_HTTP_SOCKETIO_PRESENCE_STEPS; n++) {

        ngx_http_socketio_presence_prepare(hub, &look, nsp, user);

        /* who says it though another host should, says it here alone */

        alone = check->heals || !look.may;

        if (check->heals) {
            ngx_http_socketio_presence_healed(&look);
        }

        look.settled &= ngx_http_socketio_hosts_settled(hub, check->spoken);

        step = ngx_http_socketio_presence_look(&look);

        if (look.repeated) {
            ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REPEATED, 1);
        }

        switch (step) {

        case NGX_HTTP_SOCKETIO_PRESENCE_OK:

            if (check->repeats && look.here) {
                ngx_http_socketio_hosts_said(hub, nsp, user, 1, 1,
                                             look.calendar);
            }

            return;

        case NGX_HTTP_SOCKETIO_PRESENCE_WAIT:
            ngx_http_socketio_presence_queue(hub, nsp, user, look.due,
                                             look.patient);
            ngx_http_socketio_presence_keep(hub, check);
            return;

        case NGX_HTTP_SOCKETIO_PRESENCE_FULL:
            ngx_http_socketio_presence_full(hub);
            ngx_http_socketio_presence_queue(hub, nsp, user, look.now
                                + NGX_HTTP_SOCKETIO_PRESENCE_FULL_RETRY, 0);
            return;

        case NGX_HTTP_SOCKETIO_PRESENCE_CAME:
            ngx_http_socketio_presence_announce(hub, &look, 1, alone);
            check->spoken = ngx_http_socketio_hosts_spoken(hub);
            break;

        case NGX_HTTP_SOCKETIO_PRESENCE_WENT:
            ngx_http_socketio_presence_announce(hub, &look, 0, alone);
            check->spoken = ngx_http_socketio_hosts_spoken(hub);
            break;
        }
    }

    ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
    ngx_http_socketio_presence_keep(hub, check);
}


/*
 * Said in another host's stead, of a user whose sockets may be in any worker
 * here: the one who looks has heard that it was said.
 */
static void
ngx_http_socketio_presence_healed(ngx_http_socketio_look_t *look)
{
    ngx_http_socketio_found_t  found;

    ngx_http_socketio_directory_user(look->zone, look->nsp, look->user,
                                     &found);

    look->here |= (found.count != 0);
    look->may = 1;
    look->patience = 0;
}


/* What the next look has to know of this one. */

static void
ngx_http_socketio_presence_keep(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_check_t *last)
{
    ngx_http_socketio_check_t  *check;

    if (!last->heals && !last->repeats && last->spoken == 0) {
        return;
    }

    check = ngx_http_socketio_check_get(hub,
                                        ngx_http_socketio_check_nsp(last),
                                        ngx_http_socketio_check_user(last));

    if (check) {
        check->heals = last->heals;
        check->repeats = last->repeats;
        check->spoken = last->spoken;
    }
}


static void
ngx_http_socketio_presence_prepare(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, sio_str_t nsp, sio_str_t user)
{
    ngx_memzero(look, sizeof(ngx_http_socketio_look_t));

    look->zone = hub->zone;
    look->slot = hub->n;
    look->incarnation = hub->incarnation;
    look->nsp = nsp;
    look->user = user;
    look->now = ngx_http_socketio_now();
    look->calendar = ngx_http_socketio_calendar();
    look->grace = hub->presence->conf.grace;
    look->keep = hub->presence->conf.keep;
    look->may = ngx_http_socketio_hosts_mine(hub, nsp, user);
    look->patience = look->may ? 0 : ngx_http_socketio_hosts_patience(hub);
    look->here = ngx_http_socketio_presence_here(hub, nsp, user)
                 || ngx_http_socketio_elsewhere(hub, nsp, user);
    look->settled = (hub->nwaiting == 0);
}


/* Whether the user has accepted sockets in this worker. */

static ngx_uint_t
ngx_http_socketio_presence_here(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    u_char            name[SIO_ROOM_MAX];
    uint32_t          i;
    sio_room_t       *room;
    sio_socket_t     *socket;
    sio_namespace_t  *ns;

    ns = sio_app_namespace(&hub->app, nsp);

    if (ns == NULL) {
        return 0;
    }

    room = sio_namespace_room(ns, sio_user_room(user, name));

    for (i = 0; room && i < room->count; i++) {
        socket = room->members[i].socket;

        if (socket->accepted && !socket->leaving) {
            return 1;
        }
    }

    return 0;
}


/*
 * The rule of the namespace, as this worker's configuration has it.  alone:
 * the clients of this host hear it, and nobody else.
 */
static void
ngx_http_socketio_presence_announce(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, ngx_uint_t came, ngx_uint_t alone)
{
    ngx_http_socketio_namespace_t  *nsp;

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_PRESENCE, 1);

    nsp = ngx_http_socketio_namespace(hub->conf, look->nsp);

    if (nsp && (came ? nsp->online : nsp->offline)) {
        ngx_http_socketio_presence_run(hub, look,
                                       came ? nsp->online : nsp->offline,
                                       alone);
    }

    if (!alone) {
        ngx_http_socketio_hosts_said(hub, look->nsp, look->user, came, 0,
                                     look->calendar);
    }
}


static void
ngx_http_socketio_presence_run(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_look_t *look, sio_rule_t *rule, ngx_uint_t alone)
{
    ngx_http_socketio_run_t  run;

    /* what others said of this user before, to the clients here */

    ngx_http_socketio_channel_catch_up(hub);

    ngx_http_socketio_run_init(&run, hub, look->nsp, NULL);

    run.run.rule = rule;
    run.run.user = look->user;
    run.local = (alone || !ngx_http_socketio_hosts_heeded(hub));

    /* what is behind an answer is not in order with what others say */

    ngx_http_socketio_wait_run(&run, NULL, NULL, 0,
                               ngx_http_socketio_presence_end);
}


static void
ngx_http_socketio_presence_end(ngx_http_socketio_run_t *run, int rc)
{
    if (rc != SIO_OK) {
        ngx_http_socketio_run_refused(run, "presence");
    }
}


/* What nobody could take back is not said. */

static void
ngx_http_socketio_presence_full(ngx_http_socketio_hub_t *hub)
{
    if (ngx_http_socketio_often(&hub->presence->full)) {
        ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                      "socketio app \"%V\": the zone is full, users come "
                      "online when there is room", &hub->conf->name);
    }
}
