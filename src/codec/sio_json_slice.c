/*
 * Slices of validated JSON text: elements, members, paths.
 *
 * The grammar has been checked, so that a value ends where its brackets do
 * and nothing else needs to be understood.  Every read is bounded by the
 * slice all the same, and every step advances: text that is no JSON gives
 * slices of no meaning, nothing worse.
 */


#include "codec/sio_json.h"


/*
 * p stands on the opening quote; the byte behind the closing one or end.  A
 * quote closes unless an odd number of backslashes stands before it: memchr()
 * takes long texts at the speed of memory, and each backslash is counted once.
 */

static const uint8_t *
sio_json_string_skip(const uint8_t *p, const uint8_t *end)
{
    const uint8_t  *start, *quote, *slash;

    start = ++p;

    for ( ;; ) {
        quote = memchr(p, '"', end - p);
        if (quote == NULL) {
            return end;
        }

        slash = quote;

        while (slash > start && slash[-1] == '\\') {
            slash--;
        }

        p = quote + 1;

        if (((quote - slash) & 1) == 0) {
            return p;
        }

        start = p;
    }
}


const uint8_t *
sio_json_value_skip(const uint8_t *p, const uint8_t *end)
{
    size_t  depth;

    depth = 0;

    while (p < end) {

        switch (*p) {

        case '"':
            p = sio_json_string_skip(p, end);

            if (depth == 0) {
                return p;
            }

            continue;

        case '[':
        case '{':
            depth++;
            break;

        case ']':
        case '}':
            if (depth == 0) {
                return p;
            }

            if (--depth == 0) {
                return p + 1;
            }

            break;

        case ',':
        case ':':
        case ' ':
        case '\t':
        case '\n':
        case '\r':
            if (depth == 0) {
                return p;
            }

            break;
        }

        p++;
    }

    return end;
}


/*
 * The value at pos, and pos behind the comma that follows, so that it stands
 * on the next value, on the closing bracket, or at the end.
 */

static void
sio_json_value_take(sio_json_iter_t *it, sio_str_t *value)
{
    const uint8_t  *p, *start;

    start = sio_json_space(it->pos, it->end);
    p = sio_json_value_skip(start, it->end);

    *value = sio_str(start, p - start);

    p = sio_json_space(p, it->end);

    /* anything but a comma is the closing bracket: nothing follows */

    it->pos = (p < it->end && *p == ',') ? p + 1 : it->end;
}


static void
sio_json_iter_init(sio_json_iter_t *it, sio_str_t value, uint8_t bracket)
{
    it->pos = value.data;
    it->end = value.data;

    if (value.len && value.data[0] == bracket) {
        it->pos++;
        it->end += value.len;
    }
}


sio_json_e
sio_json_type(sio_str_t value)
{
    if (value.len == 0) {
        return SIO_JSON_NONE;
    }

    switch (value.data[0]) {

    case 'n':
        return SIO_JSON_NULL;

    case 't':
        return SIO_JSON_TRUE;

    case 'f':
        return SIO_JSON_FALSE;

    case '"':
        return SIO_JSON_STRING;

    case '[':
        return SIO_JSON_ARRAY;

    case '{':
        return SIO_JSON_OBJECT;

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return SIO_JSON_NUMBER;

    default:
        return SIO_JSON_NONE;
    }
}


int
sio_json_compact(sio_str_t value)
{
    const uint8_t  *p, *end;

    if (value.len == 0) {
        return 1;
    }

    p = value.data;
    end = p + value.len;

    while (p < end) {

        switch (*p) {

        case '"':
            p = sio_json_string_skip(p, end);
            continue;

        case ' ':
        case '\t':
        case '\n':
        case '\r':
            return 0;
        }

        p++;
    }

    return 1;
}


void
sio_json_array_iter(sio_json_iter_t *it, sio_str_t array)
{
    sio_json_iter_init(it, array, '[');
}


int
sio_json_array_next(sio_json_iter_t *it, sio_str_t *value)
{
    it->pos = sio_json_space(it->pos, it->end);

    if (it->pos == it->end || *it->pos == ']') {
        return SIO_DONE;
    }

    sio_json_value_take(it, value);

    return SIO_OK;
}


void
sio_json_object_iter(sio_json_iter_t *it, sio_str_t object)
{
    sio_json_iter_init(it, object, '{');
}


int
sio_json_object_next(sio_json_iter_t *it, sio_str_t *key, sio_str_t *value)
{
    const uint8_t  *p, *start;

    start = sio_json_space(it->pos, it->end);

    if (start == it->end || *start != '"') {
        it->pos = it->end;
        return SIO_DONE;
    }

    p = sio_json_string_skip(start, it->end);

    /* without its closing quote, this is no key */

    if (p - start < 2 || p[-1] != '"') {
        it->pos = it->end;
        return SIO_DONE;
    }

    *key = sio_str(start + 1, p - start - 2);

    p = sio_json_space(p, it->end);

    it->pos = (p < it->end && *p == ':') ? p + 1 : p;

    sio_json_value_take(it, value);

    return SIO_OK;
}


int
sio_json_member(sio_str_t object, sio_str_t name, sio_str_t *value)
{
    int              rc;
    sio_str_t        key, v;
    sio_json_iter_t  it;

    rc = SIO_DECLINED;

    sio_json_object_iter(&it, object);

    while (sio_json_object_next(&it, &key, &v) == SIO_OK) {
        if (sio_json_raw_eq(key, name)) {
            *value = v;
            rc = SIO_OK;
        }
    }

    return rc;
}


int
sio_json_element(sio_str_t array, uint32_t index, sio_str_t *value)
{
    sio_str_t        v;
    sio_json_iter_t  it;

    sio_json_array_iter(&it, array);

    while (sio_json_array_next(&it, &v) == SIO_OK) {
        if (index-- == 0) {
            *value = v;
            return SIO_OK;
        }
    }

    return SIO_DECLINED;
}


int
sio_json_lookup(sio_str_t value, const sio_json_step_t *steps, unsigned n,
    sio_str_t *found)
{
    int       rc;
    unsigned  i;

    for (i = 0; i < n; i++) {

        switch (steps[i].type) {

        case SIO_JSON_MEMBER:
            rc = sio_json_member(value, steps[i].name, &value);
            break;

        case SIO_JSON_INDEX:
            rc = sio_json_element(value, steps[i].index, &value);
            break;

        default:
            rc = SIO_DECLINED;
            break;
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    *found = value;

    return SIO_OK;
}
