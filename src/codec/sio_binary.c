/*
 * Attachments and their placeholders.
 *
 * Renumbering copies the text in one pass, by descent: an object is known to
 * be a placeholder only at its closing brace, and is replaced then.  How deep
 * it descends has been bounded by the validation (max_depth), and everything
 * inside a placeholder object goes with it, as in the reference.
 */


#include "codec/sio_base64.h"
#include "codec/sio_binary.h"
#include "codec/sio_writer.h"


typedef struct {
    const uint8_t       *pos;
    const uint8_t       *end;
    const uint8_t       *copied;     /* the text before it is in buf */
    sio_buf_t           *buf;
    const sio_binary_t  *from;
    sio_binary_t        *to;
} sio_binary_walk_t;


static int sio_binary_value(sio_binary_walk_t *w);
static int sio_binary_array(sio_binary_walk_t *w);
static int sio_binary_object(sio_binary_walk_t *w);
static sio_str_t sio_binary_key(sio_binary_walk_t *w);
static int sio_binary_replace(sio_binary_walk_t *w, const uint8_t *start,
    sio_str_t num);
static int sio_binary_flush(sio_binary_walk_t *w, const uint8_t *end);
static int sio_binary_take(sio_binary_walk_t *w, sio_str_t num);
static int sio_binary_num(sio_str_t num);
static int sio_binary_inline_value(sio_buf_t *buf, sio_str_t value,
    const sio_binary_t *from, sio_buf_t *work);
static int sio_binary_inline_item(sio_buf_t *buf, sio_str_t bytes);
static inline int sio_binary_next(sio_binary_walk_t *w, uint8_t ch);


static const sio_str_t  sio_binary_mark = sio_string("_placeholder");


int
sio_binary_begin(sio_binary_pending_t *p, const sio_mem_t *mem,
    sio_str_t text, unsigned want)
{
    memset(p, 0, sizeof(sio_binary_pending_t));

    p->mem = mem;
    p->want = want;

    p->text = sio_alloc(mem, text.len ? text.len : 1);
    if (p->text == NULL) {
        return SIO_NOMEM;
    }

    if (text.len) {
        memcpy(p->text, text.data, text.len);
        p->text_len = text.len;
    }

    return SIO_OK;
}


int
sio_binary_add(sio_binary_pending_t *p, sio_str_t bytes, size_t max_bytes)
{
    uint8_t  *copy;

    if (p->got.n >= p->want || p->got.n == SIO_ATTACHMENTS
        || p->bytes > max_bytes || bytes.len > max_bytes - p->bytes)
    {
        return SIO_DECLINED;
    }

    copy = sio_alloc(p->mem, bytes.len ? bytes.len : 1);
    if (copy == NULL) {
        return SIO_NOMEM;
    }

    if (bytes.len) {
        memcpy(copy, bytes.data, bytes.len);
    }

    p->got.item[p->got.n++] = sio_str(copy, bytes.len);
    p->bytes += bytes.len;

    return p->got.n == p->want ? SIO_OK : SIO_AGAIN;
}


void
sio_binary_free(sio_binary_pending_t *p)
{
    while (p->got.n) {
        p->got.n--;
        sio_free(p->mem, (void *) p->got.item[p->got.n].data);
    }

    sio_free(p->mem, p->text);

    p->text = NULL;
    p->text_len = 0;
    p->bytes = 0;
    p->want = 0;
}


int
sio_binary_placeholder(sio_str_t value)
{
    sio_str_t  mark, num;

    if (sio_json_type(value) != SIO_JSON_OBJECT
        || sio_json_member(value, sio_binary_mark, &mark) != SIO_OK
        || sio_json_type(mark) != SIO_JSON_TRUE
        || sio_json_member(value, sio_cstr("num"), &num) != SIO_OK)
    {
        return -1;
    }

    return sio_binary_num(num);
}


int
sio_binary_renumber(sio_buf_t *buf, sio_str_t value, const sio_binary_t *from,
    sio_binary_t *to)
{
    int                rc;
    size_t             len;
    unsigned           n;
    sio_binary_walk_t  w;

    /* the text of a packet without attachments has no placeholders */

    if (from->n == 0 || value.len == 0) {
        return sio_buf_append_str(buf, value);
    }

    w.pos = value.data;
    w.end = value.data + value.len;
    w.copied = value.data;
    w.buf = buf;
    w.from = from;
    w.to = to;

    len = buf->len;
    n = to->n;

    rc = sio_binary_value(&w);

    if (rc == SIO_OK) {
        rc = sio_binary_flush(&w, w.end);
    }

    if (rc != SIO_OK) {
        buf->len = len;
        to->n = n;
    }

    return rc;
}


static int
sio_binary_value(sio_binary_walk_t *w)
{
    w->pos = sio_json_space(w->pos, w->end);

    if (w->pos == w->end) {
        return SIO_OK;
    }

    switch (*w->pos) {

    case '{':
        return sio_binary_object(w);

    case '[':
        return sio_binary_array(w);

    default:
        w->pos = sio_json_value_skip(w->pos, w->end);
        return SIO_OK;
    }
}


static int
sio_binary_array(sio_binary_walk_t *w)
{
    int  rc;

    w->pos++;

    if (sio_binary_next(w, ']')) {
        return SIO_OK;
    }

    do {
        rc = sio_binary_value(w);
        if (rc != SIO_OK) {
            return rc;
        }

    } while (sio_binary_next(w, ','));

    (void) sio_binary_next(w, ']');

    return SIO_OK;
}


static int
sio_binary_object(sio_binary_walk_t *w)
{
    int             rc;
    size_t          len;
    unsigned        n, found;
    sio_str_t       key, num;
    const uint8_t  *start, *value, *copied;

    start = w->pos++;

    if (sio_binary_next(w, '}')) {
        return SIO_OK;
    }

    len = w->buf->len;
    copied = w->copied;
    n = w->to->n;

    found = 0;
    num = sio_str(start, 0);

    do {
        key = sio_binary_key(w);
        value = w->pos;

        rc = sio_binary_value(w);
        if (rc != SIO_OK) {
            return rc;
        }

        /* of several members of one name the last counts */

        if (sio_json_raw_eq(key, sio_binary_mark)) {
            found = (value < w->end && *value == 't');

        } else if (sio_json_raw_eq(key, sio_cstr("num"))) {
            num = sio_str(value, w->pos - value);
        }

    } while (sio_binary_next(w, ','));

    (void) sio_binary_next(w, '}');

    if (!found) {
        return SIO_OK;
    }

    w->buf->len = len;
    w->copied = copied;
    w->to->n = n;

    return sio_binary_replace(w, start, num);
}


/* The raw text of a key; the position is left at the value. */

static sio_str_t
sio_binary_key(sio_binary_walk_t *w)
{
    const uint8_t  *start, *end;

    start = sio_json_space(w->pos, w->end);
    end = sio_json_value_skip(start, w->end);
    w->pos = end;

    (void) sio_binary_next(w, ':');
    w->pos = sio_json_space(w->pos, w->end);

    return end - start < 2 ? sio_str(start, 0)
                           : sio_str(start + 1, end - start - 2);
}


/* Replace the object from start to the position. */

static int
sio_binary_replace(sio_binary_walk_t *w, const uint8_t *start, sio_str_t num)
{
    int           rc, n;
    sio_writer_t  out;

    n = sio_binary_take(w, num);
    if (n < 0) {
        return SIO_DECLINED;
    }

    rc = sio_binary_flush(w, start);
    if (rc != SIO_OK) {
        return rc;
    }

    w->copied = w->pos;

    sio_writer_begin(&out, w->buf);

    sio_writer_put_text(&out, "{\"_placeholder\":true,\"num\":");
    sio_writer_put_uint(&out, (uint64_t) n);
    sio_writer_put_text(&out, "}");

    return sio_writer_end(&out);
}


static int
sio_binary_flush(sio_binary_walk_t *w, const uint8_t *end)
{
    int  rc;

    rc = sio_buf_append(w->buf, w->copied, end - w->copied);
    if (rc != SIO_OK) {
        return rc;
    }

    w->copied = end;

    return SIO_OK;
}


/*
 * The number in "to" of the attachment that num has in "from"; negative if
 * there is none, or "to" is full.  An attachment is sent once, however many
 * placeholders stand for it.
 */

static int
sio_binary_take(sio_binary_walk_t *w, sio_str_t num)
{
    int        n;
    unsigned   i;
    sio_str_t  item;

    n = sio_binary_num(num);

    if (n < 0 || (unsigned) n >= w->from->n) {
        return -1;
    }

    item = w->from->item[n];

    for (i = 0; i < w->to->n; i++) {
        if (w->to->item[i].data == item.data
            && w->to->item[i].len == item.len)
        {
            return (int) i;
        }
    }

    if (i == SIO_ATTACHMENTS) {
        return -1;
    }

    w->to->item[i] = item;
    w->to->n++;

    return (int) i;
}


static int
sio_binary_num(sio_str_t num)
{
    int64_t  n;

    if (sio_json_type(num) != SIO_JSON_NUMBER
        || sio_json_int(num, &n) != SIO_OK
        || n < 0 || n >= SIO_ATTACHMENTS)
    {
        return -1;
    }

    return (int) n;
}


/* Whether ch is next; if so, step behind it. */

static inline int
sio_binary_next(sio_binary_walk_t *w, uint8_t ch)
{
    w->pos = sio_json_space(w->pos, w->end);

    if (w->pos < w->end && *w->pos == ch) {
        w->pos++;
        return 1;
    }

    return 0;
}


int
sio_binary_inline(sio_buf_t *buf, sio_str_t values, const sio_binary_t *from,
    sio_buf_t *work)
{
    int              rc;
    size_t           start;
    sio_str_t        value;
    sio_json_iter_t  it;

    if (from == NULL || from->n == 0) {
        return sio_buf_append_str(buf, values);
    }

    it.pos = values.data;
    it.end = values.data + values.len;

    start = buf->len;
    rc = SIO_OK;

    while (rc == SIO_OK && sio_json_array_next(&it, &value) == SIO_OK) {

        if (buf->len > start) {
            rc = sio_buf_append_char(buf, ',');
        }

        if (rc == SIO_OK) {
            rc = sio_binary_inline_value(buf, value, from, work);
        }
    }

    if (rc != SIO_OK) {
        buf->len = start;
    }

    return rc;
}


/*
 * Renumbering writes placeholders in one form only, which no string of valid
 * JSON can hold (its quotes would be escaped): so it can be searched for.
 */

static int
sio_binary_inline_value(sio_buf_t *buf, sio_str_t value,
    const sio_binary_t *from, sio_buf_t *work)
{
    int             rc;
    size_t          start, len;
    unsigned        n;
    sio_binary_t    to;
    const uint8_t  *p, *pos, *end;

    static const char  mark[] = "{\"_placeholder\":true,\"num\":";

    to.n = 0;
    sio_buf_reset(work);

    rc = sio_binary_renumber(work, value, from, &to);
    if (rc != SIO_OK) {
        return rc;
    }

    start = buf->len;
    pos = work->data;
    end = work->data + work->len;
    len = sizeof(mark) - 1;

    for (p = pos; rc == SIO_OK && p < end; p++) {

        if (*p != '{' || (size_t) (end - p) <= len
            || memcmp(p, mark, len) != 0)
        {
            continue;
        }

        rc = sio_buf_append(buf, pos, p - pos);

        for (p += len, n = 0; *p != '}'; p++) {
            n = n * 10 + (*p - '0');
        }

        pos = p + 1;

        /* of a value that was renumbered it is there */

        if (rc == SIO_OK) {
            rc = n < to.n ? sio_binary_inline_item(buf, to.item[n])
                          : SIO_DECLINED;
        }
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, pos, end - pos);
    }

    if (rc != SIO_OK) {
        buf->len = start;
    }

    return rc;
}


static int
sio_binary_inline_item(sio_buf_t *buf, sio_str_t bytes)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "{\"base64\":\"");
    sio_writer_check(&w, sio_base64_append(buf, bytes));
    sio_writer_put_text(&w, "\"}");

    return sio_writer_end(&w);
}
