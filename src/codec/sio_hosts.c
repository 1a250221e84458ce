/*
 * Messages of hosts.
 */


#include <string.h>

#include "codec/sio_hosts.h"
#include "codec/sio_utf8.h"


static int sio_hosts_user(sio_wire_t *r, sio_str_t *name);


int
sio_hosts_decode(sio_str_t message, sio_hosts_t *m)
{
    uint8_t     type;
    sio_str_t   items;
    sio_wire_t  r;

    if (message.len > SIO_HOSTS_MAX
        || sio_wire_open(&r, message.data, message.len, &type) != SIO_OK
        || type != SIO_HOSTS_MESSAGE)
    {
        return SIO_ERROR;
    }

    m->host = sio_wire_get_u64(&r);
    m->slot = sio_wire_get_u32(&r);
    m->incarnation = sio_wire_get_u32(&r);
    m->sequence = sio_wire_get_u64(&r);
    m->beat = sio_wire_get_u32(&r);
    m->ready = sio_wire_get_u8(&r);
    m->users = sio_wire_get_u64(&r);
    m->digest = sio_wire_get_u64(&r);
    items = sio_wire_get_str(&r);

    if (sio_wire_done(&r) != SIO_OK || m->host == 0 || m->sequence == 0
        || m->beat < SIO_HOSTS_BEAT_MIN || m->beat > SIO_HOSTS_BEAT_MAX)
    {
        return SIO_ERROR;
    }

    memset(&m->items, 0, sizeof(sio_wire_t));

    if (items.len == 0) {
        return SIO_OK;
    }

    return sio_wire_open(&m->items, items.data, items.len, &type) == SIO_OK
           && type == SIO_HOSTS_ITEMS
           ? SIO_OK : SIO_ERROR;
}


int
sio_hosts_next(sio_hosts_t *m, uint64_t now, sio_hosts_told_t *item)
{
    sio_wire_t  *r;

    r = &m->items;

    if (r->pos == r->end) {
        return r->error ? SIO_ERROR : SIO_DONE;
    }

    memset(item, 0, sizeof(sio_hosts_told_t));

    item->type = sio_wire_get_u8(r);

    if (item->type <= SIO_HOSTS_GRANT && sio_hosts_user(r, item->name)
                                         != SIO_OK)
    {
        return SIO_ERROR;
    }

    switch (item->type) {

    case SIO_HOSTS_ON:
        item->said = sio_wire_get_u8(r);
        break;

    case SIO_HOSTS_SAID:
        item->online = sio_wire_get_u8(r);
        item->alone = sio_wire_get_u8(r);
        item->seen = sio_wire_get_u64(r);
        break;

    case SIO_HOSTS_GRANT:
        item->name[2] = sio_wire_get_str(r);
        item->left = sio_wire_get_u64(r);
        item->stamp = sio_wire_get_u64(r);
        item->host = sio_wire_get_u64(r);

        if (r->error || !sio_room_name_valid(item->name[2])
            || sio_room_reserved(item->name[2]))
        {
            return SIO_ERROR;
        }

        break;

    case SIO_HOSTS_OFF:
    case SIO_HOSTS_ASK:
    case SIO_HOSTS_BEGIN:
    case SIO_HOSTS_END:
    case SIO_HOSTS_BYE:
        break;

    case SIO_HOSTS_GONE:
        item->slot = sio_wire_get_u32(r);
        item->incarnation = sio_wire_get_u32(r);
        break;

    default:
        return SIO_ERROR;
    }

    if (r->error) {
        return SIO_ERROR;
    }

    /* the newest grant counts: one of the future would count for ever */

    now += SIO_HOSTS_AHEAD;

    return item->seen > now || item->stamp > now ? SIO_DECLINED : SIO_OK;
}


static int
sio_hosts_user(sio_wire_t *r, sio_str_t *name)
{
    name[0] = sio_wire_get_str(r);
    name[1] = sio_wire_get_str(r);

    return !r->error
           && name[0].len && name[0].len <= SIO_ROOM_MAX
           && name[1].len && name[1].len <= SIO_ROOM_MAX - SIO_USER_ROOM_LEN
           && sio_utf8_valid(name[0].data, name[0].len) == SIO_OK
           && sio_utf8_valid(name[1].data, name[1].len) == SIO_OK
           ? SIO_OK : SIO_ERROR;
}
