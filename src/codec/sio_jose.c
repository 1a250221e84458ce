/*
 * The compact form of tokens.
 */


#include "codec/sio_base64.h"
#include "codec/sio_jose.h"


static int sio_jose_unique(const sio_mem_t *mem, sio_str_t object);
static int sio_jose_string(sio_str_t object, const char *name, sio_str_t *raw);
static int sio_jose_among(const sio_str_t *names, unsigned n, sio_str_t name);


int
sio_jose_split(sio_str_t token, sio_jose_t *jose)
{
    const uint8_t  *p, *end, *start;

    memset(jose, 0, sizeof(sio_jose_t));

    if (token.len == 0 || token.len > SIO_JOSE_TOKEN_MAX) {
        return SIO_ERROR;
    }

    end = token.data + token.len;
    start = token.data;

    for (p = start; p <= end; p++) {

        if (p < end && *p != '.') {
            continue;
        }

        if (jose->nparts == SIO_JOSE_JWE_PARTS) {
            return SIO_ERROR;
        }

        jose->part[jose->nparts++] = sio_str(start, p - start);

        if (jose->nparts == SIO_JOSE_JWS_PARTS - 1) {
            jose->input = sio_str(token.data, p - token.data);
        }

        start = p + 1;
    }

    return (jose->part[0].len
            && (jose->nparts == SIO_JOSE_JWS_PARTS
                || jose->nparts == SIO_JOSE_JWE_PARTS))
           ? SIO_OK : SIO_ERROR;
}


int
sio_jose_decode(sio_str_t part, uint8_t *dst, size_t *len)
{
    *len = 0;

    if (part.len == 0) {
        return SIO_OK;
    }

    if (memchr(part.data, '=', part.len)) {
        return SIO_ERROR;
    }

    return sio_base64url_decode(dst, len, part.data, part.len);
}


int
sio_jose_object(const sio_mem_t *mem, sio_str_t text, sio_str_t *object)
{
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    limits.max_depth = SIO_JOSE_DEPTH_MAX;
    limits.max_keys = SIO_JOSE_KEYS_MAX;

    if (sio_json_validate(text, &limits, &info, object) != SIO_OK
        || sio_json_type(*object) != SIO_JSON_OBJECT)
    {
        return SIO_ERROR;
    }

    return sio_jose_unique(mem, *object);
}


/* Names are the same by their meaning, escapes or not. */

static int
sio_jose_unique(const sio_mem_t *mem, sio_str_t object)
{
    int              rc;
    unsigned         n;
    sio_buf_t        buf;
    sio_str_t        key, value, names[SIO_JOSE_MEMBERS_MAX];
    sio_json_iter_t  it;

    n = 0;
    rc = SIO_OK;
    sio_buf_init(&buf, mem, SIO_JOSE_TOKEN_MAX);
    sio_json_object_iter(&it, object);

    while (rc == SIO_OK && sio_json_object_next(&it, &key, &value) == SIO_OK) {

        if (n == SIO_JOSE_MEMBERS_MAX) {
            rc = SIO_ERROR;
            break;
        }

        names[n] = key;

        if (memchr(key.data, '\\', key.len)) {
            sio_buf_reset(&buf);
            rc = sio_json_unescape(&buf, sio_str(key.data - 1, key.len + 2));
            key = sio_buf_str(&buf);
        }

        if (rc == SIO_OK && sio_jose_among(names, n, key)) {
            rc = SIO_ERROR;
        }

        n++;
    }

    sio_buf_free(&buf);

    return rc == SIO_DECLINED ? SIO_ERROR : rc;
}


static int
sio_jose_among(const sio_str_t *names, unsigned n, sio_str_t name)
{
    while (n--) {
        if (sio_json_raw_eq(names[n], name)) {
            return 1;
        }
    }

    return 0;
}


int
sio_jose_header(const sio_mem_t *mem, sio_str_t text,
    sio_jose_header_t *header)
{
    int        rc;
    sio_str_t  object, value;

    memset(header, 0, sizeof(sio_jose_header_t));

    if (text.len > SIO_JOSE_HEADER_MAX) {
        return SIO_ERROR;
    }

    rc = sio_jose_object(mem, text, &object);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("crit"), &value) == SIO_OK
        || sio_json_member(object, sio_cstr("b64"), &value) == SIO_OK
        || sio_json_member(object, sio_cstr("zip"), &value) == SIO_OK
        || sio_jose_string(object, "alg", &header->alg) != SIO_OK
        || sio_jose_string(object, "enc", &header->enc) == SIO_ERROR
        || sio_jose_string(object, "kid", &header->kid) == SIO_ERROR)
    {
        return SIO_ERROR;
    }

    return SIO_OK;
}


/* SIO_OK, SIO_DECLINED: there is none, or SIO_ERROR: it is no string. */

static int
sio_jose_string(sio_str_t object, const char *name, sio_str_t *raw)
{
    sio_str_t  value;

    if (sio_json_member(object, sio_cstr(name), &value) != SIO_OK) {
        return SIO_DECLINED;
    }

    if (sio_json_type(value) != SIO_JSON_STRING) {
        return SIO_ERROR;
    }

    *raw = sio_str(value.data + 1, value.len - 2);

    return SIO_OK;
}
