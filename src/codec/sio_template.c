/*
 * Templates, parsed at configuration time and rendered per event.
 *
 * Parsing walks the text once: it cuts the parts, and writes a stand-in of
 * the same length, with an empty array for each bare reference and an "x" for
 * each byte of one in a string.  If the stand-in is valid JSON, so is every
 * rendering; and as the lengths agree, the offset of an error in the one is
 * the offset in the other.  An array joins with no neighbour to another valid
 * token, and cannot be a member's name; neither can "x" complete an escape.
 */


#include "codec/sio_json.h"
#include "codec/sio_template.h"


#define SIO_TEMPLATE_KEYS_MAX  65536


typedef struct {
    sio_template_t        *t;
    sio_template_error_t  *err;
    sio_str_t              text;
    size_t                 pos;
    uint8_t               *out;        /* free bytes for texts of parts */
    uint8_t               *literal;    /* the begin of the open literal */
    uint8_t               *stand_in;
    size_t                 string;     /* behind the opening quote, or 0 */
    unsigned               refs;       /* in the open string */
} sio_template_parser_t;


static inline int
sio_template_digit(uint8_t ch)
{
    return ch >= '0' && ch <= '9';
}


static inline int
sio_template_alpha(uint8_t ch)
{
    return ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') || ch == '_';
}


static size_t
sio_template_name_len(const uint8_t *p, const uint8_t *end)
{
    const uint8_t  *start;

    start = p;

    if (p == end || !sio_template_alpha(*p)) {
        return 0;
    }

    while (p < end && (sio_template_alpha(*p) || sio_template_digit(*p))) {
        p++;
    }

    return p - start;
}


static size_t
sio_template_digits_len(const uint8_t *p, const uint8_t *end)
{
    const uint8_t  *start;

    start = p;

    while (p < end && sio_template_digit(*p)) {
        p++;
    }

    return p - start;
}


/* Members and indexes: as many as stand there. */

static size_t
sio_template_path_len(const uint8_t *p, const uint8_t *end)
{
    size_t          len;
    const uint8_t  *start;

    start = p;

    while (p < end) {

        if (*p == '.') {
            len = sio_template_name_len(p + 1, end);
            if (len == 0) {
                break;
            }

            p += 1 + len;
            continue;
        }

        if (*p != '[') {
            break;
        }

        len = (end - p > 1 && p[1] == '*')
              ? 1 : sio_template_digits_len(p + 1, end);

        if (len == 0 || (size_t) (end - p) < len + 2 || p[len + 1] != ']') {
            break;
        }

        p += len + 2;
    }

    return p - start;
}


/* What stands behind the dollar sign, or between the braces. */

static size_t
sio_template_body_len(const uint8_t *p, const uint8_t *end)
{
    size_t  len;

    if (p == end) {
        return 0;
    }

    if (*p == '.' || *p == '[') {
        return sio_template_path_len(p, end);
    }

    len = sio_template_digit(*p) ? sio_template_digits_len(p, end)
                                 : sio_template_name_len(p, end);

    return len ? len + sio_template_path_len(p + len, end) : 0;
}


size_t
sio_template_ref_len(sio_str_t text)
{
    size_t          len;
    const uint8_t  *p, *end;

    if (text.len < 2 || text.data[0] != '$') {
        return 0;
    }

    p = text.data + 1;
    end = text.data + text.len;

    if (*p != '{') {
        len = sio_template_body_len(p, end);
        return len ? len + 1 : 0;
    }

    p++;
    len = sio_template_body_len(p, end);

    return (len && len < (size_t) (end - p) && p[len] == '}') ? len + 3 : 0;
}


static int
sio_template_fail(sio_template_parser_t *ps, size_t offset,
    const char *error)
{
    ps->err->error = error;
    ps->err->offset = offset;

    return SIO_ERROR;
}


/*
 * Memory for the worst that this text can become: a part for each reference
 * and for the literal before it, a last literal; behind them their bytes.
 */

static int
sio_template_parser_init(sio_template_parser_t *ps, sio_template_t *t,
    const sio_mem_t *mem, sio_str_t text, sio_template_error_t *err)
{
    size_t  i, n;

    memset(ps, 0, sizeof(sio_template_parser_t));
    memset(t, 0, sizeof(sio_template_t));
    memset(err, 0, sizeof(sio_template_error_t));

    for (i = 0, n = 1; i < text.len; i++) {
        if (text.data[i] == '$') {
            n += 2;
        }
    }

    t->parts = sio_alloc(mem, n * sizeof(sio_template_part_t) + text.len);
    if (t->parts == NULL) {
        return SIO_NOMEM;
    }

    ps->t = t;
    ps->err = err;
    ps->text = text;
    ps->out = (uint8_t *) (t->parts + n);
    ps->literal = ps->out;

    return SIO_OK;
}


static void
sio_template_part_add(sio_template_parser_t *ps, sio_template_e type,
    const uint8_t *data, size_t len)
{
    sio_template_part_t  *part;

    part = &ps->t->parts[ps->t->nparts++];
    part->type = type;
    part->text = sio_str(data, len);
}


static void
sio_template_literal_end(sio_template_parser_t *ps)
{
    if (ps->out != ps->literal) {
        sio_template_part_add(ps, SIO_TEMPLATE_LITERAL, ps->literal,
                              ps->out - ps->literal);
    }

    ps->literal = ps->out;
}


/* Take the reference at pos: SIO_OK or SIO_ERROR. */

static int
sio_template_ref_take(sio_template_parser_t *ps, sio_template_e type)
{
    size_t          len;
    uint8_t        *ref;
    const uint8_t  *p;

    p = ps->text.data + ps->pos;

    len = sio_template_ref_len(sio_str(p, ps->text.len - ps->pos));
    if (len == 0) {
        return sio_template_fail(ps, ps->pos,
                                 "\"$\" begins no reference"
                                 " (in text, \"$$\" is a dollar sign)");
    }

    sio_template_literal_end(ps);

    ps->pos += len;
    ref = ps->out;
    *ps->out++ = '$';

    /* without the braces */

    p++;
    len--;

    if (*p == '{') {
        p++;
        len -= 2;
    }

    memcpy(ps->out, p, len);
    ps->out += len;

    sio_template_part_add(ps, type, ref, ps->out - ref);
    ps->literal = ps->out;
    ps->t->nrefs++;

    return SIO_OK;
}


/* A string ends at pos: is it a member's name, and may it be one? */

static int
sio_template_string_end(sio_template_parser_t *ps)
{
    size_t                  start;
    const uint8_t          *p, *end;
    static const sio_str_t  reserved = sio_string("_placeholder");

    start = ps->string;
    ps->string = 0;

    end = ps->text.data + ps->text.len;
    p = sio_json_space(ps->text.data + ps->pos + 1, end);

    if (p == end || *p != ':') {
        return SIO_OK;
    }

    ps->t->key_refs += ps->refs;

    /* the stand-in has the text's escapes, and "x" for what else there is */

    if (sio_json_raw_eq(sio_str(ps->stand_in + start, ps->pos - start),
                        reserved))
    {
        return sio_template_fail(ps, start - 1,
                                 "\"_placeholder\" is a reserved name");
    }

    return SIO_OK;
}


static int
sio_template_string_walk(sio_template_parser_t *ps)
{
    int       rc;
    size_t    pos;
    uint8_t   ch;

    pos = ps->pos;
    ch = ps->text.data[pos];

    if (ch == '$') {

        if (pos + 1 < ps->text.len && ps->text.data[pos + 1] == '$') {
            *ps->out++ = '$';
            ps->pos += 2;

        } else {
            rc = sio_template_ref_take(ps, SIO_TEMPLATE_STRING);
            if (rc != SIO_OK) {
                return rc;
            }

            ps->refs++;
        }

        memset(ps->stand_in + pos, 'x', ps->pos - pos);

        return SIO_OK;
    }

    if (ch == '"') {
        rc = sio_template_string_end(ps);
        if (rc != SIO_OK) {
            return rc;
        }

    } else if (ch == '\\' && pos + 1 < ps->text.len) {

        /* an escaped quote ends no string, an escaped dollar is an error */

        *ps->out++ = ch;
        ps->pos++;
        ch = ps->text.data[ps->pos];
    }

    *ps->out++ = ch;
    ps->pos++;

    return SIO_OK;
}


static int
sio_template_walk(sio_template_parser_t *ps)
{
    int      rc;
    size_t   pos;
    uint8_t  ch;

    while (ps->pos < ps->text.len) {

        if (ps->string) {
            rc = sio_template_string_walk(ps);
            if (rc != SIO_OK) {
                return rc;
            }

            continue;
        }

        pos = ps->pos;
        ch = ps->text.data[pos];

        if (ch == '$') {
            rc = sio_template_ref_take(ps, SIO_TEMPLATE_JSON);
            if (rc != SIO_OK) {
                return rc;
            }

            memset(ps->stand_in + pos, ' ', ps->pos - pos);
            ps->stand_in[pos] = '[';
            ps->stand_in[ps->pos - 1] = ']';
            continue;
        }

        if (ch == '"') {
            ps->string = pos + 1;
            ps->refs = 0;
        }

        if (!sio_json_is_space(ch)) {
            *ps->out++ = ch;
        }

        ps->pos++;
    }

    sio_template_literal_end(ps);

    return SIO_OK;
}


int
sio_template_parse_json(sio_template_t *t, const sio_mem_t *mem,
    sio_str_t text, sio_template_error_t *err)
{
    int                             rc;
    uint8_t                        *stand_in;
    sio_json_info_t                 info;
    sio_template_parser_t           ps;
    static const sio_json_limits_t  limits = {
        SIO_JSON_DEPTH_MAX, SIO_TEMPLATE_KEYS_MAX
    };

    rc = sio_template_parser_init(&ps, t, mem, text, err);
    if (rc != SIO_OK) {
        return rc;
    }

    stand_in = sio_alloc(mem, text.len ? text.len : 1);
    if (stand_in == NULL) {
        sio_template_free(t, mem);
        return SIO_NOMEM;
    }

    if (text.len) {
        memcpy(stand_in, text.data, text.len);
    }

    ps.stand_in = stand_in;

    rc = sio_template_walk(&ps);

    if (rc == SIO_OK) {
        rc = sio_json_validate(sio_str(stand_in, text.len), &limits, &info,
                               NULL);

        if (rc != SIO_OK) {
            (void) sio_template_fail(&ps, info.offset, info.error);
        }
    }

    sio_free(mem, stand_in);

    if (rc != SIO_OK) {
        sio_template_free(t, mem);
    }

    return rc;
}


int
sio_template_parse_plain(sio_template_t *t, const sio_mem_t *mem,
    sio_str_t text, sio_template_error_t *err)
{
    int                    rc;
    sio_template_parser_t  ps;

    rc = sio_template_parser_init(&ps, t, mem, text, err);
    if (rc != SIO_OK) {
        return rc;
    }

    while (ps.pos < text.len) {

        if (text.data[ps.pos] != '$') {
            *ps.out++ = text.data[ps.pos++];
            continue;
        }

        if (ps.pos + 1 < text.len && text.data[ps.pos + 1] == '$') {
            *ps.out++ = '$';
            ps.pos += 2;
            continue;
        }

        rc = sio_template_ref_take(&ps, SIO_TEMPLATE_PLAIN);
        if (rc != SIO_OK) {
            sio_template_free(t, mem);
            return rc;
        }
    }

    sio_template_literal_end(&ps);

    return SIO_OK;
}


void
sio_template_free(sio_template_t *t, const sio_mem_t *mem)
{
    sio_free(mem, t->parts);
    memset(t, 0, sizeof(sio_template_t));
}


int
sio_template_render(const sio_template_t *t, sio_template_value_pt value,
    void *ctx, sio_buf_t *buf)
{
    int                         rc;
    size_t                      len;
    unsigned                    n;
    const sio_template_part_t  *part;

    rc = SIO_OK;
    len = buf->len;

    for (n = 0; n < t->nparts; n++) {
        part = &t->parts[n];

        rc = (part->type == SIO_TEMPLATE_LITERAL)
             ? sio_buf_append_str(buf, part->text)
             : value(ctx, n, part, buf);

        if (rc != SIO_OK) {
            buf->len = len;
            break;
        }
    }

    return rc;
}
