/*
 * Acks that are owed to us.
 *
 * The sids of an entry are in one block with a byte each that tells who has
 * answered: sids first, the bytes behind the last.  They are sorted when the
 * entry is started, since ten thousand receivers may answer one event.
 */


#include <stdlib.h>

#include "logic/sio_ack.h"


#define SIO_ACK_SIDS_MIN  4


static int sio_ack_compare(const void *a, const void *b);
static int sio_ack_index(const sio_ack_t *ack, sio_str_t sid,
    uint32_t *index);
static void sio_ack_finish(sio_ack_table_t *table, sio_ack_t *ack);
static void sio_ack_free(sio_ack_table_t *table, sio_ack_t *ack);


void
sio_ack_table_init(sio_ack_table_t *table, const sio_mem_t *mem,
    const sio_hash_key_t *hash, sio_wheel_t *wheel, uint32_t max)
{
    sio_map_init(&table->map, mem, hash);

    table->mem = mem;
    table->wheel = wheel;
    table->max = max;
}


void
sio_ack_table_free(sio_ack_table_t *table)
{
    uint32_t         cursor;
    sio_map_node_t  *node, *saved;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&table->map, &cursor, &saved)) != NULL) {
        sio_ack_cancel(table, sio_map_data(node, sio_ack_t, node));
    }

    sio_map_free(&table->map);
}


sio_ack_t *
sio_ack_create(sio_ack_table_t *table, int64_t id, uint64_t due,
    const sio_ack_ops_t *ops, void *data)
{
    sio_ack_t  *ack;

    if (table->map.count >= table->max || sio_ack_find(table, id)) {
        return NULL;
    }

    ack = sio_calloc(table->mem, sizeof(sio_ack_t));
    if (ack == NULL) {
        return NULL;
    }

    ack->ops = ops;
    ack->data = data;
    ack->id = id;

    if (sio_map_insert(&table->map, &ack->node,
                       sio_str(&ack->id, sizeof(ack->id)))
        != SIO_OK)
    {
        sio_free(table->mem, ack);
        return NULL;
    }

    sio_wheel_set(table->wheel, &ack->timer, due);

    return ack;
}


sio_ack_t *
sio_ack_find(sio_ack_table_t *table, int64_t id)
{
    sio_map_node_t  *node;

    node = sio_map_find(&table->map, sio_str(&id, sizeof(id)));

    return node ? sio_map_data(node, sio_ack_t, node) : NULL;
}


int
sio_ack_expect(sio_ack_table_t *table, sio_ack_t *ack, sio_str_t sid)
{
    uint8_t   *block;
    uint32_t   cap;

    if (ack->started) {
        return SIO_DECLINED;
    }

    if (ack->count == ack->cap) {
        cap = ack->cap ? ack->cap * 2 : SIO_ACK_SIDS_MIN;

        block = sio_realloc(table->mem, ack->sids,
                            (size_t) ack->count * EIO_SID_LEN,
                            (size_t) cap * (EIO_SID_LEN + 1));
        if (block == NULL) {
            return SIO_NOMEM;
        }

        /* nobody has answered before the start: there is nothing to keep */

        memset(block + (size_t) cap * EIO_SID_LEN, 0, cap);

        ack->sids = (uint8_t (*)[EIO_SID_LEN]) block;
        ack->answered = block + (size_t) cap * EIO_SID_LEN;
        ack->cap = cap;
    }

    memcpy(ack->sids[ack->count], sid.data, EIO_SID_LEN);
    ack->count++;
    ack->missing++;

    return SIO_OK;
}


void
sio_ack_start(sio_ack_table_t *table, sio_ack_t *ack)
{
    uint32_t  i, n;

    if (ack->count > 1) {
        qsort(ack->sids, ack->count, EIO_SID_LEN, sio_ack_compare);

        /* of a session that moves, both workers may have named the socket */

        for (i = 1, n = 1; i < ack->count; i++) {
            if (sio_ack_compare(ack->sids[n - 1], ack->sids[i]) != 0) {
                memmove(ack->sids[n], ack->sids[i], EIO_SID_LEN);
                n++;
            }
        }

        ack->count = n;
        ack->missing = n;
    }

    ack->started = 1;

    if (ack->missing == 0) {
        sio_ack_finish(table, ack);
    }
}


static int
sio_ack_compare(const void *a, const void *b)
{
    return memcmp(a, b, EIO_SID_LEN);
}


int
sio_ack_receive(sio_ack_table_t *table, int64_t id, sio_str_t sid,
    sio_str_t args, const sio_binary_t *attachments)
{
    uint32_t    index;
    sio_ack_t  *ack;

    ack = sio_ack_find(table, id);

    if (ack == NULL || !ack->started || ack->ended
        || sio_ack_index(ack, sid, &index) != SIO_OK
        || ack->answered[index])
    {
        return SIO_DECLINED;
    }

    ack->answered[index] = 1;
    ack->missing--;

    ack->busy = 1;
    ack->ops->answer(ack, sid, args, attachments);
    ack->busy = 0;

    if (ack->ended) {
        sio_ack_free(table, ack);

    } else if (ack->missing == 0) {
        sio_ack_finish(table, ack);
    }

    return SIO_OK;
}


static int
sio_ack_index(const sio_ack_t *ack, sio_str_t sid, uint32_t *index)
{
    int        cmp;
    uint32_t   low, high, mid;

    if (sid.len != EIO_SID_LEN) {
        return SIO_DECLINED;
    }

    low = 0;
    high = ack->count;

    while (low < high) {
        mid = low + (high - low) / 2;
        cmp = memcmp(sid.data, ack->sids[mid], EIO_SID_LEN);

        if (cmp == 0) {
            *index = mid;
            return SIO_OK;
        }

        if (cmp < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return SIO_DECLINED;
}


void
sio_ack_expire(sio_ack_table_t *table, sio_timer_t *timer)
{
    sio_ack_finish(table, sio_map_data(timer, sio_ack_t, timer));
}


/*
 * The entry leaves the table first: its id is free again.  Those who are
 * missing move to the front, where sio_ack_missing() finds them at once.
 */

static void
sio_ack_finish(sio_ack_table_t *table, sio_ack_t *ack)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < ack->count; i++) {
        if (!ack->answered[i]) {
            memmove(ack->sids[n], ack->sids[i], EIO_SID_LEN);
            n++;
        }
    }

    if (ack->count) {
        memset(ack->answered, 0, ack->count);
    }

    ack->count = n;

    ack->busy = 1;
    sio_ack_cancel(table, ack);

    ack->ops->done(ack, ack->missing);

    sio_ack_free(table, ack);
}


void
sio_ack_cancel(sio_ack_table_t *table, sio_ack_t *ack)
{
    if (ack->ended) {
        return;
    }

    ack->ended = 1;

    sio_wheel_clear(table->wheel, &ack->timer);
    sio_map_remove(&table->map, &ack->node);

    if (!ack->busy) {
        sio_ack_free(table, ack);
    }
}


static void
sio_ack_free(sio_ack_table_t *table, sio_ack_t *ack)
{
    sio_free(table->mem, ack->sids);
    sio_free(table->mem, ack);
}


const uint8_t *
sio_ack_missing(const sio_ack_t *ack, unsigned n)
{
    uint32_t  i;

    if (ack->count == ack->missing) {
        return n < ack->count ? ack->sids[n] : NULL;
    }

    for (i = 0; i < ack->count; i++) {
        if (!ack->answered[i] && n-- == 0) {
            return ack->sids[i];
        }
    }

    return NULL;
}
