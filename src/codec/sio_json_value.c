/*
 * What JSON values mean: strings as bytes, numbers, equality; and bytes as
 * JSON strings.
 *
 * Numbers are compared as decimals, digit by digit, because 64-bit row ids
 * must not become equal by rounding.  As in sio_json_slice.c, the text has
 * been validated, and no read trusts that.
 *
 * RFC 8259, 6.  Numbers, 7.  Strings.
 */


#include <stdlib.h>
#include <math.h>

#include "codec/sio_json.h"
#include "codec/sio_writer.h"


/* Digits that decide how a double is rounded, and a bit more. */

#define SIO_JSON_DOUBLE_DIGITS  800

/* Any exponent beyond this is zero or infinite to every reader. */

#define SIO_JSON_EXPONENT_MAX   1000000000000LL


/* A byte reader of raw string text. */

typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
    unsigned        n;           /* bytes of an escape still to be read */
    unsigned        i;
    uint8_t         out[4];
} sio_json_reader_t;


/* A number: the digits from first to last, without the point, * 10^exp. */

typedef struct {
    const uint8_t  *first;       /* no zero; NULL: the number is zero */
    const uint8_t  *last;        /* no zero */
    int64_t         exp;
    unsigned        negative;
} sio_json_decimal_t;


static int
sio_json_hex4(const uint8_t *p, const uint8_t *end)
{
    int       n;
    uint8_t   ch;
    unsigned  i;

    if (end - p < 4) {
        return -1;
    }

    n = 0;

    for (i = 0; i < 4; i++) {
        ch = p[i];

        if (ch >= '0' && ch <= '9') {
            n = n * 16 + (ch - '0');
            continue;
        }

        ch |= 0x20;

        if (ch < 'a' || ch > 'f') {
            return -1;
        }

        n = n * 16 + (ch - 'a' + 10);
    }

    return n;
}


static unsigned
sio_json_utf8(uint8_t *out, uint32_t ch)
{
    if (ch < 0x80) {
        out[0] = ch;
        return 1;
    }

    if (ch < 0x800) {
        out[0] = 0xc0 | (ch >> 6);
        out[1] = 0x80 | (ch & 0x3f);
        return 2;
    }

    if (ch < 0x10000) {
        out[0] = 0xe0 | (ch >> 12);
        out[1] = 0x80 | ((ch >> 6) & 0x3f);
        out[2] = 0x80 | (ch & 0x3f);
        return 3;
    }

    out[0] = 0xf0 | (ch >> 18);
    out[1] = 0x80 | ((ch >> 12) & 0x3f);
    out[2] = 0x80 | ((ch >> 6) & 0x3f);
    out[3] = 0x80 | (ch & 0x3f);
    return 4;
}


/*
 * Decode the escape whose backslash is at *pos: its bytes are left in out,
 * their number is returned, *pos is moved behind it.  A surrogate without its
 * other half means U+FFFD, and so does what is no escape.
 */

static unsigned
sio_json_escape_read(const uint8_t **pos, const uint8_t *end, uint8_t *out)
{
    int             ch, low;
    const uint8_t  *p;

    p = *pos + 1;

    if (p == end) {
        *pos = p;
        return sio_json_utf8(out, 0xfffd);
    }

    *pos = p + 1;

    switch (*p) {

    case 'b':
        ch = '\b';
        break;

    case 'f':
        ch = '\f';
        break;

    case 'n':
        ch = '\n';
        break;

    case 'r':
        ch = '\r';
        break;

    case 't':
        ch = '\t';
        break;

    case 'u':
        p++;

        ch = sio_json_hex4(p, end);
        if (ch < 0) {
            ch = 0xfffd;
            break;
        }

        p += 4;
        *pos = p;

        if (ch < 0xd800 || ch > 0xdfff) {
            break;
        }

        low = -1;

        if (ch < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            low = sio_json_hex4(p + 2, end);
        }

        if (low < 0xdc00 || low > 0xdfff) {
            ch = 0xfffd;
            break;
        }

        *pos = p + 6;
        ch = 0x10000 + ((ch - 0xd800) << 10) + (low - 0xdc00);
        break;

    default:
        ch = *p;
        break;
    }

    return sio_json_utf8(out, ch);
}


/* The inside of a string value: SIO_DECLINED if it is none. */

static int
sio_json_string_raw(sio_str_t string, sio_str_t *raw)
{
    if (string.len < 2
        || string.data[0] != '"'
        || string.data[string.len - 1] != '"')
    {
        return SIO_DECLINED;
    }

    *raw = sio_str(string.data + 1, string.len - 2);

    return SIO_OK;
}


static void
sio_json_reader_init(sio_json_reader_t *r, sio_str_t raw)
{
    r->pos = raw.data;
    r->end = raw.data + raw.len;
    r->n = 0;
    r->i = 0;
}


/* The next byte, -1 at the end. */

static int
sio_json_reader_get(sio_json_reader_t *r)
{
    if (r->i < r->n) {
        return r->out[r->i++];
    }

    if (r->pos == r->end) {
        return -1;
    }

    if (*r->pos != '\\') {
        return *r->pos++;
    }

    r->n = sio_json_escape_read(&r->pos, r->end, r->out);
    r->i = 1;

    return r->out[0];
}


int
sio_json_raw_eq(sio_str_t raw, sio_str_t s)
{
    int                ch;
    size_t             i;
    sio_json_reader_t  r;

    /* an escape is longer than what it means */

    if (raw.len < s.len || s.len == 0) {
        return raw.len == s.len;
    }

    if (raw.data[0] != s.data[0] && raw.data[0] != '\\') {
        return 0;
    }

    if (raw.len == s.len) {
        return memcmp(raw.data, s.data, raw.len) == 0
               && memchr(raw.data, '\\', raw.len) == NULL;
    }

    sio_json_reader_init(&r, raw);

    for (i = 0; i < s.len; i++) {
        ch = sio_json_reader_get(&r);

        if (ch != s.data[i]) {
            return 0;
        }
    }

    return sio_json_reader_get(&r) == -1;
}


int
sio_json_unescape(sio_buf_t *buf, sio_str_t string)
{
    int             rc;
    size_t          len;
    uint8_t         out[4];
    unsigned        n;
    sio_str_t       raw;
    const uint8_t  *p, *end, *escape;

    if (sio_json_string_raw(string, &raw) != SIO_OK) {
        return SIO_DECLINED;
    }

    len = buf->len;
    p = raw.data;
    end = p + raw.len;

    for ( ;; ) {
        escape = memchr(p, '\\', end - p);

        rc = sio_buf_append(buf, p, (escape ? escape : end) - p);

        if (rc != SIO_OK || escape == NULL) {
            break;
        }

        p = escape;
        n = sio_json_escape_read(&p, end, out);

        rc = sio_buf_append(buf, out, n);
        if (rc != SIO_OK) {
            break;
        }
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


/* Append the escape of one byte. */

static int
sio_json_escape_write(sio_buf_t *buf, uint8_t ch)
{
    size_t                len;
    uint8_t               out[6];
    static const uint8_t  hex[] = "0123456789abcdef";

    out[0] = '\\';
    len = 2;

    switch (ch) {

    case '"':
    case '\\':
        out[1] = ch;
        break;

    case '\b':
        out[1] = 'b';
        break;

    case '\f':
        out[1] = 'f';
        break;

    case '\n':
        out[1] = 'n';
        break;

    case '\r':
        out[1] = 'r';
        break;

    case '\t':
        out[1] = 't';
        break;

    default:
        out[1] = 'u';
        out[2] = '0';
        out[3] = '0';
        out[4] = hex[ch >> 4];
        out[5] = hex[ch & 0xf];
        len = 6;
        break;
    }

    return sio_buf_append(buf, out, len);
}


int
sio_json_escape(sio_buf_t *buf, sio_str_t bytes)
{
    int             rc;
    size_t          len;
    const uint8_t  *p, *end, *start;

    if (bytes.len == 0) {
        return SIO_OK;
    }

    rc = SIO_OK;
    len = buf->len;
    p = bytes.data;
    end = p + bytes.len;

    while (p < end) {
        start = p;

        while (p < end && *p >= 0x20 && *p != '"' && *p != '\\') {
            p++;
        }

        rc = sio_buf_append(buf, start, p - start);

        if (rc == SIO_OK && p < end) {
            rc = sio_json_escape_write(buf, *p++);
        }

        if (rc != SIO_OK) {
            buf->len = len;
            break;
        }
    }

    return rc;
}


int
sio_json_quote(sio_buf_t *buf, sio_str_t bytes)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "\"");
    sio_writer_check(&w, sio_json_escape(buf, bytes));
    sio_writer_put_text(&w, "\"");

    return sio_writer_end(&w);
}


/* The exponent at p, bounded; SIO_DECLINED if it is none. */

static int
sio_json_exponent(const uint8_t *p, const uint8_t *end, int64_t *exp)
{
    int64_t   n;
    unsigned  negative;

    negative = 0;

    if (p < end && (*p == '+' || *p == '-')) {
        negative = (*p++ == '-');
    }

    if (p == end) {
        return SIO_DECLINED;
    }

    for (n = 0; p < end; p++) {
        if (*p < '0' || *p > '9') {
            return SIO_DECLINED;
        }

        if (n < SIO_JSON_EXPONENT_MAX) {
            n = n * 10 + (*p - '0');
        }
    }

    *exp = negative ? -n : n;

    return SIO_OK;
}


static int
sio_json_decimal(sio_json_decimal_t *d, sio_str_t value)
{
    const uint8_t  *p, *end, *point;

    memset(d, 0, sizeof(sio_json_decimal_t));

    if (value.len == 0) {
        return SIO_DECLINED;
    }

    p = value.data;
    end = p + value.len;
    point = NULL;

    if (p < end && *p == '-') {
        d->negative = 1;
        p++;
    }

    if (p == end || *p < '0' || *p > '9') {
        return SIO_DECLINED;
    }

    for ( /* void */ ; p < end; p++) {

        if (*p == '.' && point == NULL) {
            point = p;
            continue;
        }

        if (*p < '0' || *p > '9') {
            break;
        }

        if (*p != '0') {
            d->last = p;

            if (d->first == NULL) {
                d->first = p;
            }
        }
    }

    if (point == NULL) {
        point = p;
    }

    if (p < end
        && ((*p | 0x20) != 'e'
            || sio_json_exponent(p + 1, end, &d->exp) != SIO_OK))
    {
        return SIO_DECLINED;
    }

    if (d->first == NULL) {
        d->negative = 0;
        d->exp = 0;

    } else {
        d->exp += (d->last < point) ? point - d->last - 1 : point - d->last;
    }

    return SIO_OK;
}


static int
sio_json_number_eq(sio_str_t a, sio_str_t b)
{
    const uint8_t       *p, *q;
    sio_json_decimal_t   da, db;

    if (sio_json_decimal(&da, a) != SIO_OK
        || sio_json_decimal(&db, b) != SIO_OK
        || da.negative != db.negative
        || da.exp != db.exp)
    {
        return 0;
    }

    if (da.first == NULL || db.first == NULL) {
        return da.first == db.first;
    }

    p = da.first;
    q = db.first;

    while (*p == *q) {

        if (p == da.last || q == db.last) {
            return p == da.last && q == db.last;
        }

        /* a digit follows: it may stand behind the point */

        p += (p[1] == '.') ? 2 : 1;
        q += (q[1] == '.') ? 2 : 1;
    }

    return 0;
}


static int
sio_json_string_eq(sio_str_t a, sio_str_t b)
{
    int                ch;
    sio_str_t          ra, rb;
    sio_json_reader_t  r, q;

    if (sio_json_string_raw(a, &ra) != SIO_OK
        || sio_json_string_raw(b, &rb) != SIO_OK)
    {
        return 0;
    }

    sio_json_reader_init(&r, ra);
    sio_json_reader_init(&q, rb);

    do {
        ch = sio_json_reader_get(&r);

        if (ch != sio_json_reader_get(&q)) {
            return 0;
        }

    } while (ch != -1);

    return 1;
}


int
sio_json_eq(sio_str_t a, sio_str_t b)
{
    sio_json_e  type;

    if (sio_str_eq(a, b)) {
        return 1;
    }

    type = sio_json_type(a);

    if (type != sio_json_type(b)) {
        return 0;
    }

    if (type == SIO_JSON_STRING) {
        return sio_json_string_eq(a, b);
    }

    if (type == SIO_JSON_NUMBER) {
        return sio_json_number_eq(a, b);
    }

    return 0;
}


int
sio_json_int(sio_str_t value, int64_t *n)
{
    int64_t         i;
    unsigned        negative;
    const uint8_t  *p, *end;

    if (value.len == 0) {
        return SIO_DECLINED;
    }

    p = value.data;
    end = p + value.len;
    negative = 0;

    if (p < end && *p == '-') {
        negative = 1;
        p++;
    }

    if (p == end) {
        return SIO_DECLINED;
    }

    /* downwards, where there is one number more */

    for (i = 0; p < end; p++) {

        if (*p < '0' || *p > '9'
            || __builtin_mul_overflow(i, 10, &i)
            || __builtin_sub_overflow(i, *p - '0', &i))
        {
            return SIO_DECLINED;
        }
    }

    if (!negative && __builtin_sub_overflow(0, i, &i)) {
        return SIO_DECLINED;
    }

    *n = i;

    return SIO_OK;
}


/*
 * strtod() is given an integer and an exponent: no point, which is the
 * locale's, and a bounded number of digits.  Where digits are cut off, a last
 * one stands for them, so that a tie is not mistaken.
 */

int
sio_json_double(sio_str_t value, double *d)
{
    char                 text[SIO_JSON_DOUBLE_DIGITS + 32], *t;
    double               n;
    int64_t              exp;
    unsigned             left;
    const uint8_t       *p;
    sio_json_decimal_t   dec;

    if (sio_json_decimal(&dec, value) != SIO_OK) {
        return SIO_DECLINED;
    }

    if (dec.first == NULL) {
        *d = 0;
        return SIO_OK;
    }

    t = text;
    exp = dec.exp;
    left = SIO_JSON_DOUBLE_DIGITS;

    for (p = dec.first; p <= dec.last; p++) {

        if (*p == '.') {
            continue;
        }

        if (left > 0) {
            left--;
            *t++ = *p;

        } else {
            exp++;
        }
    }

    if (exp != dec.exp) {
        exp--;
        *t++ = '1';
    }

    exp = exp < -100000 ? -100000 : exp > 100000 ? 100000 : exp;

    *t++ = 'e';
    *t++ = exp < 0 ? '-' : '+';
    exp = exp < 0 ? -exp : exp;

    *t++ = '0' + exp / 100000;
    *t++ = '0' + exp / 10000 % 10;
    *t++ = '0' + exp / 1000 % 10;
    *t++ = '0' + exp / 100 % 10;
    *t++ = '0' + exp / 10 % 10;
    *t++ = '0' + exp % 10;
    *t = '\0';

    n = strtod(text, NULL);

    if (isinf(n)) {
        return SIO_DECLINED;
    }

    *d = dec.negative ? -n : n;

    return SIO_OK;
}
