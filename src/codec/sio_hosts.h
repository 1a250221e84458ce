/*
 * What nginx hosts tell each other beside what Node's adapter has: messages of
 * a channel of their own (hub/hosts), read here.
 *
 * A message is a record (sio_wire): who tells - host, slot, incarnation -, its
 * number, msec between its beats, whether the host knows who is where, how
 * many users with sockets are there and their digest; then a record of items.
 *
 * Whoever can write to Redis can write these.  So names are text, and what is
 * no name, no time of this age or too long is refused; what an item means is
 * left to who takes it.
 */


#ifndef _SIO_HOSTS_H_INCLUDED_
#define _SIO_HOSTS_H_INCLUDED_


#include "codec/sio_name.h"
#include "codec/sio_wire.h"


#define SIO_HOSTS_MAX       131072   /* bytes; who tells more tells in parts */
#define SIO_HOSTS_BEAT_MIN  100      /* msec */
#define SIO_HOSTS_BEAT_MAX  600000
#define SIO_HOSTS_AHEAD     86400000 /* msec that a clock may be ahead */


typedef enum {
    SIO_HOSTS_MESSAGE = 1,     /* a record's type */
    SIO_HOSTS_ITEMS
} sio_hosts_record_e;


typedef enum {
    SIO_HOSTS_ON = 1,          /* namespace, user, u8: sio_hosts_said_e */
    SIO_HOSTS_OFF,             /* namespace, user */
    SIO_HOSTS_SAID,            /* namespace, user, u8: online, u8: heard here
                                  alone, u64: seen */
    SIO_HOSTS_GRANT,           /* namespace, user, room, u64: left,
                                  u64: stamp, u64: host */
    SIO_HOSTS_ASK,             /* all others are to tell all */
    SIO_HOSTS_BEGIN,           /* of all users */
    SIO_HOSTS_END,
    SIO_HOSTS_GONE,            /* u32: slot, u32: incarnation */
    SIO_HOSTS_BYE
} sio_hosts_item_e;


/* Whether it was said that the user came, as far as the one who tells heard. */

typedef enum {
    SIO_HOSTS_UNSAID,          /* it is a new socket */
    SIO_HOSTS_WAS_SAID,
    SIO_HOSTS_UNHEARD          /* who has said it is to say it again */
} sio_hosts_said_e;


typedef struct {
    uint64_t    host;
    uint32_t    slot;
    uint32_t    incarnation;
    uint64_t    sequence;
    uint32_t    beat;          /* msec */
    uint8_t     ready;
    uint64_t    users;
    uint64_t    digest;
    sio_wire_t  items;         /* that were not taken yet */
} sio_hosts_t;


typedef struct {
    uint8_t     type;          /* sio_hosts_item_e; what it has: see there */
    uint8_t     said;
    uint8_t     online;
    uint8_t     alone;
    sio_str_t   name[3];       /* namespace, user, room */
    uint64_t    seen;
    uint64_t    left;          /* msec, 0: taken back */
    uint64_t    stamp;
    uint64_t    host;
    uint32_t    slot;
    uint32_t    incarnation;
} sio_hosts_told_t;


#pragma GCC visibility push(hidden)


/*
 * Read a message, up to its items.  m has views into it.  SIO_OK, SIO_ERROR.
 */
int sio_hosts_decode(sio_str_t message, sio_hosts_t *m);

/*
 * The next item; its names are views into the message.  now: msec of the
 * calendar, against which stamps are held.
 *
 * SIO_OK
 * SIO_DONE      there is none
 * SIO_DECLINED  it is of the future, and is passed over; go on
 * SIO_ERROR     malformed, as is what follows
 */
int sio_hosts_next(sio_hosts_t *m, uint64_t now, sio_hosts_told_t *item);


#pragma GCC visibility pop


#endif /* _SIO_HOSTS_H_INCLUDED_ */
