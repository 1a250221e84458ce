/*
 * A socket's life: pending, accepted, leaving, freed.
 */


#include "codec/sio_base64.h"
#include "logic/sio_client.h"
#include "logic/sio_room.h"
#include "logic/sio_socket.h"


#define SIO_SOCKET_VARS_MAX    32        /* names */
#define SIO_SOCKET_VARS_BYTES  4096      /* names and values */

#define SIO_ERROR_ENDED        "{\"message\":\"Disconnected\"}"
#define SIO_ERROR_FULL         "{\"message\":\"Service unavailable\"}"


static int sio_socket_hold(sio_socket_t *socket, eio_msg_t *msg);
static void sio_socket_flush(sio_socket_t *socket);
static void sio_socket_drop_held(sio_socket_t *socket);
static int sio_socket_answer(sio_socket_t *socket);
static void sio_socket_send_off(sio_socket_t *socket, sio_packet_e type,
    sio_str_t data);
static void sio_socket_destroy(sio_socket_t *socket);
static sio_str_t sio_reason_name(unsigned reason);
static int sio_socket_user_room(sio_socket_t *socket, sio_str_t user,
    int (*change)(sio_socket_t *socket, sio_str_t room));


sio_auth_t *
sio_auth_create(const sio_mem_t *mem, sio_str_t auth)
{
    sio_auth_t  *copy;

    copy = sio_alloc(mem, sizeof(sio_auth_t) + auth.len);
    if (copy == NULL) {
        return NULL;
    }

    copy->len = (uint32_t) auth.len;
    memcpy(copy->text, auth.data, auth.len);

    return copy;
}


sio_socket_t *
sio_socket_create(sio_client_t *client, sio_namespace_t *ns,
    const uint8_t *sid, sio_str_t auth)
{
    uint8_t           bytes[EIO_SID_BYTES];
    sio_app_t        *app;
    sio_socket_t     *socket;

    app = sio_client_app(client);

    socket = sio_calloc(app->mem, sizeof(sio_socket_t));
    if (socket == NULL) {
        return NULL;
    }

    socket->client = client;
    socket->ns = ns;

    if (auth.len) {
        socket->auth = sio_auth_create(app->mem, auth);
        if (socket->auth == NULL) {
            goto failed;
        }
    }

    if (sid) {
        memcpy(socket->sid, sid, EIO_SID_LEN);

    } else {
        app->ops->random(app, bytes, EIO_SID_BYTES);
        (void) sio_base64url_encode(socket->sid, bytes, EIO_SID_BYTES);
    }

    if (sio_map_insert(&ns->sockets, &socket->node, sio_socket_sid(socket))
        != SIO_OK)
    {
        goto failed;
    }

    ns->pending++;

    socket->next = client->sockets;
    client->sockets = socket;
    client->nsockets++;

    return socket;

failed:

    sio_free(app->mem, socket->auth);
    sio_free(app->mem, socket);

    return NULL;
}


int
sio_socket_enroll(sio_socket_t *socket)
{
    uint32_t              count;
    sio_namespace_t      *ns;
    const sio_app_ops_t  *ops;

    ns = socket->ns;
    ops = ns->app->ops;
    count = sio_namespace_count(ns);

    if (ops->room_changed(ns, NULL, count + 1) != SIO_OK) {
        return SIO_DECLINED;
    }

    if (ops->socket_changed(socket, 1) != SIO_OK) {
        (void) ops->room_changed(ns, NULL, count);
        return SIO_DECLINED;
    }

    socket->accepted = 1;
    socket->waiting = 0;
    ns->pending--;

    return SIO_OK;
}


void
sio_socket_accept(sio_socket_t *socket)
{
    sio_app_t     *app;
    sio_client_t  *client;

    if (socket->accepted || socket->leaving) {
        return;
    }

    app = socket->ns->app;
    client = socket->client;

    sio_app_enter(app);

    if (sio_socket_enroll(socket) != SIO_OK) {
        sio_socket_refuse(socket, sio_cstr(SIO_ERROR_FULL));
        goto done;
    }

    if (!client->connected) {
        client->connected = 1;
        eio_session_set_timeout(client->session, 0);
    }

    if (sio_socket_answer(socket) == SIO_OK) {
        sio_socket_flush(socket);
    }

done:

    sio_app_leave(app);
}


/* CONNECT with the sid.  On failure the session is closed. */

static int
sio_socket_answer(sio_socket_t *socket)
{
    uint8_t       *p;
    uint8_t        data[sizeof("{\"sid\":\"\",\"pid\":\"\"}") - 1
                        + 2 * EIO_SID_LEN];
    sio_str_t      pid;

    pid = sio_str(NULL, 0);

    if (socket->ns->app->ops->accepted) {
        pid = socket->ns->app->ops->accepted(socket);

        /* what was sent may have closed the session */

        if (socket->leaving) {
            return SIO_ERROR;
        }
    }

    p = data;
    memcpy(p, "{\"sid\":\"", 8);
    memcpy(p + 8, socket->sid, EIO_SID_LEN);
    p += 8 + EIO_SID_LEN;

    if (pid.len == EIO_SID_LEN) {
        memcpy(p, "\",\"pid\":\"", 9);
        memcpy(p + 9, pid.data, EIO_SID_LEN);
        p += 9 + EIO_SID_LEN;
    }

    memcpy(p, "\"}", 2);
    p += 2;

    return sio_client_send(socket->client, SIO_CONNECT,
                           sio_namespace_name(socket->ns), SIO_NO_ID,
                           sio_str(data, (size_t) (p - data)));
}


void
sio_socket_refuse(sio_socket_t *socket, sio_str_t error)
{
    if (socket->accepted || socket->leaving) {
        return;
    }

    /* the upper floor knows already */
    socket->waiting = 0;

    sio_socket_send_off(socket, SIO_CONNECT_ERROR, error);
}


void
sio_socket_disconnect(sio_socket_t *socket)
{
    if (!socket->accepted) {
        sio_socket_refuse(socket, sio_cstr(SIO_ERROR_ENDED));

    } else if (!socket->leaving) {
        sio_socket_send_off(socket, SIO_DISCONNECT, sio_str(NULL, 0));
    }
}


/* The client is told, with the last packet that the socket gets. */

static void
sio_socket_send_off(sio_socket_t *socket, sio_packet_e type, sio_str_t data)
{
    sio_app_t  *app;

    app = socket->ns->app;

    sio_app_enter(app);

    (void) sio_client_send(socket->client, type,
                           sio_namespace_name(socket->ns), SIO_NO_ID, data);
    sio_socket_end(socket, SIO_REASON_SERVER);

    sio_app_leave(app);
}


int
sio_socket_adopt(sio_socket_t *socket, sio_str_t sid)
{
    sio_map_t  *sockets;

    sockets = &socket->ns->sockets;

    if (sid.len != EIO_SID_LEN || sio_map_find(sockets, sid)) {
        return SIO_DECLINED;
    }

    /* there is always room for what was just taken out */

    sio_map_remove(sockets, &socket->node);
    memcpy(socket->sid, sid.data, EIO_SID_LEN);

    return sio_map_insert(sockets, &socket->node, sio_socket_sid(socket));
}


void
sio_socket_end(sio_socket_t *socket, unsigned reason)
{
    sio_app_t      *app;
    sio_socket_t  **p;

    if (socket->leaving) {
        return;
    }

    app = socket->ns->app;

    socket->leaving = 1;
    socket->reason = (uint8_t) reason;

    for (p = &socket->client->sockets; *p != socket; p = &(*p)->next) {
        /* void */
    }

    *p = socket->next;
    socket->client->nsockets--;

    socket->next = NULL;
    *app->ended_tail = socket;
    app->ended_tail = &socket->next;
}


void
sio_socket_free(sio_socket_t *socket)
{
    sio_namespace_t      *ns;
    const sio_app_ops_t  *ops;

    ns = socket->ns;
    ops = ns->app->ops;

    if (socket->reason == EIO_REASON_MOVED) {
        /* lives on elsewhere */

    } else if (socket->accepted) {
        ops->disconnect(socket, sio_reason_name(socket->reason));

    } else if (socket->waiting && ops->cancel) {
        ops->cancel(socket);
    }

    if (ops->gone) {
        ops->gone(socket);
    }

    sio_room_leave_all(socket);

    sio_map_remove(&ns->sockets, &socket->node);

    if (socket->accepted) {
        (void) ops->room_changed(ns, NULL, sio_namespace_count(ns));
        (void) ops->socket_changed(socket, 0);

    } else {
        ns->pending--;
    }

    sio_socket_destroy(socket);
    sio_namespace_release(ns);
}


static void
sio_socket_destroy(sio_socket_t *socket)
{
    const sio_mem_t   *mem;
    sio_socket_var_t  *var;

    mem = socket->ns->app->mem;

    sio_socket_drop_held(socket);

    while (socket->vars) {
        var = socket->vars;
        socket->vars = var->next;
        sio_free(mem, var);
    }

    sio_free(mem, socket->identity);
    sio_free(mem, socket->auth);
    sio_free(mem, socket);
}


static sio_str_t
sio_reason_name(unsigned reason)
{
    switch (reason) {

    case SIO_REASON_CLIENT:
        return sio_cstr("client namespace disconnect");

    case SIO_REASON_SERVER:
        return sio_cstr("server namespace disconnect");

    default:
        return eio_reason_name((eio_reason_e) reason);
    }
}


int
sio_socket_send(sio_socket_t *socket, eio_msg_t *msg)
{
    if (socket->leaving) {
        return SIO_ERROR;
    }

    if (!socket->accepted) {
        return sio_socket_hold(socket, msg);
    }

    return eio_session_send(socket->client->session, msg);
}


static int
sio_socket_hold(sio_socket_t *socket, eio_msg_t *msg)
{
    int             rc;
    sio_app_t      *app;
    eio_session_t  *s;

    app = socket->ns->app;
    s = socket->client->session;

    if (socket->held == NULL) {
        socket->held = sio_alloc(app->mem, sizeof(eio_outq_t));

        if (socket->held) {
            eio_outq_init(socket->held);
        }
    }

    rc = SIO_NOMEM;

    if (socket->held) {
        rc = eio_outq_push(socket->held, app->mem, msg, s->options->buffer,
                           &s->dropped);
    }

    if (rc != SIO_OK) {
        eio_session_close(s, rc == SIO_NOMEM ? EIO_REASON_NO_MEMORY
                                             : EIO_REASON_SLOW_CONSUMER,
                          app->ops->now(app));
    }

    return rc;
}


static void
sio_socket_flush(sio_socket_t *socket)
{
    const eio_outq_node_t  *node;

    if (socket->held == NULL) {
        return;
    }

    for (node = eio_outq_first(socket->held); node; node = node->next) {
        if (socket->leaving
            || eio_session_send(socket->client->session, node->msg) != SIO_OK)
        {
            break;
        }
    }

    sio_socket_drop_held(socket);
}


static void
sio_socket_drop_held(sio_socket_t *socket)
{
    const sio_mem_t  *mem;

    if (socket->held) {
        mem = socket->ns->app->mem;

        eio_outq_free(socket->held, mem);
        sio_free(mem, socket->held);
        socket->held = NULL;
    }
}


int
sio_socket_identify(sio_socket_t *socket, const sio_claimed_t *claimed)
{
    int               rc;
    sio_str_t         user, old;
    sio_identity_t   *identity;
    const sio_mem_t  *mem;

    mem = socket->ns->app->mem;
    user = claimed->user;
    old = sio_socket_user(socket);

    if (user.len == 0 || user.len > SIO_ROOM_MAX - SIO_USER_ROOM_LEN
        || claimed->claims.len > SIO_CLAIMS_MAX)
    {
        return SIO_ERROR;
    }

    identity = sio_identity_create(mem, claimed);
    if (identity == NULL) {
        return SIO_NOMEM;
    }

    if (!sio_str_eq(user, old)) {
        rc = sio_socket_user_room(socket, user, sio_room_join);

        if (rc != SIO_OK) {
            sio_free(mem, identity);
            return rc;
        }

        if (old.len) {
            (void) sio_socket_user_room(socket, old, sio_room_leave);
        }
    }

    sio_free(mem, socket->identity);
    socket->identity = identity;

    return SIO_OK;
}


static int
sio_socket_user_room(sio_socket_t *socket, sio_str_t user,
    int (*change)(sio_socket_t *socket, sio_str_t room))
{
    uint8_t  room[SIO_ROOM_MAX];

    return change(socket, sio_user_room(user, room));
}


int
sio_socket_set(sio_socket_t *socket, sio_str_t name, sio_str_t value)
{
    size_t              bytes;
    unsigned            n;
    const sio_mem_t    *mem;
    sio_socket_var_t   *var, *old, **p, **place;

    mem = socket->ns->app->mem;
    place = NULL;
    bytes = 0;
    n = 0;

    for (p = &socket->vars; *p; p = &(*p)->next) {
        if (sio_str_eq(sio_str((*p)->text, (*p)->name_len), name)) {
            place = p;
            continue;
        }

        bytes += (size_t) (*p)->name_len + (*p)->value_len;
        n++;
    }

    var = NULL;

    if (value.len) {

        if (n >= SIO_SOCKET_VARS_MAX
            || name.len > SIO_SOCKET_VARS_BYTES - bytes
            || value.len > SIO_SOCKET_VARS_BYTES - bytes - name.len)
        {
            return SIO_DECLINED;
        }

        var = sio_alloc(mem, sizeof(sio_socket_var_t) + name.len + value.len);
        if (var == NULL) {
            return SIO_NOMEM;
        }

        var->next = NULL;
        var->name_len = (uint32_t) name.len;
        var->value_len = (uint32_t) value.len;
        memcpy(var->text, name.data, name.len);
        memcpy(var->text + name.len, value.data, value.len);
    }

    if (place) {
        old = *place;
        *place = old->next;
        sio_free(mem, old);
    }

    if (var) {
        p = place ? place : p;
        var->next = *p;
        *p = var;
    }

    sio_socket_changed(socket);

    return SIO_OK;
}


int
sio_socket_get(const sio_socket_t *socket, sio_str_t name, sio_str_t *value)
{
    const sio_socket_var_t  *var;

    for (var = socket->vars; var; var = var->next) {
        if (sio_str_eq(sio_str(var->text, var->name_len), name)) {
            *value = sio_str(var->text + var->name_len, var->value_len);
            return SIO_OK;
        }
    }

    return SIO_DECLINED;
}
