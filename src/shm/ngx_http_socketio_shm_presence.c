/*
 * Records of presence.
 *
 * The state, and who announces, are one word, and each change is one store of
 * it.  A record that is offline may be dropped and ends by itself; whoever is
 * killed before he said so leaves one that does neither, which is mended by
 * the next sweep.
 *
 * That a worker died shows when its slot is freed or taken, within a second:
 * no system call is made while the lock is held.
 */


#include "shm/ngx_http_socketio_shm_presence.h"


/* Msec: to look again whether another worker has said it, or this one's
   messages are in the inboxes. */

#define NGX_HTTP_SOCKETIO_PRESENCE_RETRY   5

/* Blocks that are looked at while the lock is held. */

#define NGX_HTTP_SOCKETIO_PRESENCE_BUDGET  256


typedef enum {
    NGX_HTTP_SOCKETIO_USER_OFFLINE = 1,
    NGX_HTTP_SOCKETIO_USER_COMING,
    NGX_HTTP_SOCKETIO_USER_ONLINE,
    NGX_HTTP_SOCKETIO_USER_GOING,
    NGX_HTTP_SOCKETIO_USER_COUNT             /* a namespace's record */
} ngx_http_socketio_user_e;


/* The data of a user's record; the namespace's name and the id follow. */

typedef struct {
    uint64_t                  word;          /* state, slot, incarnation */
    uint64_t                  gone;          /* msec, monotonic: since when
                                                there is no socket; 0: there
                                                is one */
    uint64_t                  seen;          /* msec of the calendar: then */
    uint16_t                  nsp_len;
    uint16_t                  user_len;
    uint32_t                  reserved;
} ngx_http_socketio_user_t;


/*
 * The data of a namespace's record.  While a user's state changes from or to
 * one that counts, state is what it will be, and next what users will be.
 */
typedef struct {
    uint64_t                  word;
    uint64_t                  users;
    uint64_t                  next;
    uint64_t                  state;         /* stored last; 0: no change */
    ngx_http_socketio_key_t   key;           /* of the user */
} ngx_http_socketio_count_t;


/* Both records of a look, while the lock is held. */

typedef struct {
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_item_t  *count;
    ngx_http_socketio_key_t    item_key;
    ngx_http_socketio_key_t    count_key;
} ngx_http_socketio_seat_t;


static ngx_http_socketio_presence_e ngx_http_socketio_presence_step(
    ngx_http_socketio_look_t *look, ngx_http_socketio_seat_t *seat);
static ngx_http_socketio_presence_e ngx_http_socketio_presence_online(
    ngx_http_socketio_look_t *look, ngx_http_socketio_seat_t *seat,
    ngx_uint_t sockets);
static ngx_http_socketio_presence_e ngx_http_socketio_presence_come(
    ngx_http_socketio_look_t *look, ngx_http_socketio_seat_t *seat);
static void ngx_http_socketio_presence_said(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat);
static void ngx_http_socketio_presence_over(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat);
static ngx_http_socketio_presence_e ngx_http_socketio_presence_again(
    ngx_http_socketio_look_t *look, uint64_t due);
static void ngx_http_socketio_presence_find(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_seat_t *seat);
static ngx_int_t ngx_http_socketio_presence_add(
    ngx_http_socketio_look_t *look, ngx_http_socketio_seat_t *seat);
static void ngx_http_socketio_presence_set(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat, ngx_http_socketio_user_e state);
static void ngx_http_socketio_presence_end(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t expires);
static void ngx_http_socketio_presence_hold(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);
static ngx_uint_t ngx_http_socketio_presence_sockets(
    ngx_http_socketio_zone_t *zone, sio_str_t nsp, sio_str_t user);
static ngx_uint_t ngx_http_socketio_presence_stray(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_item_t *item,
    ngx_http_socketio_stray_t *stray);


static ngx_inline ngx_http_socketio_user_t *
ngx_http_socketio_user(ngx_http_socketio_item_t *item)
{
    return (ngx_http_socketio_user_t *) item->data;
}


static ngx_inline ngx_http_socketio_count_t *
ngx_http_socketio_count(ngx_http_socketio_item_t *item)
{
    return (ngx_http_socketio_count_t *) item->data;
}


static ngx_inline uint64_t
ngx_http_socketio_user_word(ngx_http_socketio_user_e state, ngx_uint_t slot,
    uint32_t incarnation)
{
    return (uint64_t) incarnation << 32 | (slot & 0xffff) << 8 | state;
}


static ngx_inline ngx_http_socketio_user_e
ngx_http_socketio_user_state(uint64_t word)
{
    return (ngx_http_socketio_user_e) (word & 0xff);
}


static ngx_inline ngx_uint_t
ngx_http_socketio_user_slot(uint64_t word)
{
    return (word >> 8) & 0xffff;
}


static ngx_inline uint32_t
ngx_http_socketio_user_incarnation(uint64_t word)
{
    return (uint32_t) (word >> 32);
}


/* Whether $online counts a user. */

static ngx_inline ngx_uint_t
ngx_http_socketio_user_counts(ngx_http_socketio_user_e state)
{
    return state == NGX_HTTP_SOCKETIO_USER_COMING
           || state == NGX_HTTP_SOCKETIO_USER_ONLINE;
}


ngx_http_socketio_presence_e
ngx_http_socketio_presence_look(ngx_http_socketio_look_t *look)
{
    ngx_http_socketio_seat_t      seat;
    ngx_http_socketio_presence_e  rc;

    look->repeated = 0;
    look->patient = 0;

    ngx_http_socketio_store_lock(look->zone);

    ngx_http_socketio_presence_find(look->zone, look->nsp, look->user, &seat);
    rc = ngx_http_socketio_presence_step(look, &seat);

    ngx_http_socketio_store_unlock(look->zone);

    return rc;
}


static ngx_http_socketio_presence_e
ngx_http_socketio_presence_step(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat)
{
    uint64_t                   word;
    ngx_uint_t                 sockets;
    ngx_http_socketio_user_e   state;
    ngx_http_socketio_user_t  *user;

    if (seat->item) {
        word = ngx_http_socketio_user(seat->item)->word;

        if (word == ngx_http_socketio_user_word(NGX_HTTP_SOCKETIO_USER_COMING,
                                          look->slot, look->incarnation)
            || word == ngx_http_socketio_user_word(
                                          NGX_HTTP_SOCKETIO_USER_GOING,
                                          look->slot, look->incarnation))
        {
            if (!look->settled) {
                return ngx_http_socketio_presence_again(look,
                            look->now + NGX_HTTP_SOCKETIO_PRESENCE_RETRY);
            }

            ngx_http_socketio_presence_said(look, seat);
        }
    }

    if (seat->item == NULL) {
        return look->here && look->may
               ? ngx_http_socketio_presence_come(look, seat)
               : NGX_HTTP_SOCKETIO_PRESENCE_OK;
    }

    user = ngx_http_socketio_user(seat->item);
    state = ngx_http_socketio_user_state(user->word);

    if (state == NGX_HTTP_SOCKETIO_USER_OFFLINE) {

        /* a socket in another worker is that worker's to tell of */

        return look->here && look->may
               ? ngx_http_socketio_presence_come(look, seat)
               : NGX_HTTP_SOCKETIO_PRESENCE_OK;
    }

    sockets = look->here
              || ngx_http_socketio_presence_sockets(look->zone, look->nsp,
                                                    look->user);

    if (state == NGX_HTTP_SOCKETIO_USER_ONLINE) {
        return ngx_http_socketio_presence_online(look, seat, sockets);
    }

    if (ngx_http_socketio_slot_held(look->zone,
                           ngx_http_socketio_user_slot(user->word),
                           ngx_http_socketio_user_incarnation(user->word)))
    {
        return ngx_http_socketio_presence_again(look,
                            look->now + NGX_HTTP_SOCKETIO_PRESENCE_RETRY);
    }

    /* It died before or after it spoke. */

    look->repeated = 1;

    if (sockets) {
        return ngx_http_socketio_presence_come(look, seat);
    }

    if (state == NGX_HTTP_SOCKETIO_USER_COMING) {
        ngx_http_socketio_presence_set(look, seat,
                                       NGX_HTTP_SOCKETIO_USER_ONLINE);
        return ngx_http_socketio_presence_online(look, seat, 0);
    }

    ngx_http_socketio_presence_set(look, seat, NGX_HTTP_SOCKETIO_USER_GOING);

    return NGX_HTTP_SOCKETIO_PRESENCE_WENT;
}


static ngx_http_socketio_presence_e
ngx_http_socketio_presence_online(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat, ngx_uint_t sockets)
{
    uint64_t                   due;
    ngx_http_socketio_user_t  *user;

    user = ngx_http_socketio_user(seat->item);

    if (sockets) {
        user->gone = 0;
        return NGX_HTTP_SOCKETIO_PRESENCE_OK;
    }

    if (user->gone == 0) {
        user->seen = look->calendar;
        user->gone = look->now ? look->now : 1;
    }

    due = user->gone + look->grace + look->patience;

    if (look->now < due) {
        look->patient = 1;
        return ngx_http_socketio_presence_again(look, due);
    }

    ngx_http_socketio_presence_set(look, seat, NGX_HTTP_SOCKETIO_USER_GOING);

    return NGX_HTTP_SOCKETIO_PRESENCE_WENT;
}


static ngx_http_socketio_presence_e
ngx_http_socketio_presence_come(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat)
{
    if (ngx_http_socketio_presence_add(look, seat) != NGX_OK) {
        return NGX_HTTP_SOCKETIO_PRESENCE_FULL;
    }

    ngx_http_socketio_presence_hold(look->zone, seat->item);

    ngx_http_socketio_user(seat->item)->gone = 0;
    ngx_http_socketio_presence_set(look, seat, NGX_HTTP_SOCKETIO_USER_COMING);

    return NGX_HTTP_SOCKETIO_PRESENCE_CAME;
}


/* What this worker announced has been said. */

static void
ngx_http_socketio_presence_said(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat)
{
    ngx_http_socketio_user_t  *user;

    user = ngx_http_socketio_user(seat->item);

    if (ngx_http_socketio_user_state(user->word)
        == NGX_HTTP_SOCKETIO_USER_COMING)
    {
        ngx_http_socketio_presence_set(look, seat,
                                       NGX_HTTP_SOCKETIO_USER_ONLINE);
        return;
    }

    ngx_http_socketio_presence_over(look, seat);
}


static void
ngx_http_socketio_presence_over(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat)
{
    ngx_http_socketio_presence_set(look, seat,
                                   NGX_HTTP_SOCKETIO_USER_OFFLINE);

    if (look->keep == 0) {
        ngx_http_socketio_store_remove(look->zone, seat->item);
        seat->item = NULL;
        return;
    }

    ngx_http_socketio_presence_end(look->zone, seat->item,
                                   look->calendar + look->keep);
}


static ngx_http_socketio_presence_e
ngx_http_socketio_presence_again(ngx_http_socketio_look_t *look, uint64_t due)
{
    look->due = due;

    return NGX_HTTP_SOCKETIO_PRESENCE_WAIT;
}


/*
 * The records, NULL where there is none.  A change of the count that its
 * worker did not live to finish is finished, or was never begun: the user's
 * record says which.
 */
static void
ngx_http_socketio_presence_find(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t user, ngx_http_socketio_seat_t *seat)
{
    sio_str_t                   names[2];
    ngx_http_socketio_item_t   *item;
    ngx_http_socketio_count_t  *count;

    names[0] = nsp;
    names[1] = user;

    ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_PRESENCE,
                                names, 1, &seat->count_key);
    seat->count = ngx_http_socketio_store_first(zone, &seat->count_key, 0);

    if (seat->count) {
        count = ngx_http_socketio_count(seat->count);

        if (count->state) {
            item = ngx_http_socketio_store_first(zone, &count->key, 0);

            if (item && ngx_http_socketio_user_state(
                            ngx_http_socketio_user(item)->word)
                        == count->state)
            {
                count->users = count->next;
            }

            __atomic_store_n(&count->state, 0, __ATOMIC_RELEASE);
        }
    }

    seat->item = NULL;

    if (user.len) {
        ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_PRESENCE,
                                    names, 2, &seat->item_key);
        seat->item = ngx_http_socketio_store_first(zone, &seat->item_key, 0);
    }
}


/* Make what is not there; both pointers are set anew. */

static ngx_int_t
ngx_http_socketio_presence_add(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat)
{
    sio_str_t                  parts[3];
    ngx_http_socketio_user_t   user;
    ngx_http_socketio_count_t  count;

    if (seat->item && seat->count) {
        return NGX_OK;
    }

    if (seat->item == NULL) {
        ngx_memzero(&user, sizeof(ngx_http_socketio_user_t));

        user.word = NGX_HTTP_SOCKETIO_USER_OFFLINE;
        user.seen = look->calendar;
        user.nsp_len = (uint16_t) look->nsp.len;
        user.user_len = (uint16_t) look->user.len;

        parts[0] = sio_str((uint8_t *) &user, sizeof(user));
        parts[1] = look->nsp;
        parts[2] = look->user;

        if (ngx_http_socketio_store_add(look->zone, &seat->item_key, 0, 0, 0,
                                        parts, 3)
            == NULL)
        {
            return NGX_ERROR;
        }

    } else {

        /* it must stay, whatever the other one takes */

        ngx_http_socketio_presence_hold(look->zone, seat->item);
    }

    if (seat->count == NULL) {
        ngx_memzero(&count, sizeof(ngx_http_socketio_count_t));

        count.word = NGX_HTTP_SOCKETIO_USER_COUNT;
        parts[0] = sio_str((uint8_t *) &count, sizeof(count));

        if (ngx_http_socketio_store_add(look->zone, &seat->count_key, 0, 0, 0,
                                        parts, 1)
            == NULL)
        {
            ngx_http_socketio_presence_find(look->zone, look->nsp, look->user,
                                            seat);
            ngx_http_socketio_presence_end(look->zone, seat->item,
                                           look->calendar + look->keep + 1);
            return NGX_ERROR;
        }
    }

    ngx_http_socketio_presence_find(look->zone, look->nsp, look->user, seat);

    return NGX_OK;
}


/*
 * Set the state, in this worker's name, and the count with it.  A count of
 * nobody is not kept: dynamic namespaces would leave one each.
 */
static void
ngx_http_socketio_presence_set(ngx_http_socketio_look_t *look,
    ngx_http_socketio_seat_t *seat, ngx_http_socketio_user_e state)
{
    uint64_t                    word, next;
    ngx_http_socketio_user_t   *user;
    ngx_http_socketio_count_t  *count;

    user = ngx_http_socketio_user(seat->item);
    count = seat->count ? ngx_http_socketio_count(seat->count) : NULL;
    word = ngx_http_socketio_user_word(state, look->slot, look->incarnation);

    next = count ? count->users : 0;
    next += ngx_http_socketio_user_counts(state);
    next -= ngx_http_socketio_user_counts(
                                   ngx_http_socketio_user_state(user->word));

    if (count == NULL || next == count->users) {
        __atomic_store_n(&user->word, word, __ATOMIC_RELEASE);
        return;
    }

    count->next = next;
    count->key = seat->item_key;
    __atomic_store_n(&count->state, (uint64_t) state, __ATOMIC_RELEASE);
    __atomic_store_n(&user->word, word, __ATOMIC_RELEASE);
    __atomic_store_n(&count->users, next, __ATOMIC_RELEASE);
    __atomic_store_n(&count->state, 0, __ATOMIC_RELEASE);

    if (next == 0) {
        ngx_http_socketio_store_remove(look->zone, seat->count);
        seat->count = NULL;
    }
}


/* It may be dropped, and ends by itself. */

static void
ngx_http_socketio_presence_end(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t expires)
{
    ngx_http_socketio_store_evict(zone, item, 1);
    ngx_http_socketio_store_expire(zone, item, expires);
}


static void
ngx_http_socketio_presence_hold(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    ngx_http_socketio_store_evict(zone, item, 0);
    ngx_http_socketio_store_expire(zone, item, 0);
}


/* Whether the user has sockets anywhere, as the directory has it. */

static ngx_uint_t
ngx_http_socketio_presence_sockets(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user)
{
    ngx_http_socketio_found_t  found;

    ngx_http_socketio_directory_user(zone, nsp, user, &found);

    return found.count || ngx_http_socketio_peer_has(zone, nsp, user);
}


void
ngx_http_socketio_presence_told(ngx_http_socketio_look_t *look,
    ngx_uint_t online, uint64_t seen)
{
    uint64_t                   word;
    ngx_http_socketio_seat_t   seat;
    ngx_http_socketio_user_e   state;
    ngx_http_socketio_user_t  *user;

    ngx_http_socketio_store_lock(look->zone);

    ngx_http_socketio_presence_find(look->zone, look->nsp, look->user, &seat);

    word = seat.item ? ngx_http_socketio_user(seat.item)->word
                     : NGX_HTTP_SOCKETIO_USER_OFFLINE;
    state = ngx_http_socketio_user_state(word);

    if ((state == NGX_HTTP_SOCKETIO_USER_COMING
         || state == NGX_HTTP_SOCKETIO_USER_GOING)
        && ngx_http_socketio_slot_held(look->zone,
                                    ngx_http_socketio_user_slot(word),
                                    ngx_http_socketio_user_incarnation(word)))
    {
        goto done;
    }

    if (online) {

        if (state != NGX_HTTP_SOCKETIO_USER_ONLINE
            && ngx_http_socketio_presence_add(look, &seat) == NGX_OK)
        {
            ngx_http_socketio_presence_hold(look->zone, seat.item);
            ngx_http_socketio_user(seat.item)->gone = 0;
            ngx_http_socketio_presence_set(look, &seat,
                                           NGX_HTTP_SOCKETIO_USER_ONLINE);
        }

    } else if (state != NGX_HTTP_SOCKETIO_USER_OFFLINE) {
        user = ngx_http_socketio_user(seat.item);
        user->seen = seen;
        user->gone = look->now ? look->now : 1;
        ngx_http_socketio_presence_over(look, &seat);
    }

done:

    ngx_http_socketio_store_unlock(look->zone);
}


ngx_uint_t
ngx_http_socketio_presence_stays(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user)
{
    ngx_uint_t                is;
    ngx_http_socketio_seat_t  seat;

    ngx_http_socketio_store_lock(zone);

    ngx_http_socketio_presence_find(zone, nsp, user, &seat);

    is = seat.item
         && ngx_http_socketio_user_counts(ngx_http_socketio_user_state(
                                   ngx_http_socketio_user(seat.item)->word));

    if (is) {
        ngx_http_socketio_user(seat.item)->gone = 0;
    }

    ngx_http_socketio_store_unlock(zone);

    return is;
}


ngx_int_t
ngx_http_socketio_presence_seen(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t id, uint64_t calendar, uint64_t *msec)
{
    ngx_http_socketio_seat_t   seat;
    ngx_http_socketio_user_t  *user;

    if (id.len == 0) {
        return NGX_DECLINED;
    }

    ngx_http_socketio_store_lock(zone);

    ngx_http_socketio_presence_find(zone, nsp, id, &seat);

    if (seat.item == NULL
        || (seat.item->expires && seat.item->expires <= calendar))
    {
        ngx_http_socketio_store_unlock(zone);
        return NGX_DECLINED;
    }

    user = ngx_http_socketio_user(seat.item);

    *msec = (user->gone == 0
             && ngx_http_socketio_user_counts(
                                 ngx_http_socketio_user_state(user->word)))
            ? calendar : user->seen;

    ngx_http_socketio_store_unlock(zone);

    return NGX_OK;
}


uint64_t
ngx_http_socketio_presence_users(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp)
{
    uint64_t                  users;
    ngx_http_socketio_seat_t  seat;

    ngx_http_socketio_store_lock(zone);

    ngx_http_socketio_presence_find(zone, nsp, sio_str(NULL, 0), &seat);
    users = seat.count ? ngx_http_socketio_count(seat.count)->users : 0;

    ngx_http_socketio_store_unlock(zone);

    return users;
}


ngx_uint_t
ngx_http_socketio_presence_strays(ngx_http_socketio_zone_t *zone,
    uint32_t *cursor, uint64_t calendar, uint64_t keep,
    ngx_http_socketio_stray_t *stray, ngx_uint_t max)
{
    ngx_uint_t                 n, budget;
    ngx_http_socketio_item_t  *item;

    n = 0;
    budget = NGX_HTTP_SOCKETIO_PRESENCE_BUDGET;

    ngx_http_socketio_store_lock(zone);

    while (n < max) {
        item = ngx_http_socketio_store_walk(zone,
                                            NGX_HTTP_SOCKETIO_STORE_PRESENCE,
                                            cursor, &budget);
        if (item == NULL) {
            break;
        }

        if (ngx_http_socketio_user_state(ngx_http_socketio_user(item)->word)
                == NGX_HTTP_SOCKETIO_USER_OFFLINE
            && (item->expires == 0 || !item->evict))
        {
            ngx_http_socketio_presence_end(zone, item, calendar + keep + 1);
            continue;
        }

        n += ngx_http_socketio_presence_stray(zone, item, &stray[n]);
    }

    ngx_http_socketio_store_unlock(zone);

    return n;
}


/* 1: somebody should look at the user, who is in stray now. */

static ngx_uint_t
ngx_http_socketio_presence_stray(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_http_socketio_stray_t *stray)
{
    uint64_t                  word;
    ngx_http_socketio_user_t  user;

    u_char  data[sizeof(ngx_http_socketio_user_t)
                 + NGX_HTTP_SOCKETIO_PRESENCE_NAMES];

    word = ngx_http_socketio_user(item)->word;

    switch (ngx_http_socketio_user_state(word)) {

    case NGX_HTTP_SOCKETIO_USER_ONLINE:
        break;

    case NGX_HTTP_SOCKETIO_USER_COMING:
    case NGX_HTTP_SOCKETIO_USER_GOING:

        if (ngx_http_socketio_slot_held(zone,
                                    ngx_http_socketio_user_slot(word),
                                    ngx_http_socketio_user_incarnation(word)))
        {
            return 0;
        }

        break;

    default: /* OFFLINE, COUNT */
        return 0;
    }

    (void) ngx_http_socketio_store_read(zone, item, data, sizeof(data));
    ngx_memcpy(&user, data, sizeof(user));

    ngx_memcpy(stray->names, data + sizeof(user),
               (size_t) user.nsp_len + user.user_len);

    stray->nsp = sio_str(stray->names, user.nsp_len);
    stray->user = sio_str(stray->names + user.nsp_len, user.user_len);

    return ngx_http_socketio_user_state(word) != NGX_HTTP_SOCKETIO_USER_ONLINE
           || !ngx_http_socketio_presence_sockets(zone, stray->nsp,
                                                  stray->user);
}
