/*
 * A set-associative table of keys with their ends.
 */


#include "logic/sio_recent.h"


void
sio_recent_init(sio_recent_t *recent, const sio_mem_t *mem,
    const sio_hash_key_t *hash, unsigned sets)
{
    recent->mem = mem;
    recent->hash = hash;
    recent->places = NULL;
    recent->sets = sets;
}


void
sio_recent_free(sio_recent_t *recent)
{
    sio_free(recent->mem, recent->places);
    recent->places = NULL;
}


int
sio_recent_note(sio_recent_t *recent, sio_str_t key, uint64_t now,
    uint32_t msec)
{
    size_t               n;
    unsigned             i;
    uint64_t             hash;
    sio_recent_place_t  *set, *place;

    if (recent->places == NULL) {
        n = (size_t) recent->sets * SIO_RECENT_WAYS;

        recent->places = sio_calloc(recent->mem,
                                    n * sizeof(sio_recent_place_t));
        if (recent->places == NULL) {
            return SIO_NOMEM;
        }
    }

    hash = sio_hash(recent->hash, key.data, key.len);

    set = &recent->places[(hash & (recent->sets - 1)) * SIO_RECENT_WAYS];
    place = set;

    for (i = 0; i < SIO_RECENT_WAYS; i++) {

        if (set[i].hash == hash && set[i].until) {

            if (now < set[i].until) {
                return SIO_DECLINED;
            }

            place = &set[i];
            break;
        }

        if (set[i].until < place->until) {
            place = &set[i];
        }
    }

    place->hash = hash;
    place->until = now + msec;

    return SIO_OK;
}
