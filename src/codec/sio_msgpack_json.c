/*
 * MessagePack to JSON text and back.
 *
 * What JSON cannot say becomes what JSON.stringify() makes of the same value
 * in JavaScript, since that is what Node's own servers would send.  Numbers
 * are written with the fewest digits that mean the same double.
 */


#include "codec/sio_date.h"
#include "codec/sio_msgpack.h"
#include "codec/sio_utf8.h"
#include "codec/sio_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>


/* Beyond these a double does not tell integers apart. */

#define SIO_MSGPACK_SAFE     9007199254740991.0

/* A JavaScript number has an exponent from here on. */

#define SIO_MSGPACK_FIXED    1e21


static int sio_msgpack_value_to_json(sio_msgpack_t *m, sio_buf_t *buf,
    sio_binary_t *to, unsigned depth);
static int sio_msgpack_array_to_json(sio_msgpack_t *m, uint64_t n,
    sio_buf_t *buf, sio_binary_t *to, unsigned depth);
static int sio_msgpack_map_to_json(sio_msgpack_t *m, uint64_t n,
    sio_buf_t *buf, sio_binary_t *to, unsigned depth);
static int sio_msgpack_key_to_json(sio_msgpack_t *m, sio_buf_t *buf);
static int sio_msgpack_int_to_json(sio_buf_t *buf, int64_t n);
static int sio_msgpack_double_to_json(sio_buf_t *buf, double d);
static int sio_msgpack_str_to_json(sio_buf_t *buf, sio_str_t s);
static int sio_msgpack_bin_to_json(sio_buf_t *buf, sio_str_t s,
    sio_binary_t *to);
static int sio_msgpack_ext_to_json(sio_buf_t *buf,
    const sio_msgpack_value_t *v);
static int64_t sio_msgpack_timestamp(sio_str_t s);
static int sio_msgpack_value_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth);
static int sio_msgpack_array_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth);
static int sio_msgpack_object_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth);
static int sio_msgpack_number_from_json(sio_buf_t *buf, sio_str_t json);
static int sio_msgpack_string_from_json(sio_buf_t *buf, sio_str_t raw);


int
sio_msgpack_to_json(sio_msgpack_t *m, sio_buf_t *buf, sio_binary_t *to)
{
    return sio_msgpack_value_to_json(m, buf, to, 0);
}


static int
sio_msgpack_value_to_json(sio_msgpack_t *m, sio_buf_t *buf, sio_binary_t *to,
    unsigned depth)
{
    sio_msgpack_value_t  v;

    if (depth > SIO_MSGPACK_DEPTH || sio_msgpack_next(m, &v) != SIO_OK) {
        return SIO_ERROR;
    }

    switch (v.type) {

    case SIO_MSGPACK_NIL:
        return sio_buf_append(buf, "null", 4);

    case SIO_MSGPACK_FALSE:
        return sio_buf_append(buf, "false", 5);

    case SIO_MSGPACK_TRUE:
        return sio_buf_append(buf, "true", 4);

    case SIO_MSGPACK_UINT:
        return v.u > (uint64_t) SIO_MSGPACK_SAFE
               ? sio_msgpack_double_to_json(buf, (double) v.u)
               : sio_buf_append_uint(buf, v.u);

    case SIO_MSGPACK_INT:
        return sio_msgpack_int_to_json(buf, v.i);

    case SIO_MSGPACK_DOUBLE:
        return sio_msgpack_double_to_json(buf, v.d);

    case SIO_MSGPACK_STR:
        return sio_msgpack_str_to_json(buf, v.bytes);

    case SIO_MSGPACK_BIN:
        return sio_msgpack_bin_to_json(buf, v.bytes, to);

    case SIO_MSGPACK_ARRAY:
        return sio_msgpack_array_to_json(m, v.u, buf, to, depth + 1);

    case SIO_MSGPACK_MAP:
        return sio_msgpack_map_to_json(m, v.u, buf, to, depth + 1);

    default:
        return sio_msgpack_ext_to_json(buf, &v);
    }
}


static int
sio_msgpack_array_to_json(sio_msgpack_t *m, uint64_t n, sio_buf_t *buf,
    sio_binary_t *to, unsigned depth)
{
    uint64_t      i;
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    for (i = 0; i < n && w.rc == SIO_OK; i++) {
        sio_writer_put_text(&w, i ? "," : "[");

        if (w.rc == SIO_OK) {
            w.rc = sio_msgpack_value_to_json(m, buf, to, depth);
        }
    }

    sio_writer_put_text(&w, n ? "]" : "[]");

    return w.rc;
}


static int
sio_msgpack_map_to_json(sio_msgpack_t *m, uint64_t n, sio_buf_t *buf,
    sio_binary_t *to, unsigned depth)
{
    uint64_t      i;
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    for (i = 0; i < n && w.rc == SIO_OK; i++) {
        sio_writer_put_text(&w, i ? "," : "{");
        sio_writer_check(&w, sio_msgpack_key_to_json(m, buf));
        sio_writer_put_text(&w, ":");

        if (w.rc == SIO_OK) {
            w.rc = sio_msgpack_value_to_json(m, buf, to, depth);
        }
    }

    sio_writer_put_text(&w, n ? "}" : "{}");

    return w.rc;
}


/* Nobody but a forger names a member as placeholders do. */

static int
sio_msgpack_key_to_json(sio_msgpack_t *m, sio_buf_t *buf)
{
    int                  rc;
    sio_msgpack_value_t  v;

    if (sio_msgpack_next(m, &v) != SIO_OK) {
        return SIO_ERROR;
    }

    switch (v.type) {

    case SIO_MSGPACK_STR:
        return sio_str_eq(v.bytes, sio_cstr("_placeholder"))
               ? SIO_ERROR : sio_msgpack_str_to_json(buf, v.bytes);

    case SIO_MSGPACK_UINT:
    case SIO_MSGPACK_INT:
        rc = sio_buf_append_char(buf, '"');

        if (rc == SIO_OK) {
            rc = v.type == SIO_MSGPACK_UINT ? sio_buf_append_uint(buf, v.u)
                                            : sio_msgpack_int_to_json(buf, v.i);
        }

        return rc == SIO_OK ? sio_buf_append_char(buf, '"') : rc;

    default:
        return SIO_ERROR;
    }
}


static int
sio_msgpack_int_to_json(sio_buf_t *buf, int64_t n)
{
    int  rc;

    if (n < - (int64_t) SIO_MSGPACK_SAFE) {
        return sio_msgpack_double_to_json(buf, (double) n);
    }

    rc = sio_buf_append_char(buf, '-');

    return rc == SIO_OK ? sio_buf_append_uint(buf, (uint64_t) -n) : rc;
}


static int
sio_msgpack_double_to_json(sio_buf_t *buf, double d)
{
    int   digits;
    char  text[40];

    if (!isfinite(d)) {
        return sio_buf_append(buf, "null", 4);
    }

    if (d == floor(d) && fabs(d) < SIO_MSGPACK_FIXED) {
        (void) snprintf(text, sizeof(text), "%.0f", d == 0 ? 0 : d);

    } else {
        for (digits = 15; digits <= 17; digits++) {
            (void) snprintf(text, sizeof(text), "%.*g", digits, d);

            if (strtod(text, NULL) == d) {
                break;
            }
        }
    }

    return sio_buf_append(buf, text, strlen(text));
}


static int
sio_msgpack_str_to_json(sio_buf_t *buf, sio_str_t s)
{
    if (sio_utf8_valid(s.data, s.len) != SIO_OK) {
        return SIO_ERROR;
    }

    return sio_json_quote(buf, s);
}


static int
sio_msgpack_bin_to_json(sio_buf_t *buf, sio_str_t s, sio_binary_t *to)
{
    int  rc;

    static const sio_str_t  mark =
        sio_string("{\"_placeholder\":true,\"num\":");

    if (to->n == SIO_ATTACHMENTS) {
        return SIO_DECLINED;
    }

    rc = sio_buf_append_str(buf, mark);

    if (rc == SIO_OK) {
        rc = sio_buf_append_uint(buf, to->n);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(buf, '}');
    }

    if (rc == SIO_OK) {
        to->item[to->n++] = s;
    }

    return rc;
}


/* Of types nobody sends there is nothing to say. */

static int
sio_msgpack_ext_to_json(sio_buf_t *buf, const sio_msgpack_value_t *v)
{
    uint8_t  date[SIO_DATE_LEN];
    size_t   len;

    len = v->bytes.len;

    if (v->ext != -1 || (len != 4 && len != 8 && len != 12)) {
        return sio_buf_append(buf, "null", 4);
    }

    sio_date_write(date, sio_msgpack_timestamp(v->bytes));

    return sio_json_quote(buf, sio_str(date, SIO_DATE_LEN));
}


/*
 * Timestamp: seconds in 32 bits; nanoseconds in 30 and seconds in 34; or
 * nanoseconds in 32 and seconds in 64.  Returns milliseconds.
 */
static int64_t
sio_msgpack_timestamp(sio_str_t s)
{
    size_t    i;
    int64_t   sec;
    uint64_t  nsec, word;

    nsec = 0;
    word = 0;

    for (i = 0; i < s.len; i++) {

        if (s.len == 12 && i == 4) {
            nsec = word;
            word = 0;
        }

        word = word << 8 | s.data[i];
    }

    if (s.len == 8) {
        nsec = word >> 34;
        word &= 0x3ffffffffULL;
    }

    sec = (int64_t) word;

    if (sec > INT64_MAX / 1000 - 1) {
        return INT64_MAX;
    }

    if (sec < INT64_MIN / 1000) {
        return INT64_MIN;
    }

    return sec * 1000 + (int64_t) (nsec / 1000000 % 1000);
}


int
sio_msgpack_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from)
{
    return sio_msgpack_value_from_json(buf, json, from, 0);
}


static int
sio_msgpack_value_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth)
{
    int  n;

    if (depth > SIO_MSGPACK_DEPTH) {
        return SIO_ERROR;
    }

    switch (sio_json_type(json)) {

    case SIO_JSON_TRUE:
    case SIO_JSON_FALSE:
        return sio_msgpack_put_bool(buf, json.data[0] == 't');

    case SIO_JSON_NUMBER:
        return sio_msgpack_number_from_json(buf, json);

    case SIO_JSON_STRING:
        return sio_msgpack_string_from_json(buf, json);

    case SIO_JSON_ARRAY:
        return sio_msgpack_array_from_json(buf, json, from, depth + 1);

    case SIO_JSON_OBJECT:
        n = from && from->n ? sio_binary_placeholder(json) : -1;

        if (n < 0) {
            return sio_msgpack_object_from_json(buf, json, from, depth + 1);
        }

        return (unsigned) n < from->n
               ? sio_msgpack_put_bin(buf, from->item[n]) : SIO_ERROR;

    default:
        return sio_msgpack_put_nil(buf);
    }
}


/* The members are counted first: the head says how many there are. */

static int
sio_msgpack_array_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth)
{
    int              rc;
    uint32_t         n;
    sio_str_t        value;
    sio_json_iter_t  it;

    n = 0;
    sio_json_array_iter(&it, json);

    while (sio_json_array_next(&it, &value) == SIO_OK) {
        n++;
    }

    rc = sio_msgpack_put_array(buf, n);

    sio_json_array_iter(&it, json);

    while (rc == SIO_OK && sio_json_array_next(&it, &value) == SIO_OK) {
        rc = sio_msgpack_value_from_json(buf, value, from, depth);
    }

    return rc;
}


static int
sio_msgpack_object_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from, unsigned depth)
{
    int              rc;
    uint32_t         n;
    sio_str_t        key, value;
    sio_json_iter_t  it;

    n = 0;
    sio_json_object_iter(&it, json);

    while (sio_json_object_next(&it, &key, &value) == SIO_OK) {
        n++;
    }

    rc = sio_msgpack_put_map(buf, n);

    sio_json_object_iter(&it, json);

    while (rc == SIO_OK && sio_json_object_next(&it, &key, &value) == SIO_OK) {

        /* with the quotes around it */

        rc = sio_msgpack_string_from_json(buf,
                                          sio_str(key.data - 1, key.len + 2));

        if (rc == SIO_OK) {
            rc = sio_msgpack_value_from_json(buf, value, from, depth);
        }
    }

    return rc;
}


static int
sio_msgpack_number_from_json(sio_buf_t *buf, sio_str_t json)
{
    double   d;
    int64_t  n;

    if (sio_json_int(json, &n) == SIO_OK
        && n <= (int64_t) SIO_MSGPACK_SAFE && n >= - (int64_t) SIO_MSGPACK_SAFE)
    {
        return sio_msgpack_put_int(buf, n);
    }

    /* beyond a double's range JSON.parse() says Infinity: null, sent on */

    if (sio_json_double(json, &d) != SIO_OK) {
        return sio_msgpack_put_nil(buf);
    }

    if (d == floor(d) && fabs(d) <= SIO_MSGPACK_SAFE) {
        return sio_msgpack_put_int(buf, (int64_t) d);
    }

    return sio_msgpack_put_double(buf, d);
}


/*
 * A string with its quotes.  Without escapes it is a slice; with them its
 * length is known only afterwards: the head is written for the longer text,
 * and its length mended.
 */
static int
sio_msgpack_string_from_json(sio_buf_t *buf, sio_str_t string)
{
    int        rc;
    size_t     start, head, len, i;
    sio_str_t  text;

    text = sio_str(string.data + 1, string.len - 2);
    start = buf->len;

    rc = sio_msgpack_put_str(buf, text);

    if (rc != SIO_OK || text.len == 0
        || memchr(text.data, '\\', text.len) == NULL)
    {
        return rc;
    }

    head = buf->len - start - text.len;
    buf->len = start + head;

    rc = sio_json_unescape(buf, string);

    if (rc != SIO_OK) {
        buf->len = start;
        return rc;
    }

    len = buf->len - start - head;

    if (head == 1) {
        buf->data[start] = 0xa0 | (uint8_t) len;
        return SIO_OK;
    }

    for (i = head - 1; i > 0; i--) {
        buf->data[start + i] = (uint8_t) len;
        len >>= 8;
    }

    return SIO_OK;
}
