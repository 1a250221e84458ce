/*
 * Validation of JSON text.
 *
 * One pass without recursion and without a tree: a small frame per open array
 * or object, kept in an array.  Text is mostly the inside of strings, so
 * strings are scanned by words, and only their quotes, escapes, control
 * characters and bytes above ASCII are looked at one by one.
 *
 * Placeholders are noticed on the way, because whoever could slip one past
 * this check would make the parsers of other clients fail, and these close
 * their connections.
 *
 * RFC 8259; RFC 3629, 4.  Syntax of UTF-8 Byte Sequences; Socket.IO v5,
 * "Packet encoding".
 */


#include "codec/sio_json.h"


/* What the value due next is to its object. */

typedef enum {
    SIO_JSON_ROLE_NONE = 0,
    SIO_JSON_ROLE_PLACEHOLDER,
    SIO_JSON_ROLE_NUM
} sio_json_role_e;


#define SIO_JSON_NUM_BAD  0xff


typedef struct {
    uint8_t           object;
    uint8_t           placeholder;   /* "_placeholder" is true so far */
    uint8_t           num;           /* "num" so far, or SIO_JSON_NUM_BAD */
} sio_json_frame_t;


typedef struct {
    const uint8_t    *end;
    const uint8_t    *bad;           /* the first wrong byte */
    unsigned          max_depth;
    unsigned          max_keys;
    unsigned          depth;
    unsigned          escaped;       /* the last string had an escape */
    sio_json_role_e   role;
    sio_json_info_t  *info;
    sio_json_frame_t  frames[SIO_JSON_DEPTH_MAX + 1];
} sio_json_scan_t;


#define SIO_JSON_BYTES(ch)  (0x0101010101010101ULL * (ch))


static const uint8_t *
sio_json_fail(sio_json_scan_t *s, const uint8_t *p, const char *error)
{
    s->bad = p;
    s->info->error = (p == s->end) ? "unexpected end of text" : error;

    return NULL;
}


/*
 * The first byte of a string that is not plain ASCII: a quote, a backslash, a
 * control character, or above.  In a word, a byte's high bit is set in the
 * result if the byte is one of these, or if a lower byte is: a borrow runs
 * upwards only, so the lowest mark is always right.
 */

static inline const uint8_t *
sio_json_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t  w, mark;

    while (end - p >= 8) {
        memcpy(&w, p, 8);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
#endif

        mark = (w
                | (w - SIO_JSON_BYTES(0x20))
                | ((w ^ SIO_JSON_BYTES('"')) - SIO_JSON_BYTES(1))
                | ((w ^ SIO_JSON_BYTES('\\')) - SIO_JSON_BYTES(1)))
               & SIO_JSON_BYTES(0x80);

        if (mark) {
            return p + (__builtin_ctzll(mark) >> 3);
        }

        p += 8;
    }

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* The end of one character above ASCII, NULL if it is malformed. */

static inline const uint8_t *
sio_json_char(const uint8_t *p, const uint8_t *end)
{
    size_t   left;
    uint8_t  lead, min, max;

    lead = *p;
    left = end - p;

    if (lead < 0xe0) {
        return (lead >= 0xc2 && left >= 2 && (p[1] & 0xc0) == 0x80)
               ? p + 2 : NULL;
    }

    /* the second byte excludes overlong forms, surrogates, > U+10FFFF */

    min = (lead == 0xe0) ? 0xa0 : (lead == 0xf0) ? 0x90 : 0x80;
    max = (lead == 0xed) ? 0x9f : (lead == 0xf4) ? 0x8f : 0xbf;

    if (left < 3 || p[1] < min || p[1] > max || (p[2] & 0xc0) != 0x80) {
        return NULL;
    }

    if (lead < 0xf0) {
        return p + 3;
    }

    return (lead <= 0xf4 && left >= 4 && (p[3] & 0xc0) == 0x80)
           ? p + 4 : NULL;
}


/* p stands behind the backslash. */

static const uint8_t *
sio_json_escape_scan(sio_json_scan_t *s, const uint8_t *p)
{
    unsigned  i;

    if (p == s->end) {
        return sio_json_fail(s, p, NULL);
    }

    switch (*p) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;

    case 'u':
        p++;

        for (i = 0; i < 4; i++, p++) {
            if (p == s->end
                || !((*p >= '0' && *p <= '9')
                     || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')))
            {
                return sio_json_fail(s, p, "hexadecimal digit expected");
            }
        }

        return p;

    default:
        return sio_json_fail(s, p, "unknown escape in a string");
    }
}


/* p stands behind the opening quote; the closing one is returned. */

static const uint8_t *
sio_json_string_scan(sio_json_scan_t *s, const uint8_t *p)
{
    const uint8_t  *next;

    s->escaped = 0;

    for ( ;; ) {
        p = sio_json_plain(p, s->end);

        if (p == s->end) {
            return sio_json_fail(s, p, NULL);
        }

        if (*p == '"') {
            return p;
        }

        if (*p == '\\') {
            s->escaped = 1;

            p = sio_json_escape_scan(s, p + 1);
            if (p == NULL) {
                return NULL;
            }

            continue;
        }

        if (*p < 0x20) {
            return sio_json_fail(s, p, "control character in a string");
        }

        do {
            next = sio_json_char(p, s->end);
            if (next == NULL) {
                return sio_json_fail(s, p, "invalid UTF-8 in a string");
            }

            p = next;

        } while (p < s->end && *p >= 0x80);
    }
}


static inline const uint8_t *
sio_json_digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p;
}


/* p stands on a minus or a digit. */

static const uint8_t *
sio_json_number_scan(sio_json_scan_t *s, const uint8_t *p)
{
    const uint8_t  *end, *first;

    end = s->end;

    if (*p == '-') {
        p++;
    }

    first = p;

    /* a zero stands alone: a digit behind it is refused by the caller */

    p = (p < end && *p == '0') ? p + 1 : sio_json_digits(p, end);
    if (p == first) {
        return sio_json_fail(s, p, "digit expected");
    }

    if (p < end && *p == '.') {
        first = p + 1;

        p = sio_json_digits(first, end);
        if (p == first) {
            return sio_json_fail(s, p, "digit expected");
        }
    }

    if (p < end && (*p | 0x20) == 'e') {
        p++;

        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }

        first = p;

        p = sio_json_digits(first, end);
        if (p == first) {
            return sio_json_fail(s, p, "digit expected");
        }
    }

    return p;
}


static const uint8_t *
sio_json_literal_scan(sio_json_scan_t *s, const uint8_t *p)
{
    const char  *word;

    word = (*p == 't') ? "true" : (*p == 'f') ? "false" : "null";

    while (*word) {
        if (p == s->end || *p != (uint8_t) *word) {
            return sio_json_fail(s, p, "unknown literal");
        }

        p++;
        word++;
    }

    return p;
}


static sio_json_role_e
sio_json_key_role(const uint8_t *key, size_t len, unsigned escaped)
{
    static const sio_str_t  placeholder = sio_string("_placeholder");
    static const sio_str_t  num = sio_string("num");

    if (!escaped && len != placeholder.len && len != num.len) {
        return SIO_JSON_ROLE_NONE;
    }

    if (sio_json_raw_eq(sio_str(key, len), placeholder)) {
        return SIO_JSON_ROLE_PLACEHOLDER;
    }

    if (sio_json_raw_eq(sio_str(key, len), num)) {
        return SIO_JSON_ROLE_NUM;
    }

    return SIO_JSON_ROLE_NONE;
}


/* Note a value (len bytes at p, arrays and objects with 0) by its role. */

static void
sio_json_role_set(sio_json_scan_t *s, const uint8_t *p, size_t len)
{
    unsigned           num;
    sio_json_frame_t  *frame;

    frame = &s->frames[s->depth];

    if (s->role == SIO_JSON_ROLE_PLACEHOLDER) {
        frame->placeholder = (len != 0 && *p == 't');

    } else {
        num = SIO_JSON_NUM_BAD;

        if (len == 1 && *p >= '0' && *p <= '9') {
            num = *p - '0';

        } else if (len == 2 && *p >= '1' && *p <= '9'
                   && p[1] >= '0' && p[1] <= '9')
        {
            num = (*p - '0') * 10 + (p[1] - '0');
        }

        frame->num = (num < 64) ? num : SIO_JSON_NUM_BAD;
    }

    s->role = SIO_JSON_ROLE_NONE;
}


static const uint8_t *
sio_json_open(sio_json_scan_t *s, const uint8_t *p)
{
    sio_json_frame_t  *frame;

    if (s->role) {
        sio_json_role_set(s, p, 0);
    }

    if (s->depth == s->max_depth) {
        return sio_json_fail(s, p, "too deep");
    }

    s->depth++;

    if (s->info->depth < s->depth) {
        s->info->depth = s->depth;
    }

    frame = &s->frames[s->depth];
    frame->object = (*p == '{');
    frame->placeholder = 0;
    frame->num = SIO_JSON_NUM_BAD;

    return sio_json_space(p + 1, s->end);
}


static void
sio_json_close(sio_json_scan_t *s)
{
    sio_json_frame_t  *frame;

    frame = &s->frames[s->depth--];

    if (frame->placeholder) {
        s->info->placeholders++;

        if (frame->num == SIO_JSON_NUM_BAD) {
            s->info->bad_placeholder = 1;

        } else {
            s->info->placeholder_nums |= (uint64_t) 1 << frame->num;
        }
    }
}


/* A key and its colon. */

static const uint8_t *
sio_json_key_scan(sio_json_scan_t *s, const uint8_t *p)
{
    const uint8_t  *key;

    if (p == s->end || *p != '"') {
        return sio_json_fail(s, p, "member name expected");
    }

    if (s->info->keys == s->max_keys) {
        return sio_json_fail(s, p, "too many members");
    }

    s->info->keys++;

    key = p + 1;

    p = sio_json_string_scan(s, key);
    if (p == NULL) {
        return NULL;
    }

    s->role = sio_json_key_role(key, p - key, s->escaped);

    p = sio_json_space(p + 1, s->end);

    if (p == s->end || *p != ':') {
        return sio_json_fail(s, p, "colon expected");
    }

    return p + 1;
}


/* A string, number or literal. */

static inline const uint8_t *
sio_json_scalar_scan(sio_json_scan_t *s, const uint8_t *p)
{
    const uint8_t  *start;

    start = p;

    switch (*p) {

    case '"':
        p = sio_json_string_scan(s, p + 1);
        if (p) {
            p++;
        }

        break;

    case 't':
    case 'f':
    case 'n':
        p = sio_json_literal_scan(s, p);
        break;

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        p = sio_json_number_scan(s, p);
        break;

    default:
        return sio_json_fail(s, p, "value expected");
    }

    if (p && s->role) {
        sio_json_role_set(s, start, p - start);
    }

    return p;
}


/* One value, from its first byte; its end is returned. */

static const uint8_t *
sio_json_value_scan(sio_json_scan_t *s, const uint8_t *p)
{
    unsigned  object;

value:

    if (p == s->end) {
        return sio_json_fail(s, p, NULL);
    }

    if (*p == '{' || *p == '[') {
        object = (*p == '{');

        p = sio_json_open(s, p);
        if (p == NULL) {
            return NULL;
        }

        if (p < s->end && *p == (object ? '}' : ']')) {
            goto close;
        }

        if (object) {
            goto key;
        }

        goto value;
    }

    p = sio_json_scalar_scan(s, p);
    if (p == NULL) {
        return NULL;
    }

next:

    if (s->depth == 0) {
        return p;
    }

    p = sio_json_space(p, s->end);
    object = s->frames[s->depth].object;

    if (p < s->end && *p == ',') {
        p = sio_json_space(p + 1, s->end);

        if (object) {
            goto key;
        }

        goto value;
    }

    if (p == s->end || *p != (object ? '}' : ']')) {
        return sio_json_fail(s, p, object ? "comma or \"}\" expected"
                                          : "comma or \"]\" expected");
    }

close:

    sio_json_close(s);
    p++;
    goto next;

key:

    p = sio_json_key_scan(s, p);
    if (p == NULL) {
        return NULL;
    }

    p = sio_json_space(p, s->end);
    goto value;
}


int
sio_json_validate(sio_str_t text, const sio_json_limits_t *limits,
    sio_json_info_t *info, sio_str_t *value)
{
    const uint8_t    *start, *p;
    sio_json_scan_t   s;

    memset(info, 0, sizeof(sio_json_info_t));

    if (text.len == 0) {
        info->error = "unexpected end of text";
        return SIO_ERROR;
    }

    s.end = text.data + text.len;
    s.bad = NULL;
    s.max_depth = limits->max_depth < SIO_JSON_DEPTH_MAX
                  ? limits->max_depth : SIO_JSON_DEPTH_MAX;
    s.max_keys = limits->max_keys;
    s.depth = 0;
    s.escaped = 0;
    s.role = SIO_JSON_ROLE_NONE;
    s.info = info;

    start = sio_json_space(text.data, s.end);

    p = sio_json_value_scan(&s, start);
    if (p == NULL) {
        goto failed;
    }

    if (value) {
        *value = sio_str(start, p - start);
    }

    p = sio_json_space(p, s.end);

    if (p != s.end) {
        sio_json_fail(&s, p, "text behind the value");
        goto failed;
    }

    return SIO_OK;

failed:

    info->offset = s.bad - text.data;

    return SIO_ERROR;
}
