/*
 * JSON without a tree: validate once, then slice.
 *
 * sio_json_validate() is the security boundary: grammar, UTF-8, depth and key
 * bounds, and what Socket.IO adds (placeholders).  All other functions take
 * text that has passed it, and are simple and fast because they may trust it:
 * handing them anything else is a bug of the caller, though they never read
 * beyond the slice.
 *
 * A value is a slice of the text, without white space around it.
 *
 * RFC 8259.  Lone surrogate escapes are accepted, as the grammar has them.
 */


#ifndef _SIO_JSON_H_INCLUDED_
#define _SIO_JSON_H_INCLUDED_


#include "codec/sio_buf.h"


typedef enum {
    SIO_JSON_NONE = 0,           /* no value: a missing member */
    SIO_JSON_NULL,
    SIO_JSON_TRUE,
    SIO_JSON_FALSE,
    SIO_JSON_NUMBER,
    SIO_JSON_STRING,
    SIO_JSON_ARRAY,
    SIO_JSON_OBJECT
} sio_json_e;


typedef struct {
    unsigned  max_depth;         /* arrays and objects inside each other */
    unsigned  max_keys;          /* members of all objects together */
} sio_json_limits_t;


/* Validation keeps its stack in an array: max_depth counts up to this. */

#define SIO_JSON_DEPTH_MAX  128


/*
 * What the validation saw.  A placeholder is an object with the member
 * "_placeholder": true; Socket.IO v5, "Packet encoding".  As receivers parse
 * before they look, a key counts by its meaning ("\u005fplaceholder"), and of
 * several of one name the last one.  "num" has to be a plain integer: 1.0 or
 * 1e0 is an index to some receivers and an error to others.  Placeholders are
 * counted wherever they stand, also inside one another or in a member that a
 * later one of the same name replaces.
 */
typedef struct {
    const char  *error;          /* static text */
    size_t       offset;         /* of the first wrong byte */
    unsigned     depth;
    unsigned     keys;
    unsigned     placeholders;   /* how many */
    uint64_t     placeholder_nums;   /* bit n: {"_placeholder":true,"num":n} */
    unsigned     bad_placeholder:1;  /* one without a "num" of 0 .. 63 */
} sio_json_info_t;


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
} sio_json_iter_t;


/* One step of a path: a member's name, an index, or all elements. */

typedef enum {
    SIO_JSON_MEMBER = 1,
    SIO_JSON_INDEX,
    SIO_JSON_EACH                /* [*] */
} sio_json_step_e;


typedef struct {
    sio_json_step_e  type;
    sio_str_t        name;       /* unescaped */
    uint32_t         index;
} sio_json_step_t;


#pragma GCC visibility push(hidden)


/*
 * Validate a whole text: one value, white space around it allowed.
 *
 * *value (may be NULL): the value without the white space.
 *
 * SIO_OK     valid
 * SIO_ERROR  info->error and info->offset say what and where
 */
int sio_json_validate(sio_str_t text, const sio_json_limits_t *limits,
    sio_json_info_t *info, sio_str_t *value);

/* White space, and past it.  RFC 8259, 2.  JSON Grammar */

static inline int
sio_json_is_space(uint8_t ch)
{
    return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}


static inline const uint8_t *
sio_json_space(const uint8_t *p, const uint8_t *end)
{
    while (p < end && sio_json_is_space(*p)) {
        p++;
    }

    return p;
}


/* The end of the value at p, which is no white space. */

const uint8_t *sio_json_value_skip(const uint8_t *p, const uint8_t *end);

/* The type, by the first byte.  An empty slice is SIO_JSON_NONE. */

sio_json_e sio_json_type(sio_str_t value);

/* Whether no white space stands outside strings. */

int sio_json_compact(sio_str_t value);

/*
 * Elements of an array, in order: SIO_OK and *value, or SIO_DONE.  Values
 * joined by commas without brackets do as well: set pos and end.  Anything
 * but an array has no elements.
 */

void sio_json_array_iter(sio_json_iter_t *it, sio_str_t array);
int sio_json_array_next(sio_json_iter_t *it, sio_str_t *value);

/*
 * Members of an object, in order.  *key is the raw text between the quotes,
 * escapes and all: compare it with sio_json_raw_eq().
 */
void sio_json_object_iter(sio_json_iter_t *it, sio_str_t object);
int sio_json_object_next(sio_json_iter_t *it, sio_str_t *key,
    sio_str_t *value);

/*
 * Whether raw string text (between the quotes) means the bytes of s, as
 * sio_json_unescape() has them.
 */

int sio_json_raw_eq(sio_str_t raw, sio_str_t s);

/*
 * The member of an object; of several of one name the last, as JSON.parse
 * has it.  SIO_OK, or SIO_DECLINED: no such member, or not an object.
 */
int sio_json_member(sio_str_t object, sio_str_t name, sio_str_t *value);

/* The element of an array: SIO_OK or SIO_DECLINED. */

int sio_json_element(sio_str_t array, uint32_t index, sio_str_t *value);

/*
 * Follow a path of n steps (no SIO_JSON_EACH) from value: SIO_OK or
 * SIO_DECLINED.
 */
int sio_json_lookup(sio_str_t value, const sio_json_step_t *steps,
    unsigned n, sio_str_t *found);

/*
 * Append the bytes a JSON string (with its quotes) means.  A lone surrogate
 * becomes U+FFFD.  SIO_OK, SIO_DECLINED, SIO_NOMEM as sio_buf_append(), and
 * SIO_DECLINED too if it is no string.
 */
int sio_json_unescape(sio_buf_t *buf, sio_str_t string);

/*
 * Append valid UTF-8 bytes as the inside of a JSON string, without quotes.
 * Escaped: quote, backslash, control characters; U+2028 and U+2029 are not.
 */
int sio_json_escape(sio_buf_t *buf, sio_str_t bytes);

/* The same with quotes. */

int sio_json_quote(sio_buf_t *buf, sio_str_t bytes);

/*
 * Whether two values are the same: strings after unescaping, numbers by
 * value, exactly (1 = 1.0 = 1e0), arrays and objects by their bytes.
 */
int sio_json_eq(sio_str_t a, sio_str_t b);

/*
 * An integer without fraction or exponent that fits: SIO_OK or SIO_DECLINED.
 */
int sio_json_int(sio_str_t value, int64_t *n);

/*
 * Any number, to the nearest double: SIO_OK, or SIO_DECLINED for what is no
 * number or beyond the range of one.
 */

int sio_json_double(sio_str_t value, double *d);


#pragma GCC visibility pop


#endif /* _SIO_JSON_H_INCLUDED_ */
