/*
 * A lost session as hosts leave it to each other: the value of a key of Redis,
 * which Node's streams adapter writes and reads.
 *
 *     base64 of the MessagePack of {sid, pid, rooms, data, nginx}
 *
 * data is what a Node server has on socket.data, and our rules in
 * $socket.NAME.  nginx is ours, and passed over by Node: what a host of this
 * kind wants to know before it gives the session to somebody.
 *
 *     {host, version, nsp, user, offset, since}
 *
 * @socket.io/redis-streams-adapter 0.3, persistSession() and
 * restoreSession().
 */


#ifndef _SIO_SESSION_H_INCLUDED_
#define _SIO_SESSION_H_INCLUDED_


#include "codec/sio_adapter.h"
#include "codec/sio_offset.h"


/* What goes before the pid in the name of the key. */

#define SIO_SESSION_KEY  "sio:session:"


typedef struct {
    sio_str_t         sid;           /* SIO_PID_LEN characters as well */
    sio_str_t         pid;
    sio_str_t        *rooms;         /* the sid may be among them */
    unsigned          nrooms;
    sio_str_t         data;          /* a JSON object */

    /* of a session of nginx; else empty */
    sio_str_t         host;
    sio_str_t         version;       /* whatever its host wrote */
    sio_str_t         nsp;
    sio_str_t         user;          /* empty: nobody */
    sio_stream_id_t   offset;        /* all up to it has arrived, or was
                                        before it came */
    sio_str_t        *since;         /* of the last nsince rooms: ids behind
                                        which it joined them */
    unsigned          nsince;        /* nrooms at most */
} sio_session_t;


#pragma GCC visibility push(hidden)


/*
 * Decode; the limits of a are those of the text.  What is filled is good until
 * the next decode with a.
 *
 * SIO_OK
 * SIO_ERROR     no session
 * SIO_DECLINED  a bound, or data that is no JSON
 * SIO_NOMEM
 */
int sio_session_decode(sio_adapter_t *a, sio_str_t text, sio_session_t *s);

/*
 * Append; a is written over.  SIO_OK, SIO_ERROR (data is not valid),
 * SIO_DECLINED, SIO_NOMEM.
 */
int sio_session_encode(sio_adapter_t *a, sio_buf_t *buf,
    const sio_session_t *s);

/* Behind which id it joined rooms[i]; none: it was there from the start. */

sio_stream_id_t sio_session_since(const sio_session_t *s, unsigned i);


#pragma GCC visibility pop


#endif /* _SIO_SESSION_H_INCLUDED_ */
