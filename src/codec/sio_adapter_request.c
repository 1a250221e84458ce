/*
 * Requests between hosts.
 *
 * Strings are unescaped into one buffer that is made large enough first: no
 * text is longer unescaped than it was.
 */


#include "codec/sio_adapter_request.h"


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
    sio_writer_t  w;

    if (r->type == SIO_REQUEST_BROADCAST) {
        return sio_request_put_broadcast(buf, r);
    }

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "{\"uid\":");
    sio_writer_check(&w, sio_json_quote(buf, r->uid));

    if (r->id.len) {
        sio_writer_put_text(&w, ",\"requestId\":");
        sio_writer_check(&w, sio_json_quote(buf, r->id));
    }

    sio_writer_put_text(&w, ",\"type\":");
    sio_writer_put_uint(&w, (uint64_t) r->type);

    if (r->type == SIO_REQUEST_SERVER_EMIT) {
        sio_writer_put_text(&w, ",\"data\":");
        sio_writer_put_str(&w, r->data);

    } else if (r->type != SIO_REQUEST_ALL_ROOMS) {
        sio_writer_put_text(&w, ",\"opts\":{");
        sio_request_put_opts(&w, &r->broadcast.opts);
        sio_writer_put_text(&w, "}");
    }

    if (r->type == SIO_REQUEST_JOIN || r->type == SIO_REQUEST_LEAVE) {
        sio_writer_put_text(&w, ",");
        sio_request_put_names(&w, "rooms", r->rooms, r->nrooms);
    }

    if (r->type == SIO_REQUEST_DISCONNECT) {
        sio_writer_put_text(&w, r->close ? ",\"close\":true"
                                         : ",\"close\":false");
    }

    sio_request_put_page(&w, r->page);
    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w);
}


/* {uid, requestId, type: 7, packet, opts} */

static int
sio_request_put_broadcast(sio_buf_t *buf, const sio_request_t *r)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "\x85" "\xa3" "uid");
    sio_writer_check(&w, sio_msgpack_put_str(buf, r->uid));
    sio_writer_check(&w, sio_msgpack_put_str(buf, sio_cstr("requestId")));
    sio_writer_check(&w, sio_msgpack_put_str(buf, r->id));
    sio_writer_put_text(&w, "\xa4" "type" "\x07" "\xa6" "packet");
    sio_writer_check(&w, sio_adapter_packet_encode(buf, &r->broadcast));
    sio_writer_check(&w, sio_msgpack_put_str(buf, sio_cstr("opts")));
    sio_writer_check(&w, sio_adapter_opts_encode(buf, &r->broadcast));

    return sio_writer_end(&w);
}


void
sio_request_put_opts(sio_writer_t *w, const sio_adapter_opts_t *opts)
{
    sio_request_put_names(w, "rooms", opts->rooms, opts->nrooms);
    sio_writer_put_text(w, ",");
    sio_request_put_names(w, "except", opts->except, opts->nexcept);
}


/* "key":["name",...] */

void
sio_request_put_names(sio_writer_t *w, const char *key, const sio_str_t *names,
    unsigned n)
{
    unsigned  i;

    sio_writer_put_text(w, "\"");
    sio_writer_put_text(w, key);
    sio_writer_put_text(w, "\":[");

    for (i = 0; i < n; i++) {
        sio_writer_put_text(w, i ? "," : "");
        sio_writer_check(w, sio_json_quote(w->buf, names[i]));
    }

    sio_writer_put_text(w, "]");
}


/* What only hosts of our kind know, if there is any. */

void
sio_request_put_page(sio_writer_t *w, sio_str_t page)
{
    if (page.len) {
        sio_writer_put_text(w, ",\"" SIO_REQUEST_PAGE "\":");
        sio_writer_check(w, sio_json_quote(w->buf, page));
    }
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
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "{");

    if (type >= 0) {
        sio_writer_put_text(&w, "\"type\":");
        sio_writer_put_uint(&w, (uint64_t) type);
        sio_writer_put_text(&w, ",");
    }

    sio_writer_put_text(&w, "\"requestId\":");
    sio_writer_check(&w, sio_json_quote(buf, id));
    sio_writer_put_text(&w, ",\"");
    sio_writer_put_text(&w, name);
    sio_writer_put_text(&w, "\":");
    sio_writer_put_str(&w, value);
    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w);
}


int
sio_adapter_page_encode(sio_buf_t *buf, sio_str_t id, sio_str_t page)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "{\"requestId\":");
    sio_writer_check(&w, sio_json_quote(buf, id));
    sio_writer_put_text(&w, ",\"" SIO_REQUEST_PAGE "\":\"");
    sio_writer_put_str(&w, page);
    sio_writer_put_text(&w, "\"}");

    return sio_writer_end(&w);
}


int
sio_adapter_ack_encode(sio_buf_t *buf, sio_str_t id, sio_str_t value,
    const sio_binary_t *from)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "\x83" "\xa4" "type" "\x09" "\xa9" "requestId");
    sio_writer_check(&w, sio_msgpack_put_str(buf, id));
    sio_writer_put_text(&w, "\xa6" "packet");
    sio_writer_check(&w, value.len ? sio_msgpack_from_json(buf, value, from)
                                   : sio_msgpack_put_nil(buf));

    return sio_writer_end(&w);
}
