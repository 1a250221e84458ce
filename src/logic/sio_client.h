/*
 * The Socket.IO side of a session: messages in, packets to the namespaces.
 *
 * It is the handler that sits on an Engine.IO session.  A packet that is
 * wrong in any way closes the session ("parse error"), before anything of it
 * is acted upon; so does one for a namespace that was not joined, or whose
 * CONNECT was not answered yet: a client sends none before.
 *
 * What is above the quota is refused before its JSON is looked at: an event
 * that has an ack id is acked by an error, a CONNECT is answered by one, a
 * hundred of them in a second, and all else goes without a word, or the
 * session ends (quota->close).
 *
 * Socket.IO v5, "Packet types", "Connection to a namespace".
 */


#ifndef _SIO_CLIENT_H_INCLUDED_
#define _SIO_CLIENT_H_INCLUDED_


#include "logic/sio_app.h"
#include "logic/sio_socket.h"


/*
 * Values of the carrier's environment, captured at the handshake: a block of
 * n strings, in the order the app's configuration names them.
 */
typedef struct {
    uint32_t   n;
    sio_str_t  value[];                    /* bytes behind the array */
} sio_captured_t;


struct sio_client_s {
    eio_session_t         *session;
    sio_socket_t          *sockets;        /* accepted and pending */
    sio_binary_pending_t  *pending;        /* a binary packet on its way */
    sio_captured_t        *captured;       /* owned; may be NULL */
    sio_meter_t           *meter;          /* NULL: nothing was counted yet */
    uint16_t               nsockets;
    uint8_t                skip;           /* attachments of what was refused */
    unsigned               connected:1;    /* a namespace was joined once */
    unsigned               closing:1;
    unsigned               stalled:1;      /* too much waits for a rule: its
                                              carrier is not to read on */
    unsigned               recovered:1;    /* a socket came back with it */
    unsigned               dry_run:1;      /* checks of its rules are told,
                                              not enforced */
    uint32_t               holder;         /* the carrier's: polling, who was
                                              given the last answer */
};


#pragma GCC visibility push(hidden)


/* The engine's handler; session->data is the sio_client_t. */

extern const eio_handler_t  sio_client_handler;


/*
 * Make a client of zeroed memory for a session not yet opened, in whose
 * environment data is the sio_app_t.
 */

void sio_client_init(sio_client_t *client, eio_session_t *session);

static inline sio_app_t *
sio_client_app(const sio_client_t *client)
{
    return client->session->env->data;
}


/* Frees what it owns; sockets must be gone (the session is closed). */

void sio_client_free(sio_client_t *client);

/* The socket in a namespace, accepted or pending, or NULL. */

sio_socket_t *sio_client_socket(sio_client_t *client, sio_str_t nsp);

/*
 * The server ends all sockets of the client, then the session.  Polling is
 * given a moment to fetch what the sockets were sent: told of both ends in
 * one answer, the stock client takes the second for the cause, and connects
 * again.
 */
void sio_client_disconnect(sio_client_t *client);

/*
 * Send a packet without attachments.  Results as eio_session_send():
 * whatever fails closes the session.
 */
int sio_client_send(sio_client_t *client, sio_packet_e type, sio_str_t nsp,
    int64_t id, sio_str_t data);


#pragma GCC visibility pop


#endif /* _SIO_CLIENT_H_INCLUDED_ */
