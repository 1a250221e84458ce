/*
 * Messages of hosts: what passes keeps every promise of the header, and every
 * message comes to an end.
 */


#include "fuzz.h"
#include "codec/sio_hosts.h"
#include "codec/sio_utf8.h"


#define NOW          1700000000000ULL


static void
fuzz_item(const sio_hosts_told_t *item)
{
    check(item->type >= SIO_HOSTS_ON && item->type <= SIO_HOSTS_BYE);
    check(item->seen <= NOW + SIO_HOSTS_AHEAD);
    check(item->stamp <= NOW + SIO_HOSTS_AHEAD);

    if (item->type <= SIO_HOSTS_GRANT) {
        check(item->name[0].len && item->name[0].len <= SIO_ROOM_MAX);
        check(item->name[1].len
              && item->name[1].len + SIO_USER_ROOM_LEN <= SIO_ROOM_MAX);
        check(sio_utf8_valid(item->name[1].data, item->name[1].len)
              == SIO_OK);
    }

    if (item->type == SIO_HOSTS_GRANT) {
        check(sio_room_name_valid(item->name[2])
              && !sio_room_reserved(item->name[2]));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                rc;
    size_t             n;
    uint8_t           *message;
    sio_hosts_t        m;
    sio_hosts_told_t   item;

    /* a block of exactly its size */

    message = fuzz_copy(data, size);

    if (sio_hosts_decode(sio_str(message, size), &m) == SIO_OK) {
        check(m.host && m.sequence && m.beat >= SIO_HOSTS_BEAT_MIN);

        for (n = 0; /* void */ ; n++) {
            rc = sio_hosts_next(&m, NOW, &item);

            if (rc == SIO_OK) {
                fuzz_item(&item);

            } else if (rc != SIO_DECLINED) {
                check(rc == SIO_DONE || rc == SIO_ERROR);
                break;
            }

            check(n < size);
        }
    }

    free(message);

    return 0;
}
