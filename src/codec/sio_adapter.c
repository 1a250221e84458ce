/*
 * Broadcasts between hosts.
 *
 * A message is read in one pass, whatever the order of its members, which
 * differs between Node's adapter and its emitter.
 */


#include "codec/sio_adapter.h"
#include "codec/sio_event.h"
#include "codec/sio_utf8.h"
#include "codec/sio_writer.h"


/* Room for all numbers at once, so that views of them stay. */

#define SIO_ADAPTER_NUMBER_LEN   20
#define SIO_ADAPTER_NUMBERS      ((SIO_ADAPTER_ROOMS_MAX + 1)                 \
                                  * SIO_ADAPTER_NUMBER_LEN)


static int sio_adapter_data_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b);
static int sio_adapter_rooms_decode(sio_adapter_t *a, sio_msgpack_t *m,
    unsigned used, unsigned *n);
static int sio_adapter_flags_decode(sio_msgpack_t *m,
    sio_adapter_broadcast_t *b);
static int sio_adapter_name(sio_adapter_t *a, const sio_msgpack_value_t *v,
    sio_str_t *name);
static int sio_adapter_key(sio_msgpack_t *m, sio_str_t *key);
static int sio_adapter_names_encode(sio_buf_t *buf, const char *key,
    const sio_str_t *names, unsigned n);


static const sio_str_t  sio_channel_infix[] = {
    sio_string("#"),
    sio_string("-request#"),
    sio_string("-response#"),
    sio_string("-nginx#"),
    sio_string("-hosts#")
};


void
sio_adapter_init(sio_adapter_t *a, const sio_mem_t *mem, size_t max)
{
    a->mem = mem;

    sio_buf_init(&a->text, mem, max);
    sio_buf_init(&a->numbers, mem, SIO_ADAPTER_NUMBERS);
    sio_buf_init(&a->json, mem, max);
    sio_buf_init(&a->bytes, mem, max);
}


void
sio_adapter_free(sio_adapter_t *a)
{
    sio_buf_free(&a->text);
    sio_buf_free(&a->numbers);
    sio_buf_free(&a->json);
    sio_buf_free(&a->bytes);
}


int
sio_adapter_channel(sio_buf_t *buf, sio_str_t prefix, sio_channel_e type,
    sio_str_t nsp, sio_str_t tail)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_str(&w, prefix);
    sio_writer_put_str(&w, sio_channel_infix[type]);
    sio_writer_put_str(&w, nsp);
    sio_writer_put_text(&w, "#");
    sio_writer_put_str(&w, tail);
    sio_writer_put_text(&w, tail.len ? "#" : "");

    return sio_writer_end(&w);
}


int
sio_adapter_channel_parse(sio_str_t channel, sio_str_t prefix,
    sio_channel_e type, sio_str_t *nsp, sio_str_t *tail)
{
    sio_str_t       infix;
    const uint8_t  *p, *end, *hash;

    infix = sio_channel_infix[type];

    if (channel.len < prefix.len + infix.len + 2
        || !sio_str_eq(sio_str(channel.data, prefix.len), prefix)
        || !sio_str_eq(sio_str(channel.data + prefix.len, infix.len), infix)
        || channel.data[channel.len - 1] != '#')
    {
        return SIO_DECLINED;
    }

    p = channel.data + prefix.len + infix.len;
    end = channel.data + channel.len;

    hash = memchr(p, '#', end - p);

    *nsp = sio_str(p, hash - p);
    *tail = sio_str(NULL, 0);

    if (hash + 1 < end) {
        *tail = sio_str(hash + 1, end - 1 - (hash + 1));
    }

    return SIO_OK;
}


int
sio_adapter_broadcast_encode(sio_buf_t *buf, const sio_adapter_broadcast_t *b)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_check(&w, sio_msgpack_put_array(buf, 3));
    sio_writer_check(&w, sio_msgpack_put_str(buf, b->uid));
    sio_writer_check(&w, sio_adapter_packet_encode(buf, b));
    sio_writer_check(&w, sio_adapter_opts_encode(buf, b));

    return sio_writer_end(&w);
}


/* {type: 2, data: [event, args...], nsp} */

int
sio_adapter_packet_encode(sio_buf_t *buf, const sio_adapter_broadcast_t *b)
{
    uint32_t      n;
    sio_str_t     args, value;
    sio_writer_t  w;

    n = 1;
    args = b->args;

    while (sio_event_shift(&args, &value) == SIO_OK) {
        n++;
    }

    sio_writer_begin(&w, buf);

    sio_writer_check(&w, sio_msgpack_put_map(buf, 3));
    sio_writer_put_text(&w, "\xa4" "type" "\x02" "\xa4" "data");
    sio_writer_check(&w, sio_msgpack_put_array(buf, n));
    sio_writer_check(&w, sio_msgpack_put_str(buf, b->event));

    args = b->args;

    while (w.rc == SIO_OK && sio_event_shift(&args, &value) == SIO_OK) {
        w.rc = sio_msgpack_from_json(buf, value, &b->attachments);
    }

    sio_writer_put_text(&w, "\xa3" "nsp");
    sio_writer_check(&w, sio_msgpack_put_str(buf, b->nsp));

    return sio_writer_end(&w);
}


/* {rooms, except, flags} */

int
sio_adapter_opts_encode(sio_buf_t *buf, const sio_adapter_broadcast_t *b)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_check(&w, sio_msgpack_put_map(buf, 3));
    sio_writer_check(&w, sio_adapter_names_encode(buf, "rooms", b->opts.rooms,
                                                  b->opts.nrooms));
    sio_writer_check(&w, sio_adapter_names_encode(buf, "except",
                                                  b->opts.except,
                                                  b->opts.nexcept));
    sio_writer_check(&w, sio_msgpack_put_str(buf, sio_cstr("flags")));
    sio_writer_check(&w, sio_msgpack_put_map(buf, b->volatile_
                                                  + (b->timeout != 0)));
    if (b->volatile_) {
        sio_writer_check(&w, sio_msgpack_put_str(buf, sio_cstr("volatile")));
        sio_writer_check(&w, sio_msgpack_put_bool(buf, 1));
    }

    if (b->timeout) {
        sio_writer_check(&w, sio_msgpack_put_str(buf, sio_cstr("timeout")));
        sio_writer_check(&w, sio_msgpack_put_int(buf, (int64_t) b->timeout));
    }

    return sio_writer_end(&w);
}


static int
sio_adapter_names_encode(sio_buf_t *buf, const char *key,
    const sio_str_t *names, unsigned n)
{
    int       rc;
    unsigned  i;

    rc = sio_msgpack_put_str(buf, sio_cstr(key));

    if (rc == SIO_OK) {
        rc = sio_msgpack_put_array(buf, n);
    }

    for (i = 0; i < n && rc == SIO_OK; i++) {
        rc = sio_msgpack_put_str(buf, names[i]);
    }

    return rc;
}


sio_str_t
sio_adapter_broadcast_uid(sio_str_t message)
{
    sio_msgpack_t        m;
    sio_msgpack_value_t  v;

    m.pos = message.data;
    m.end = message.data + message.len;

    if (sio_msgpack_next(&m, &v) != SIO_OK || v.type != SIO_MSGPACK_ARRAY
        || v.u < 3 || sio_msgpack_next(&m, &v) != SIO_OK
        || v.type != SIO_MSGPACK_STR)
    {
        return sio_str(NULL, 0);
    }

    return v.bytes;
}


int
sio_adapter_broadcast_decode(sio_adapter_t *a, sio_str_t message,
    sio_adapter_broadcast_t *b)
{
    int                  rc;
    sio_msgpack_t        m;
    sio_msgpack_value_t  v;

    memset(b, 0, sizeof(sio_adapter_broadcast_t));

    b->uid = sio_adapter_broadcast_uid(message);

    if (b->uid.len == 0) {
        return SIO_ERROR;
    }

    m.pos = message.data;
    m.end = message.data + message.len;

    (void) sio_msgpack_next(&m, &v);
    (void) sio_msgpack_next(&m, &v);

    sio_buf_reset(&a->numbers);

    rc = sio_adapter_packet_decode(a, &m, b);

    return rc == SIO_OK ? sio_adapter_opts_decode(a, &m, b) : rc;
}


int
sio_adapter_packet_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b)
{
    int                  rc;
    uint64_t             n, type;
    sio_str_t            key;
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK || v.type != SIO_MSGPACK_MAP) {
        return SIO_ERROR;
    }

    type = SIO_EVENT;
    rc = SIO_OK;
    b->nsp = sio_cstr("/");

    for (n = v.u; n && rc == SIO_OK; n--) {

        if (sio_adapter_key(m, &key) != SIO_OK) {
            return SIO_ERROR;
        }

        if (sio_str_eq(key, sio_cstr("type"))) {
            rc = sio_msgpack_next(m, &v);
            type = v.type == SIO_MSGPACK_UINT ? v.u : SIO_CONNECT;

        } else if (sio_str_eq(key, sio_cstr("nsp"))) {
            rc = sio_msgpack_next(m, &v);

            if (rc != SIO_OK || v.type != SIO_MSGPACK_STR
                || sio_utf8_valid(v.bytes.data, v.bytes.len) != SIO_OK)
            {
                return SIO_ERROR;
            }

            b->nsp = v.bytes;

        } else if (sio_str_eq(key, sio_cstr("data"))) {
            rc = sio_adapter_data_decode(a, m, b);

        } else {
            rc = sio_msgpack_skip(m, NULL);
        }
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (type != SIO_EVENT && type != SIO_BINARY_EVENT) {
        return SIO_DECLINED;
    }

    return b->event.data ? SIO_OK : SIO_ERROR;
}


/* [event, args...]: the arguments become JSON values joined by commas. */

static int
sio_adapter_data_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b)
{
    int                  rc;
    uint64_t             n, i;
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK || v.type != SIO_MSGPACK_ARRAY
        || v.u == 0)
    {
        return SIO_ERROR;
    }

    n = v.u;

    if (sio_msgpack_next(m, &v) != SIO_OK) {
        return SIO_ERROR;
    }

    rc = sio_adapter_name(a, &v, &b->event);

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_packet_reserved(b->event)) {
        return SIO_ERROR;
    }

    sio_buf_reset(&a->text);
    b->attachments.n = 0;

    for (i = 1; i < n && rc == SIO_OK; i++) {

        if (i > 1) {
            rc = sio_buf_append_char(&a->text, ',');
        }

        if (rc == SIO_OK) {
            rc = sio_msgpack_to_json(m, &a->text, &b->attachments);
        }
    }

    b->args = sio_buf_str(&a->text);

    return rc;
}


int
sio_adapter_opts_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b)
{
    int                  rc;
    uint64_t             n;
    unsigned             used, count;
    sio_str_t            key;
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK || v.type != SIO_MSGPACK_MAP) {
        return SIO_ERROR;
    }

    rc = SIO_OK;
    used = 0;

    for (n = v.u; n && rc == SIO_OK; n--) {

        if (sio_adapter_key(m, &key) != SIO_OK) {
            return SIO_ERROR;
        }

        if (sio_str_eq(key, sio_cstr("rooms"))) {
            rc = sio_adapter_rooms_decode(a, m, used, &count);
            b->opts.rooms = a->names + used;
            b->opts.nrooms = count;
            used += count;

        } else if (sio_str_eq(key, sio_cstr("except"))) {
            rc = sio_adapter_rooms_decode(a, m, used, &count);
            b->opts.except = a->names + used;
            b->opts.nexcept = count;
            used += count;

        } else if (sio_str_eq(key, sio_cstr("flags"))) {
            rc = sio_adapter_flags_decode(m, b);

        } else {
            rc = sio_msgpack_skip(m, NULL);
        }
    }

    return rc;
}


static int
sio_adapter_rooms_decode(sio_adapter_t *a, sio_msgpack_t *m, unsigned used,
    unsigned *n)
{
    int                  rc;
    uint64_t             i, count;
    sio_msgpack_value_t  v;

    *n = 0;

    if (sio_msgpack_next(m, &v) != SIO_OK) {
        return SIO_ERROR;
    }

    if (v.type == SIO_MSGPACK_NIL) {
        return SIO_OK;
    }

    if (v.type != SIO_MSGPACK_ARRAY) {
        return SIO_ERROR;
    }

    if (v.u > SIO_ADAPTER_ROOMS_MAX - used) {
        return SIO_DECLINED;
    }

    count = v.u;

    for (i = 0; i < count; i++) {

        if (sio_msgpack_next(m, &v) != SIO_OK) {
            return SIO_ERROR;
        }

        rc = sio_adapter_name(a, &v, &a->names[used + i]);

        if (rc != SIO_OK) {
            return rc;
        }
    }

    *n = (unsigned) count;

    return SIO_OK;
}


static int
sio_adapter_flags_decode(sio_msgpack_t *m, sio_adapter_broadcast_t *b)
{
    int                  rc;
    uint64_t             n;
    sio_str_t            key;
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK) {
        return SIO_ERROR;
    }

    if (v.type == SIO_MSGPACK_NIL) {
        return SIO_OK;
    }

    if (v.type != SIO_MSGPACK_MAP) {
        return SIO_ERROR;
    }

    rc = SIO_OK;

    for (n = v.u; n && rc == SIO_OK; n--) {

        if (sio_adapter_key(m, &key) != SIO_OK) {
            return SIO_ERROR;
        }

        if (sio_str_eq(key, sio_cstr("volatile"))) {
            rc = sio_msgpack_next(m, &v);
            b->volatile_ = v.type == SIO_MSGPACK_TRUE;

        } else if (sio_str_eq(key, sio_cstr("timeout"))) {
            rc = sio_msgpack_next(m, &v);
            b->timeout = v.type == SIO_MSGPACK_UINT && v.u < UINT32_MAX
                         ? (uint32_t) v.u : 0;

        } else {
            rc = sio_msgpack_skip(m, NULL);
        }
    }

    return rc;
}


/* A name of a room or an event: UTF-8, or an integer's digits. */

static int
sio_adapter_name(sio_adapter_t *a, const sio_msgpack_value_t *v,
    sio_str_t *name)
{
    int     rc;
    size_t  start;

    if (v->type == SIO_MSGPACK_STR) {
        *name = v->bytes;
        return sio_utf8_valid(v->bytes.data, v->bytes.len);
    }

    if (v->type != SIO_MSGPACK_UINT && v->type != SIO_MSGPACK_INT) {
        return SIO_ERROR;
    }

    rc = sio_buf_reserve(&a->numbers,
                         a->numbers.len ? SIO_ADAPTER_NUMBER_LEN
                                        : SIO_ADAPTER_NUMBERS);
    start = a->numbers.len;

    if (rc == SIO_OK && v->type == SIO_MSGPACK_INT) {
        rc = sio_buf_append_char(&a->numbers, '-');
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_uint(&a->numbers, v->type == SIO_MSGPACK_INT
                                              ? - (uint64_t) v->i : v->u);
    }

    *name = sio_str(a->numbers.data + start, a->numbers.len - start);

    return rc;
}


static int
sio_adapter_key(sio_msgpack_t *m, sio_str_t *key)
{
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK || v.type != SIO_MSGPACK_STR) {
        return SIO_ERROR;
    }

    *key = v.bytes;

    return SIO_OK;
}
