/*
 * A client: from Engine.IO messages to the sockets of namespaces.
 */


#include "logic/sio_client.h"


#define SIO_CLIENT_ERROR_MAX  65536      /* bytes of a CONNECT_ERROR's JSON */

#define SIO_CLIENT_LINGER     1000       /* msec to fetch the last packets */

#define SIO_ERROR_INVALID     "{\"message\":\"Invalid namespace\"}"
#define SIO_ERROR_BUSY        "{\"message\":\"Service unavailable\"}"
#define SIO_ERROR_MANY        "{\"message\":\"Too many namespaces\"}"
#define SIO_ERROR_REFUSED     "{\"message\":\"Forbidden\"}"

#define SIO_LIMITED                                                           \
    "{\"code\":\"rate_limited\",\"message\":\"too many packets\"}"
#define SIO_ERROR_LIMITED                                                     \
    "{\"message\":\"too many packets\",\"data\":" SIO_LIMITED "}"


static int sio_client_open(eio_session_t *s);
static void sio_client_message(eio_session_t *s, const eio_packet_t *pkt);
static void sio_client_pong(eio_session_t *s);
static void sio_client_timeout(eio_session_t *s);
static void sio_client_close(eio_session_t *s, eio_reason_e reason);
static int sio_client_skip(sio_client_t *client, const eio_packet_t *pkt);
static int sio_client_limit(sio_client_t *client, const eio_packet_t *pkt);
static int sio_client_refuse(sio_client_t *client, sio_str_t text,
    uint64_t now);
static int sio_client_text(sio_client_t *client, sio_str_t text);
static int sio_client_binary(sio_client_t *client, sio_str_t bytes);
static int sio_client_begin(sio_client_t *client, sio_str_t text,
    const sio_packet_t *pkt);
static int sio_client_complete(sio_client_t *client,
    const sio_binary_pending_t *pending);
static int sio_client_dispatch(sio_client_t *client, const sio_packet_t *pkt,
    const sio_binary_t *attachments);
static int sio_client_connect(sio_client_t *client, const sio_packet_t *pkt);
static void sio_client_admit(sio_socket_t *socket, sio_str_t auth);
static void sio_client_connect_error(sio_client_t *client, sio_str_t nsp,
    const char *error);
static void sio_client_drop_pending(sio_client_t *client);


/* Refusals that are answered: a hundred in a second. */

static const sio_limit_t  sio_client_answers = {
    100 * SIO_LIMIT_ONE, 100 * SIO_LIMIT_ONE
};


const eio_handler_t  sio_client_handler = {
    sio_client_open,
    sio_client_message,
    sio_client_pong,
    sio_client_timeout,
    sio_client_close
};


void
sio_client_init(sio_client_t *client, eio_session_t *session)
{
    client->session = session;
}


void
sio_client_free(sio_client_t *client)
{
    sio_client_drop_pending(client);
    sio_free(sio_client_app(client)->mem, client->captured);
    sio_free(sio_client_app(client)->mem, client->meter);
    client->captured = NULL;
    client->meter = NULL;
}


sio_socket_t *
sio_client_socket(sio_client_t *client, sio_str_t nsp)
{
    sio_socket_t  *socket;

    for (socket = client->sockets; socket; socket = socket->next) {
        if (sio_str_eq(sio_namespace_name(socket->ns), nsp)) {
            return socket;
        }
    }

    return NULL;
}


int
sio_client_send(sio_client_t *client, sio_packet_e type, sio_str_t nsp,
    int64_t id, sio_str_t data)
{
    int            rc;
    sio_buf_t      buf;
    sio_app_t     *app;
    sio_packet_t   pkt;

    app = sio_client_app(client);

    memset(&pkt, 0, sizeof(sio_packet_t));
    pkt.type = type;
    pkt.nsp = nsp;
    pkt.id = id;
    pkt.data = data;

    sio_buf_init(&buf, app->mem, UINT32_MAX);

    rc = sio_packet_encode(&buf, &pkt);

    if (rc == SIO_OK) {
        rc = eio_session_send_text(client->session, sio_buf_str(&buf));

    } else {
        eio_session_close(client->session, EIO_REASON_NO_MEMORY,
                          app->ops->now(app));
    }

    sio_buf_free(&buf);

    return rc;
}


void
sio_client_disconnect(sio_client_t *client)
{
    sio_app_t      *app;
    eio_session_t  *s;

    app = sio_client_app(client);
    s = client->session;

    sio_app_enter(app);

    while (client->sockets) {
        sio_socket_disconnect(client->sockets);
    }

    if (s->transport == EIO_POLLING && !eio_outq_empty(&s->out)) {

        /* nothing more is taken, and the timeout closes it */

        client->closing = 1;
        client->connected = 0;
        eio_session_set_timeout(s, app->ops->now(app) + SIO_CLIENT_LINGER);

    } else {
        eio_session_close(s, EIO_REASON_FORCED_CLOSE, app->ops->now(app));
    }

    sio_app_leave(app);
}


static int
sio_client_open(eio_session_t *s)
{
    sio_app_t     *app;
    sio_client_t  *client;

    client = s->data;
    app = sio_client_app(client);

    eio_session_set_timeout(s, app->ops->now(app)
                               + s->options->connect_timeout);

    return SIO_OK;
}


static void
sio_client_message(eio_session_t *s, const eio_packet_t *pkt)
{
    int            rc;
    sio_app_t     *app;
    sio_client_t  *client;

    client = s->data;
    app = sio_client_app(client);

    if (client->closing) {
        return;
    }

    sio_app_enter(app);

    rc = client->skip ? sio_client_skip(client, pkt) : SIO_OK;

    if (rc == SIO_OK && s->options->quota) {
        rc = sio_client_limit(client, pkt);
    }

    if (rc == SIO_OK) {
        rc = pkt->binary ? sio_client_binary(client, pkt->data)
                         : sio_client_text(client, pkt->data);
    }

    if (rc != SIO_OK && rc != SIO_DONE) {
        eio_session_close(s, rc == SIO_NOMEM ? EIO_REASON_NO_MEMORY
                                             : EIO_REASON_PARSE_ERROR,
                          app->ops->now(app));
    }

    sio_app_leave(app);
}


static void
sio_client_pong(eio_session_t *s)
{
    sio_app_t     *app;
    sio_client_t  *client;

    client = s->data;
    app = sio_client_app(client);

    if (client->closing || app->ops->pong == NULL) {
        return;
    }

    sio_app_enter(app);

    app->ops->pong(client);

    sio_app_leave(app);
}


static void
sio_client_timeout(eio_session_t *s)
{
    sio_app_t     *app;
    sio_client_t  *client;

    client = s->data;
    app = sio_client_app(client);

    if (!client->connected) {
        eio_session_close(s, EIO_REASON_CONNECT_TIMEOUT, app->ops->now(app));
    }
}


static void
sio_client_close(eio_session_t *s, eio_reason_e reason)
{
    sio_app_t     *app;
    sio_client_t  *client;

    client = s->data;
    app = sio_client_app(client);

    client->closing = 1;

    sio_app_enter(app);

    sio_client_drop_pending(client);

    while (client->sockets) {
        sio_socket_end(client->sockets, reason);
    }

    sio_app_leave(app);
}


/* An attachment of a packet that was refused: SIO_DONE. */

static int
sio_client_skip(sio_client_t *client, const eio_packet_t *pkt)
{
    if (!pkt->binary) {
        return SIO_ERROR;
    }

    client->skip--;

    return SIO_DONE;
}


/*
 * Count a packet.  SIO_OK: take it; SIO_DONE: it was refused; and what else
 * closes the session.  Attachments of a packet that was taken are, too.
 */
static int
sio_client_limit(sio_client_t *client, const eio_packet_t *pkt)
{
    uint64_t            now;
    sio_app_t          *app;
    const sio_quota_t  *quota;

    app = sio_client_app(client);
    quota = client->session->options->quota;
    now = app->ops->now(app);

    if (client->meter == NULL) {
        client->meter = sio_calloc(app->mem, sizeof(sio_meter_t));

        if (client->meter == NULL) {
            return SIO_NOMEM;
        }
    }

    if (pkt->binary && client->pending) {
        sio_quota_part(client->meter, quota, pkt->data.len, now);
        return SIO_OK;
    }

    if (sio_quota_count(client->meter, quota, pkt->data.len, now) == SIO_OK) {
        return SIO_OK;
    }

    if (app->ops->limited) {
        app->ops->limited(client);
    }

    if (quota->dry_run || pkt->binary || client->pending) {
        return SIO_OK;
    }

    if (quota->close) {
        eio_session_close(client->session, EIO_REASON_LIMITED, now);
        return SIO_DONE;
    }

    return sio_client_refuse(client, pkt->data, now);
}


/*
 * Tell the client at the cost of a packet's head.  A DISCONNECT is taken: it
 * costs no more.
 */
static int
sio_client_refuse(sio_client_t *client, sio_str_t text, uint64_t now)
{
    sio_socket_t  *socket;
    sio_packet_t   pkt;

    if (sio_packet_head(text, &sio_client_app(client)->limits->packet, &pkt)
        != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (pkt.type == SIO_DISCONNECT) {
        return SIO_OK;
    }

    socket = sio_client_socket(client, pkt.nsp);

    if (pkt.type == SIO_CONNECT ? socket != NULL
                                : socket == NULL || !socket->accepted)
    {
        return SIO_ERROR;
    }

    client->skip = (uint8_t) pkt.attachments;

    /* who is flooded by answers of his own making need not have them all */

    if (sio_limit_count(&client->meter->bucket[SIO_METER_ANSWERS],
                        &sio_client_answers, 1, now)
        != SIO_OK)
    {
        return SIO_DONE;
    }

    if (pkt.type == SIO_CONNECT) {
        sio_client_connect_error(client, pkt.nsp, SIO_ERROR_LIMITED);

    } else if (pkt.id != SIO_NO_ID
               && (pkt.type == SIO_EVENT || pkt.type == SIO_BINARY_EVENT))
    {
        (void) sio_client_send(client, SIO_ACK, pkt.nsp, pkt.id,
                               sio_cstr("[" SIO_LIMITED "]"));
    }

    return SIO_DONE;
}


static int
sio_client_text(sio_client_t *client, sio_str_t text)
{
    sio_packet_t  pkt;

    /* attachments are due */

    if (client->pending) {
        return SIO_ERROR;
    }

    if (sio_packet_decode(text, &sio_client_app(client)->limits->packet, &pkt)
        != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (pkt.attachments) {
        return sio_client_begin(client, text, &pkt);
    }

    return sio_client_dispatch(client, &pkt, NULL);
}


static int
sio_client_begin(sio_client_t *client, sio_str_t text,
    const sio_packet_t *pkt)
{
    sio_socket_t          *socket;
    const sio_mem_t       *mem;
    sio_binary_pending_t  *pending;

    mem = sio_client_app(client)->mem;

    /* nothing is collected for what will be refused */

    socket = sio_client_socket(client, pkt->nsp);

    if (socket == NULL || !socket->accepted) {
        return SIO_ERROR;
    }

    pending = sio_alloc(mem, sizeof(sio_binary_pending_t));
    if (pending == NULL) {
        return SIO_NOMEM;
    }

    if (sio_binary_begin(pending, mem, text, pkt->attachments) != SIO_OK) {
        sio_binary_free(pending);
        sio_free(mem, pending);
        return SIO_NOMEM;
    }

    client->pending = pending;

    return SIO_OK;
}


static int
sio_client_binary(sio_client_t *client, sio_str_t bytes)
{
    int                    rc;
    sio_binary_pending_t  *pending;

    pending = client->pending;

    if (pending == NULL) {
        return SIO_ERROR;
    }

    rc = sio_binary_add(pending, bytes,
                        client->session->options->max_payload);

    if (rc == SIO_AGAIN) {
        return SIO_OK;
    }

    if (rc != SIO_OK) {
        return rc;
    }

    /* the session may close during the call, and must not free it */

    client->pending = NULL;

    rc = sio_client_complete(client, pending);

    sio_binary_free(pending);
    sio_free(sio_client_app(client)->mem, pending);

    return rc;
}


/* The text was valid when it came; its slices must be of the copy. */

static int
sio_client_complete(sio_client_t *client, const sio_binary_pending_t *pending)
{
    sio_packet_t  pkt;

    if (sio_packet_decode(sio_str(pending->text, pending->text_len),
                          &sio_client_app(client)->limits->packet, &pkt)
        != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (pkt.attachments != pending->got.n) {
        return SIO_ERROR;
    }

    return sio_client_dispatch(client, &pkt, &pending->got);
}


static int
sio_client_dispatch(sio_client_t *client, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    sio_socket_t         *socket;
    const sio_app_ops_t  *ops;

    ops = sio_client_app(client)->ops;

    if (pkt->type == SIO_CONNECT) {
        return sio_client_connect(client, pkt);
    }

    socket = sio_client_socket(client, pkt->nsp);

    if (socket == NULL || !socket->accepted) {
        return SIO_ERROR;
    }

    switch (pkt->type) {

    case SIO_DISCONNECT:
        sio_socket_end(socket, SIO_REASON_CLIENT);
        return SIO_OK;

    case SIO_EVENT:
    case SIO_BINARY_EVENT:
        ops->event(socket, pkt, attachments);
        return SIO_OK;

    case SIO_ACK:
    case SIO_BINARY_ACK:
        ops->ack(socket, pkt, attachments);
        return SIO_OK;

    default:
        /* CONNECT_ERROR is the server's to send */
        return SIO_ERROR;
    }
}


static int
sio_client_connect(sio_client_t *client, const sio_packet_t *pkt)
{
    int               rc;
    sio_socket_t     *socket;
    sio_namespace_t  *ns;

    if (sio_client_socket(client, pkt->nsp)) {
        return SIO_ERROR;
    }

    if (client->nsockets >= sio_client_app(client)->limits->max_namespaces) {
        sio_client_connect_error(client, pkt->nsp, SIO_ERROR_MANY);
        return SIO_OK;
    }

    rc = sio_namespace_open(sio_client_app(client), pkt->nsp, &ns);

    if (rc != SIO_OK) {
        sio_client_connect_error(client, pkt->nsp,
                                 rc == SIO_DECLINED ? SIO_ERROR_INVALID
                                                    : SIO_ERROR_BUSY);
        return SIO_OK;
    }

    socket = sio_socket_create(client, ns, NULL, pkt->data);

    if (socket == NULL) {
        sio_namespace_release(ns);
        sio_client_connect_error(client, pkt->nsp, SIO_ERROR_BUSY);
        return SIO_OK;
    }

    sio_client_admit(socket, pkt->data);

    return SIO_OK;
}


/* The socket may have been answered, or have ended, inside of connect. */

static void
sio_client_admit(sio_socket_t *socket, sio_str_t auth)
{
    sio_buf_t   error;
    sio_app_t  *app;

    app = socket->ns->app;

    sio_buf_init(&error, app->mem, SIO_CLIENT_ERROR_MAX);

    switch (app->ops->connect(socket, auth, &error)) {

    case SIO_OK:
        sio_socket_accept(socket);
        break;

    case SIO_AGAIN:
        if (!socket->accepted) {
            socket->waiting = 1;
        }

        break;

    default:
        sio_socket_refuse(socket, error.len ? sio_buf_str(&error)
                                            : sio_cstr(SIO_ERROR_REFUSED));
        break;
    }

    sio_buf_free(&error);
}


static void
sio_client_connect_error(sio_client_t *client, sio_str_t nsp,
    const char *error)
{
    (void) sio_client_send(client, SIO_CONNECT_ERROR, nsp, SIO_NO_ID,
                           sio_cstr(error));
}


static void
sio_client_drop_pending(sio_client_t *client)
{
    if (client->pending) {
        sio_binary_free(client->pending);
        sio_free(sio_client_app(client)->mem, client->pending);
        client->pending = NULL;
    }
}
