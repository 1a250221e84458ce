/*
 * Cluster messages.
 *
 * What a type is made of is said once for all writers, by a template of JSON
 * in which "@" and a letter stand for a part of the message.  MessagePack is
 * made of that text, and read by way of such a text.
 */


#include "codec/sio_cluster.h"
#include "codec/sio_base64.h"
#include "codec/sio_event.h"


static int sio_cluster_message(sio_adapter_t *a, sio_str_t json,
    const sio_binary_t *attachments, sio_cluster_t *m);
static int sio_cluster_validate(sio_adapter_t *a, sio_str_t json,
    const sio_binary_t *attachments, sio_str_t *object);
static int sio_cluster_convert(sio_adapter_t *a, sio_str_t message,
    sio_binary_t *attachments);
static int sio_cluster_data(sio_adapter_t *a, sio_str_t data,
    const sio_binary_t *attachments, sio_cluster_t *m);
static int sio_cluster_broadcast(sio_adapter_t *a, sio_str_t data,
    const sio_binary_t *attachments, sio_adapter_broadcast_t *b);
static int sio_cluster_opts(sio_adapter_t *a, sio_str_t data, unsigned *used,
    sio_adapter_broadcast_t *b);
static int sio_cluster_response(sio_str_t data, sio_cluster_t *m);
static void sio_cluster_template(sio_writer_t *w, const char *template,
    const sio_cluster_t *m);
static void sio_cluster_part(sio_writer_t *w, int part,
    const sio_cluster_t *m);
static void sio_cluster_put_opts(sio_writer_t *w,
    const sio_adapter_broadcast_t *b);
static const sio_binary_t *sio_cluster_binary(const sio_cluster_t *m);


typedef struct {
    int          request;        /* sio_request_e, or -1: it is none */
    const char  *data;           /* template; NULL: it has no data */
} sio_cluster_type_t;


static const sio_cluster_type_t  sio_cluster_types[SIO_CLUSTER_N] = {
    { -1, NULL },
    { -1, NULL },
    { -1, NULL },
    { SIO_REQUEST_BROADCAST,
      "{\"packet\":{\"type\":2,\"data\":@e},@i\"opts\":@o}" },
    { SIO_REQUEST_JOIN, "{\"opts\":@o,@r}" },
    { SIO_REQUEST_LEAVE, "{\"opts\":@o,@r}" },
    { SIO_REQUEST_DISCONNECT, "{\"opts\":@o,\"close\":@c}" },
    { SIO_REQUEST_FETCH, "{\"opts\":@o,\"requestId\":@q@p}" },
    { -1, "{\"requestId\":@a,\"sockets\":@s@P}" },
    { SIO_REQUEST_SERVER_EMIT, "{@i\"packet\":@d}" },
    { -1, "{\"requestId\":@a,\"packet\":@v}" },
    { -1, "{\"requestId\":@a,\"clientCount\":@n}" },
    { -1, "{\"requestId\":@a,\"packet\":@v}" },
    { -1, NULL }
};


int
sio_cluster_decode(sio_adapter_t *a, sio_str_t message, sio_cluster_t *m)
{
    int           rc;
    sio_binary_t  attachments;

    memset(m, 0, sizeof(sio_cluster_t));
    attachments.n = 0;

    if (message.len == 0) {
        return SIO_ERROR;
    }

    if (message.data[0] != '{') {

        rc = sio_cluster_convert(a, message, &attachments);
        if (rc != SIO_OK) {
            return rc;
        }

        message = sio_buf_str(&a->json);
    }

    return sio_cluster_message(a, message, &attachments, m);
}


int
sio_cluster_entry_decode(sio_adapter_t *a, const sio_cluster_entry_t *e,
    sio_cluster_t *m)
{
    int           rc;
    size_t        i;
    unsigned      type;
    sio_str_t     data;
    sio_binary_t  attachments;

    memset(m, 0, sizeof(sio_cluster_t));

    attachments.n = 0;
    data = e->data;
    m->uid = e->uid;
    m->nsp = e->nsp;

    type = 0;

    for (i = 0; i < e->type.len && i < 3; i++) {

        if (e->type.data[i] < '0' || e->type.data[i] > '9') {
            return SIO_ERROR;
        }

        type = type * 10 + (e->type.data[i] - '0');
    }

    if (type == 0 || type >= SIO_CLUSTER_N) {
        return SIO_DECLINED;
    }

    m->type = (sio_cluster_e) type;

    if (sio_cluster_types[type].data == NULL) {
        return SIO_OK;
    }

    if (data.len == 0) {
        return SIO_ERROR;
    }

    if (data.data[0] != '{') {
        rc = sio_cluster_unpack(a, data, &attachments);

        if (rc != SIO_OK) {
            return rc;
        }

        data = sio_buf_str(&a->json);
    }

    rc = sio_cluster_validate(a, data, &attachments, &data);

    return rc == SIO_OK ? sio_cluster_data(a, data, &attachments, m) : rc;
}


int
sio_cluster_unpack(sio_adapter_t *a, sio_str_t text, sio_binary_t *attachments)
{
    int     rc;
    size_t  len;

    if (text.len == 0) {
        return SIO_ERROR;
    }

    sio_buf_reset(&a->bytes);

    rc = sio_buf_reserve(&a->bytes, sio_base64_decoded_max(text.len));
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_base64_decode(a->bytes.data, &len, text.data, text.len) != SIO_OK)
    {
        return SIO_ERROR;
    }

    return sio_cluster_convert(a, sio_str(a->bytes.data, len), attachments);
}


/* MessagePack as JSON, in a->json. */

static int
sio_cluster_convert(sio_adapter_t *a, sio_str_t message,
    sio_binary_t *attachments)
{
    sio_msgpack_t  cursor;

    cursor.pos = message.data;
    cursor.end = message.data + message.len;

    sio_buf_reset(&a->json);

    return sio_msgpack_to_json(&cursor, &a->json, attachments);
}


static int
sio_cluster_message(sio_adapter_t *a, sio_str_t json,
    const sio_binary_t *attachments, sio_cluster_t *m)
{
    int        rc;
    int64_t    type;
    sio_str_t  object, value;

    rc = sio_cluster_validate(a, json, attachments, &object);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("type"), &value) != SIO_OK
        || sio_json_int(value, &type) != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (type <= 0 || type >= SIO_CLUSTER_N) {
        return SIO_DECLINED;
    }

    m->type = (sio_cluster_e) type;

    rc = sio_request_string(a, object, "uid", &m->uid);

    if (rc == SIO_OK) {
        rc = sio_request_string(a, object, "nsp", &m->nsp);
    }

    if (rc != SIO_OK || sio_cluster_types[type].data == NULL) {
        return rc;
    }

    return sio_json_member(object, sio_cstr("data"), &value) == SIO_OK
           ? sio_cluster_data(a, value, attachments, m) : SIO_ERROR;
}


/* No placeholder without its attachment, no attachment without one. */

static int
sio_cluster_validate(sio_adapter_t *a, sio_str_t json,
    const sio_binary_t *attachments, sio_str_t *object)
{
    int              rc;
    sio_json_info_t  info;

    rc = sio_request_validate(a, json, &info, object);
    if (rc != SIO_OK) {
        return rc;
    }

    return info.bad_placeholder
           || info.placeholder_nums != ((uint64_t) 1 << attachments->n) - 1
           ? SIO_ERROR : SIO_OK;
}


static int
sio_cluster_data(sio_adapter_t *a, sio_str_t data,
    const sio_binary_t *attachments, sio_cluster_t *m)
{
    int             rc;
    unsigned        used;
    sio_str_t       value;
    sio_request_t  *r;

    r = &m->request;

    m->attachments = *attachments;

    rc = sio_request_string(a, data, "requestId", &r->id);

    if (rc != SIO_OK || sio_json_type(data) != SIO_JSON_OBJECT) {
        return SIO_ERROR;
    }

    if (sio_cluster_types[m->type].request < 0) {
        m->response.id = r->id;
        return sio_cluster_response(data, m);
    }

    r->type = (sio_request_e) sio_cluster_types[m->type].request;
    r->uid = m->uid;
    r->broadcast.nsp = m->nsp;
    r->page = sio_request_page(data);
    used = 0;

    if (m->type == SIO_CLUSTER_SERVER_EMIT) {
        r->broadcast.attachments = *attachments;

        return sio_json_member(data, sio_cstr("packet"), &r->data) == SIO_OK
               && sio_json_type(r->data) == SIO_JSON_ARRAY
               ? SIO_OK : SIO_ERROR;
    }

    rc = sio_cluster_opts(a, data, &used, &r->broadcast);

    if (rc == SIO_OK) {
        rc = sio_request_names(a, data, "rooms", &used, &r->rooms,
                               &r->nrooms);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(data, sio_cstr("close"), &value) == SIO_OK) {
        r->close = sio_json_type(value) == SIO_JSON_TRUE;
    }

    return m->type == SIO_CLUSTER_BROADCAST
           ? sio_cluster_broadcast(a, data, attachments, &r->broadcast)
           : SIO_OK;
}


/* {packet: {type: 2, data: [event, args...]}} */

static int
sio_cluster_broadcast(sio_adapter_t *a, sio_str_t data,
    const sio_binary_t *attachments, sio_adapter_broadcast_t *b)
{
    int              rc;
    int64_t          type;
    sio_str_t        packet, value;
    sio_json_info_t  info;

    static const sio_json_limits_t  limits = {
        SIO_JSON_DEPTH_MAX, (unsigned) -1
    };

    if (sio_json_member(data, sio_cstr("packet"), &packet) != SIO_OK
        || sio_json_member(packet, sio_cstr("type"), &value) != SIO_OK
        || sio_json_int(value, &type) != SIO_OK
        || sio_json_member(packet, sio_cstr("data"), &value) != SIO_OK
        || sio_json_type(value) != SIO_JSON_ARRAY)
    {
        return SIO_ERROR;
    }

    if (type != SIO_EVENT && type != SIO_BINARY_EVENT) {
        return SIO_DECLINED;
    }

    /* attachments that stand elsewhere would be missed in the packet */

    if (attachments->n
        && (sio_json_validate(value, &limits, &info, NULL) != SIO_OK
            || info.placeholder_nums
               != ((uint64_t) 1 << attachments->n) - 1))
    {
        return SIO_ERROR;
    }

    b->attachments = *attachments;
    b->args = sio_event_args(value);

    if (sio_event_shift(&b->args, &value) != SIO_OK) {
        return SIO_ERROR;
    }

    rc = sio_request_text(a, value, &b->event);

    return rc == SIO_OK && sio_packet_reserved(b->event) ? SIO_ERROR : rc;
}


/* {opts: {rooms, except, flags}}; without it nobody is meant, not everyone */

static int
sio_cluster_opts(sio_adapter_t *a, sio_str_t data, unsigned *used,
    sio_adapter_broadcast_t *b)
{
    int        rc;
    int64_t    timeout;
    sio_str_t  opts, flags, value;

    if (sio_json_member(data, sio_cstr("opts"), &opts) != SIO_OK
        || sio_json_type(opts) != SIO_JSON_OBJECT)
    {
        return SIO_ERROR;
    }

    rc = sio_request_names(a, opts, "rooms", used, &b->opts.rooms,
                           &b->opts.nrooms);

    if (rc == SIO_OK) {
        rc = sio_request_names(a, opts, "except", used, &b->opts.except,
                               &b->opts.nexcept);
    }

    if (rc != SIO_OK
        || sio_json_member(opts, sio_cstr("flags"), &flags) != SIO_OK)
    {
        return rc;
    }

    if (sio_json_member(flags, sio_cstr("volatile"), &value) == SIO_OK) {
        b->volatile_ = sio_json_type(value) == SIO_JSON_TRUE;
    }

    if (sio_json_member(flags, sio_cstr("timeout"), &value) == SIO_OK
        && sio_json_int(value, &timeout) == SIO_OK
        && timeout > 0 && timeout < UINT32_MAX)
    {
        b->timeout = (uint32_t) timeout;
    }

    return SIO_OK;
}


static int
sio_cluster_response(sio_str_t data, sio_cluster_t *m)
{
    int64_t          n;
    sio_str_t        value;
    sio_response_t  *r;

    r = &m->response;
    r->type = -1;

    if (r->id.len == 0) {
        return SIO_ERROR;
    }

    switch (m->type) {

    case SIO_CLUSTER_FETCHED:
        r->page = sio_request_page(data);

        return sio_json_member(data, sio_cstr("sockets"), &r->sockets)
               == SIO_OK
               && sio_json_type(r->sockets) == SIO_JSON_ARRAY
               ? SIO_OK : SIO_ERROR;

    case SIO_CLUSTER_CLIENT_COUNT:
        r->type = SIO_RESPONSE_CLIENT_COUNT;

        if (sio_json_member(data, sio_cstr("clientCount"), &value) != SIO_OK
            || sio_json_int(value, &n) != SIO_OK || n < 0)
        {
            return SIO_ERROR;
        }

        r->count = (uint64_t) n;
        return SIO_OK;

    case SIO_CLUSTER_ACK:
        r->type = SIO_RESPONSE_ACK;
        break;

    default:
        r->type = SIO_REQUEST_SERVER_EMIT;
    }

    /* what is undefined is left out */

    if (sio_json_member(data, sio_cstr("packet"), &r->data) != SIO_OK) {
        r->data = sio_cstr("null");
    }

    return SIO_OK;
}


int
sio_cluster_is_own(sio_str_t message, sio_str_t uid, sio_str_t nsp)
{
    unsigned        i, format;
    sio_str_t       part[5];
    const uint8_t  *p;

    format = message.len && message.data[0] == '{';

    part[0] = sio_cstr(format ? "\"}" : "");
    part[1] = nsp;
    part[2] = sio_cstr(format ? "\",\"nsp\":\"" : "\xa3nsp");
    part[3] = uid;
    part[4] = sio_cstr(format ? ",\"uid\":\"" : "\xa3uid");

    p = message.data + message.len;

    for (i = 0; i < 5; i++) {

        if ((size_t) (p - message.data) < part[i].len + 1) {
            return 0;
        }

        p -= part[i].len;

        if (memcmp(p, part[i].data, part[i].len) != 0) {
            return 0;
        }

        if (format || (i != 1 && i != 3)) {
            continue;
        }

        /* in front of a short string; one behind a long head is not seen */

        if (part[i].len > 31 || *--p != (0xa0 | part[i].len)) {
            return 0;
        }
    }

    return 1;
}


int
sio_cluster_encode(sio_adapter_t *a, sio_buf_t *buf, const sio_cluster_t *m,
    int binary)
{
    sio_writer_t  w;

    static const char  message[] =
        "{\"type\":@t,\"data\":@D,\"uid\":@u,\"nsp\":@N}";
    static const char  bare[] = "{\"type\":@t,\"uid\":@u,\"nsp\":@N}";

    binary |= sio_cluster_binary(m)->n != 0;

    sio_buf_reset(&a->json);
    sio_writer_begin(&w, binary ? &a->json : buf);

    sio_cluster_template(&w, sio_cluster_types[m->type].data ? message : bare,
                         m);

    if (sio_writer_end(&w) != SIO_OK || !binary) {
        return w.rc;
    }

    sio_writer_begin(&w, buf);
    sio_writer_check(&w, sio_msgpack_from_json(buf, sio_buf_str(&a->json),
                                               sio_cluster_binary(m)));
    return sio_writer_end(&w);
}


int
sio_cluster_data_encode(sio_adapter_t *a, sio_buf_t *buf,
    const sio_cluster_t *m)
{
    int           rc;
    const char   *template;
    sio_writer_t  w;

    template = sio_cluster_types[m->type].data;

    if (template == NULL) {
        return SIO_OK;
    }

    if (sio_cluster_binary(m)->n == 0) {
        sio_writer_begin(&w, buf);
        sio_cluster_template(&w, template, m);
        return sio_writer_end(&w);
    }

    sio_buf_reset(&a->json);

    sio_writer_begin(&w, &a->json);
    sio_cluster_template(&w, template, m);
    rc = sio_writer_end(&w);

    return rc == SIO_OK ? sio_cluster_pack(a, buf, sio_cluster_binary(m)) : rc;
}


int
sio_cluster_pack(sio_adapter_t *a, sio_buf_t *buf,
    const sio_binary_t *attachments)
{
    int  rc;

    sio_buf_reset(&a->bytes);

    rc = sio_msgpack_from_json(&a->bytes, sio_buf_str(&a->json), attachments);

    return rc == SIO_OK ? sio_base64_append(buf, sio_buf_str(&a->bytes)) : rc;
}


static const sio_binary_t *
sio_cluster_binary(const sio_cluster_t *m)
{
    return m->type == SIO_CLUSTER_BROADCAST ? &m->request.broadcast.attachments
                                            : &m->attachments;
}


static void
sio_cluster_template(sio_writer_t *w, const char *template,
    const sio_cluster_t *m)
{
    const char  *part;

    for ( ;; ) {
        part = strchr(template, '@');

        if (part == NULL) {
            sio_writer_put_text(w, template);
            return;
        }

        sio_writer_put(w, template, part - template);
        sio_cluster_part(w, part[1], m);

        template = part + 2;
    }
}


static void
sio_cluster_part(sio_writer_t *w, int part, const sio_cluster_t *m)
{
    const sio_request_t  *r;

    r = &m->request;

    switch (part) {

    case 't':
        sio_writer_put_uint(w, m->type);
        break;

    case 'u':
        sio_writer_check(w, sio_json_quote(w->buf, m->uid));
        break;

    case 'N':
        sio_writer_check(w, sio_json_quote(w->buf, m->nsp));
        break;

    case 'D':
        sio_cluster_template(w, sio_cluster_types[m->type].data, m);
        break;

    case 'i':
        sio_cluster_template(w, r->id.len ? "\"requestId\":@q," : "", m);
        break;

    case 'q':
        sio_writer_check(w, sio_json_quote(w->buf, r->id));
        break;

    case 'a':
        sio_writer_check(w, sio_json_quote(w->buf, m->response.id));
        break;

    case 'e':
        sio_writer_check(w, sio_event_encode(w->buf, r->broadcast.event,
                                             r->broadcast.args));
        break;

    case 'o':
        sio_cluster_put_opts(w, &r->broadcast);
        break;

    case 'r':
        sio_request_put_names(w, "rooms", r->rooms, r->nrooms);
        break;

    case 'c':
        sio_writer_put_text(w, r->close ? "true" : "false");
        break;

    case 'd':
        sio_writer_put_str(w, r->data);
        break;

    case 's':
        sio_writer_put_str(w, m->response.sockets);
        break;

    case 'p':
        sio_request_put_page(w, r->page);
        break;

    case 'P':
        sio_request_put_page(w, m->response.page);
        break;

    case 'n':
        sio_writer_put_uint(w, m->response.count);
        break;

    default: /* 'v' */
        sio_writer_put_str(w, m->response.data.len ? m->response.data
                                                   : sio_cstr("null"));
    }
}


/* {rooms, except, flags} */

static void
sio_cluster_put_opts(sio_writer_t *w, const sio_adapter_broadcast_t *b)
{
    sio_writer_put_text(w, "{");
    sio_request_put_opts(w, &b->opts);
    sio_writer_put_text(w, ",\"flags\":{");
    sio_writer_put_text(w, b->volatile_ ? "\"volatile\":true" : "");

    if (b->timeout) {
        sio_writer_put_text(w, b->volatile_ ? ",\"timeout\":"
                                            : "\"timeout\":");
        sio_writer_put_uint(w, b->timeout);
    }

    sio_writer_put_text(w, "}}");
}
