/*
 * Requests between hosts.
 *
 * Strings are unescaped into one buffer that is made large enough first: no
 * text is longer unescaped than it was.
 */


#include "codec/sio_adapter_request.h"
#include "codec/sio_event.h"


#define SIO_ADAPTER_KEYS  1000000


static const sio_json_limits_t  sio_adapter_limits = {
    SIO_MSGPACK_DEPTH, SIO_ADAPTER_KEYS
};


static int sio_request_json(sio_adapter_t *a, sio_str_t message,
    sio_request_t *r);
static int sio_request_msgpack(sio_adapter_t *a, sio_str_t message,
    sio_request_t *r);
static int sio_request_targets(sio_adapter_t *a, sio_str_t object,
    unsigned *used, sio_request_t *r);
static int sio_request_put_opts(sio_buf_t *buf,
    const sio_adapter_opts_t *opts);
static int sio_request_put_broadcast(sio_buf_t *buf, const sio_request_t *r);
static int sio_response_msgpack(sio_adapter_t *a, sio_str_t message,
    sio_response_t *r);


int
sio_adapter_request_decode(sio_adapter_t *a, sio_str_t message,
    sio_request_t *r)
{
    memset(r, 0, sizeof(sio_request_t));

    if (message.len == 0) {
        return SIO_ERROR;
    }

    return message.data[0] == '{' ? sio_request_json(a, message, r)
                                  : sio_request_msgpack(a, message, r);
}


static int
sio_request_json(sio_adapter_t *a, sio_str_t message, sio_request_t *r)
{
    int              rc;
    int64_t          type;
    unsigned         used;
    sio_str_t        object, value;
    sio_json_info_t  info;

    rc = sio_request_validate(a, message, &info, &object);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("type"), &value) != SIO_OK
        || sio_json_int(value, &type) != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (type < 0 || type >= SIO_REQUEST_BROADCAST) {
        return SIO_DECLINED;
    }

    r->type = (sio_request_e) type;

    rc = sio_request_string(a, object, "uid", &r->uid);

    if (rc == SIO_OK) {
        rc = sio_request_string(a, object, "requestId", &r->id);
    }

    used = 0;

    if (rc == SIO_OK) {
        rc = sio_request_names(a, object, "rooms", &used, &r->rooms,
                               &r->nrooms);
    }

    if (rc == SIO_OK && r->nrooms == 0) {
        rc = sio_request_names(a, object, "room", &used, &r->rooms,
                               &r->nrooms);
    }

    if (rc == SIO_OK) {
        rc = sio_request_targets(a, object, &used, r);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("close"), &value) == SIO_OK) {
        r->close = sio_json_type(value) == SIO_JSON_TRUE;
    }

    if (sio_json_member(object, sio_cstr("data"), &value) == SIO_OK) {
        r->data = value;
    }

    r->page = sio_request_page(object);

    /* JSON brings no attachments */

    return r->type == SIO_REQUEST_SERVER_EMIT
           && (info.placeholders
               || sio_json_type(r->data) != SIO_JSON_ARRAY)
           ? SIO_ERROR : SIO_OK;
}


/* opts of rooms and except, or one socket. */

static int
sio_request_targets(sio_adapter_t *a, sio_str_t object, unsigned *used,
    sio_request_t *r)
{
    int                  rc;
    sio_str_t            opts;
    sio_adapter_opts_t  *target;

    target = &r->broadcast.opts;

    if (sio_json_member(object, sio_cstr("opts"), &opts) == SIO_OK) {

        rc = sio_request_names(a, opts, "rooms", used, &target->rooms,
                               &target->nrooms);
        if (rc != SIO_OK) {
            return rc;
        }

        return sio_request_names(a, opts, "except", used, &target->except,
                                 &target->nexcept);
    }

    rc = sio_request_names(a, object, "sid", used, &target->rooms,
                           &target->nrooms);

    /* without options or a socket nobody was meant, not everyone */

    if (rc == SIO_OK && target->nrooms == 0
        && (r->type == SIO_REQUEST_JOIN || r->type == SIO_REQUEST_LEAVE
            || r->type == SIO_REQUEST_DISCONNECT))
    {
        return SIO_ERROR;
    }

    return rc;
}


/* {uid, requestId, type: 7, packet, opts} */

static int
sio_request_msgpack(sio_adapter_t *a, sio_str_t message, sio_request_t *r)
{
    int                  rc;
    uint64_t             n, type;
    sio_str_t            key;
    sio_msgpack_t        m;
    sio_msgpack_value_t  v;

    m.pos = message.data;
    m.end = message.data + message.len;

    if (sio_msgpack_next(&m, &v) != SIO_OK || v.type != SIO_MSGPACK_MAP) {
        return SIO_ERROR;
    }

    rc = SIO_OK;
    type = SIO_REQUEST_N;
    sio_buf_reset(&a->numbers);

    for (n = v.u; n && rc == SIO_OK; n--) {

        if (sio_msgpack_next(&m, &v) != SIO_OK || v.type != SIO_MSGPACK_STR) {
            return SIO_ERROR;
        }

        key = v.bytes;

        if (sio_str_eq(key, sio_cstr("packet"))) {
            rc = sio_adapter_packet_decode(a, &m, &r->broadcast);
            continue;
        }

        if (sio_str_eq(key, sio_cstr("opts"))) {
            rc = sio_adapter_opts_decode(a, &m, &r->broadcast);
            continue;
        }

        if (sio_str_eq(key, sio_cstr("type"))) {
            rc = sio_msgpack_next(&m, &v);
            type = v.type == SIO_MSGPACK_UINT ? v.u : SIO_REQUEST_N;
            continue;
        }

        if (!sio_str_eq(key, sio_cstr("uid"))
            && !sio_str_eq(key, sio_cstr("requestId")))
        {
            rc = sio_msgpack_skip(&m, NULL);
            continue;
        }

        rc = sio_msgpack_next(&m, &v);

        if (rc != SIO_OK || v.type != SIO_MSGPACK_STR) {
            return SIO_ERROR;
        }

        *(key.len == 3 ? &r->uid : &r->id) = v.bytes;
    }

    if (rc != SIO_OK) {
        return rc;
    }

    r->type = SIO_REQUEST_BROADCAST;

    return type == SIO_REQUEST_BROADCAST
           ? (r->broadcast.event.data && r->id.len ? SIO_OK : SIO_ERROR)
           : SIO_DECLINED;
}


int
sio_request_validate(sio_adapter_t *a, sio_str_t message,
    sio_json_info_t *info, sio_str_t *object)
{
    if (sio_json_validate(message, &sio_adapter_limits, info, object)
        != SIO_OK
        || sio_json_type(*object) != SIO_JSON_OBJECT)
    {
        return SIO_ERROR;
    }

    sio_buf_reset(&a->text);

    return sio_buf_reserve(&a->text, message.len);
}


/* A list of names, or one; missing and null are none. */

int
sio_request_names(sio_adapter_t *a, sio_str_t object, const char *key,
    unsigned *used, sio_str_t **names, unsigned *n)
{
    int              rc;
    sio_str_t        list, value;
    sio_json_iter_t  it;

    *n = 0;
    *names = a->names + *used;

    if (sio_json_member(object, sio_cstr(key), &list) != SIO_OK
        || sio_json_type(list) == SIO_JSON_NULL)
    {
        return SIO_OK;
    }

    if (sio_json_type(list) != SIO_JSON_ARRAY) {
        it.pos = list.data;
        it.end = list.data + list.len;

    } else {
        sio_json_array_iter(&it, list);
    }

    while (sio_json_array_next(&it, &value) == SIO_OK) {

        if (*used == SIO_ADAPTER_ROOMS_MAX) {
            return SIO_DECLINED;
        }

        rc = sio_request_text(a, value, &a->names[*used]);

        if (rc != SIO_OK) {
            return rc;
        }

        (*used)++;
        (*n)++;
    }

    return SIO_OK;
}


int
sio_request_string(sio_adapter_t *a, sio_str_t object, const char *key,
    sio_str_t *s)
{
    sio_str_t  value;

    *s = sio_str(NULL, 0);

    if (sio_json_member(object, sio_cstr(key), &value) != SIO_OK
        || sio_json_type(value) == SIO_JSON_NULL)
    {
        return SIO_OK;
    }

    return sio_request_text(a, value, s);
}


/* A string's bytes; a number as it stands. */

int
sio_request_text(sio_adapter_t *a, sio_str_t value, sio_str_t *s)
{
    int     rc;
    size_t  start;

    switch (sio_json_type(value)) {

    case SIO_JSON_NUMBER:
        *s = value;
        return SIO_OK;

    case SIO_JSON_STRING:
        start = a->text.len;
        rc = sio_json_unescape(&a->text, value);
        *s = sio_str(a->text.data + start, a->text.len - start);
        return rc;

    default:
        return SIO_ERROR;
    }
}


/* In base64 nothing is to be unescaped. */

sio_str_t
sio_request_page(sio_str_t object)
{
    sio_str_t  value;

    if (sio_json_member(object, sio_cstr(SIO_REQUEST_PAGE), &value) != SIO_OK
        || sio_json_type(value) != SIO_JSON_STRING)
    {
        return sio_str(NULL, 0);
    }

    return sio_str(value.data + 1, value.len - 2);
}


int
sio_adapter_request_encode(sio_buf_t *buf, const sio_request_t *r)
{
    int     rc;
    size_t  len;

    if (r->type == SIO_REQUEST_BROADCAST) {
        return sio_request_put_broadcast(buf, r);
    }

    len = buf->len;

    rc = sio_buf_append(buf, "{\"uid\":", 7);

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, r->uid);
    }

    if (rc == SIO_OK && r->id.len) {
        rc = sio_buf_append(buf, ",\"requestId\":", 13);

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, r->id);
        }
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, ",\"type\":", 8);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_uint(buf, (uint64_t) r->type);
    }

    if (rc == SIO_OK && r->type == SIO_REQUEST_SERVER_EMIT) {
        rc = sio_buf_append(buf, ",\"data\":", 8);

        if (rc == SIO_OK) {
            rc = sio_buf_append_str(buf, r->data);
        }

    } else if (rc == SIO_OK && r->type != SIO_REQUEST_ALL_ROOMS) {
        rc = sio_request_put_opts(buf, &r->broadcast.opts);
    }

    if (rc == SIO_OK
        && (r->type == SIO_REQUEST_JOIN || r->type == SIO_REQUEST_LEAVE))
    {
        rc = sio_buf_append_char(buf, ',');

        if (rc == SIO_OK) {
            rc = sio_request_put_names(buf, "rooms", r->rooms, r->nrooms);
        }
    }

    if (rc == SIO_OK && r->type == SIO_REQUEST_DISCONNECT) {
        rc = sio_buf_append_str(buf, r->close ? sio_cstr(",\"close\":true")
                                              : sio_cstr(",\"close\":false"));
    }

    if (rc == SIO_OK && r->page.len) {
        rc = sio_buf_append(buf, ",\"" SIO_REQUEST_PAGE "\":",
                            sizeof(SIO_REQUEST_PAGE) + 3);

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, r->page);
        }
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, '}');
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


/* {uid, requestId, type: 7, packet, opts} */

static int
sio_request_put_broadcast(sio_buf_t *buf, const sio_request_t *r)
{
    int     rc;
    size_t  len;

    len = buf->len;
    rc = sio_buf_append(buf, "\x85" "\xa3" "uid", 5);

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_str(buf, r->uid);
    }

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_str(buf, sio_cstr("requestId"));
    }

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_str(buf, r->id);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "\xa4" "type" "\x07" "\xa6" "packet", 13);
    }

    if (rc == SIO_OK) {
        rc = sio_adapter_packet_encode(buf, &r->broadcast);
    }

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_str(buf, sio_cstr("opts"));
    }

    if (rc == SIO_OK) {
        rc = sio_adapter_opts_encode(buf, &r->broadcast);
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


static int
sio_request_put_opts(sio_buf_t *buf, const sio_adapter_opts_t *opts)
{
    int  rc;

    rc = sio_buf_append(buf, ",\"opts\":{", 9);

    if (rc == SIO_OK) {
        rc = sio_request_put_names(buf, "rooms", opts->rooms, opts->nrooms);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, ',');
    }

    if (rc == SIO_OK) {
        rc = sio_request_put_names(buf, "except", opts->except,
                                   opts->nexcept);
    }

    return rc == SIO_OK ? sio_buf_append_char(buf, '}') : rc;
}


/* "key":["name",...] */

int
sio_request_put_names(sio_buf_t *buf, const char *key, const sio_str_t *names,
    unsigned n)
{
    int       rc;
    unsigned  i;

    rc = sio_json_quote(buf, sio_cstr(key));

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, ":[", 2);
    }

    for (i = 0; i < n && rc == SIO_OK; i++) {

        if (i) {
            rc = sio_buf_append_char(buf, ',');
        }

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, names[i]);
        }
    }

    return rc == SIO_OK ? sio_buf_append_char(buf, ']') : rc;
}


int
sio_adapter_response_decode(sio_adapter_t *a, sio_str_t message,
    sio_response_t *r)
{
    int              rc;
    int64_t          n;
    sio_str_t        object, value;
    sio_json_info_t  info;

    memset(r, 0, sizeof(sio_response_t));
    r->type = -1;

    if (message.len == 0) {
        return SIO_ERROR;
    }

    if (message.data[0] != '{') {
        return sio_response_msgpack(a, message, r);
    }

    rc = sio_request_validate(a, message, &info, &object);

    if (rc == SIO_OK) {
        rc = sio_request_string(a, object, "requestId", &r->id);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("type"), &value) == SIO_OK) {
        r->type = sio_json_int(value, &n) == SIO_OK && n >= 0
                  && n < SIO_REQUEST_N ? (int) n : SIO_REQUEST_N;
    }

    if (sio_json_member(object, sio_cstr("clientCount"), &value) == SIO_OK
        && sio_json_int(value, &n) == SIO_OK && n > 0)
    {
        r->count = (uint64_t) n;
    }

    (void) sio_json_member(object, sio_cstr("sockets"), &r->sockets);
    (void) sio_json_member(object, sio_cstr("rooms"), &r->rooms);
    (void) sio_json_member(object, sio_cstr("data"), &r->data);

    r->page = sio_request_page(object);

    return r->id.len ? SIO_OK : SIO_ERROR;
}


/* {type: 9, requestId, packet: value} */

static int
sio_response_msgpack(sio_adapter_t *a, sio_str_t message, sio_response_t *r)
{
    int                  rc;
    uint64_t             n;
    sio_str_t            key;
    sio_msgpack_t        m;
    sio_msgpack_value_t  v;

    m.pos = message.data;
    m.end = message.data + message.len;

    if (sio_msgpack_next(&m, &v) != SIO_OK || v.type != SIO_MSGPACK_MAP) {
        return SIO_ERROR;
    }

    rc = SIO_OK;

    for (n = v.u; n && rc == SIO_OK; n--) {

        if (sio_msgpack_next(&m, &v) != SIO_OK || v.type != SIO_MSGPACK_STR) {
            return SIO_ERROR;
        }

        key = v.bytes;

        if (sio_str_eq(key, sio_cstr("packet"))) {
            r->attachments.n = 0;
            sio_buf_reset(&a->text);
            rc = sio_msgpack_to_json(&m, &a->text, &r->attachments);
            r->data = sio_buf_str(&a->text);

        } else if (sio_str_eq(key, sio_cstr("type"))) {
            rc = sio_msgpack_next(&m, &v);
            r->type = v.type == SIO_MSGPACK_UINT && v.u < SIO_REQUEST_N
                      ? (int) v.u : SIO_REQUEST_N;

        } else if (sio_str_eq(key, sio_cstr("requestId"))) {
            rc = sio_msgpack_next(&m, &v);

            if (rc == SIO_OK && v.type == SIO_MSGPACK_STR) {
                r->id = v.bytes;
            }

        } else {
            rc = sio_msgpack_skip(&m, NULL);
        }
    }

    if (rc != SIO_OK) {
        return rc;
    }

    return r->id.len ? SIO_OK : SIO_ERROR;
}


int
sio_adapter_response_encode(sio_buf_t *buf, sio_str_t id, int type,
    const char *name, sio_str_t value)
{
    int     rc;
    size_t  len;

    len = buf->len;
    rc = sio_buf_append_char(buf, '{');

    if (rc == SIO_OK && type >= 0) {
        rc = sio_buf_append(buf, "\"type\":", 7);

        if (rc == SIO_OK) {
            rc = sio_buf_append_uint(buf, (uint64_t) type);
        }

        if (rc == SIO_OK) {
            rc = sio_buf_append_char(buf, ',');
        }
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "\"requestId\":", 12);
    }

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, id);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, ',');
    }

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, sio_cstr(name));
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, ':');
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(buf, value);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, '}');
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


int
sio_adapter_page_encode(sio_buf_t *buf, sio_str_t id, sio_str_t page)
{
    int     rc;
    size_t  len;

    len = buf->len;
    rc = sio_buf_append(buf, "{\"requestId\":", 13);

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, id);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, ",\"" SIO_REQUEST_PAGE "\":\"",
                            sizeof(SIO_REQUEST_PAGE) + 4);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(buf, page);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "\"}", 2);
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


int
sio_adapter_ack_encode(sio_buf_t *buf, sio_str_t id, sio_str_t value,
    const sio_binary_t *from)
{
    int     rc;
    size_t  len;

    len = buf->len;

    rc = sio_buf_append(buf, "\x83" "\xa4" "type" "\x09" "\xa9" "requestId",
                        17);

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_str(buf, id);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "\xa6" "packet", 7);
    }

    if (rc == SIO_OK) {
        rc = value.len ? sio_msgpack_from_json(buf, value, from)
                       : sio_msgpack_put_nil(buf);
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}
