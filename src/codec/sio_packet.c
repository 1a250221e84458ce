/*
 * Socket.IO packets.
 *
 * The header is read from left to right, each part by a function that takes
 * its bytes off the text and returns NULL or what is wrong.  What is left is
 * the payload: it is validated once, and whatever a receiver's decoder would
 * choke on is refused, because it may be sent on as it stands.
 *
 * Deliberate differences from the reference server: an EVENT or ACK without
 * a payload, an ACK without an id, "0-" and placeholders that do not match
 * the attachments are refused; numbers are of digits only.
 */


#include "codec/sio_packet.h"
#include "codec/sio_utf8.h"


#define SIO_PACKET_DIGITS  20    /* of any 64-bit number */

#define SIO_DEL            0x7f


static int sio_packet_header(sio_str_t *text,
    const sio_packet_limits_t *limits, sio_packet_t *pkt);
static const char *sio_packet_type(sio_str_t *text, sio_packet_t *pkt);
static const char *sio_packet_attachments(sio_str_t *text,
    const sio_packet_limits_t *limits, sio_packet_t *pkt);
static const char *sio_packet_nsp(sio_str_t *text,
    const sio_packet_limits_t *limits, sio_packet_t *pkt);
static const char *sio_packet_id(sio_str_t *text, sio_packet_t *pkt);
static const char *sio_packet_payload(sio_str_t text,
    const sio_packet_limits_t *limits, sio_packet_t *pkt);
static const char *sio_packet_shape(const sio_packet_t *pkt);
static const char *sio_packet_event_name(sio_str_t data);
static size_t sio_packet_digits(sio_str_t text, uint64_t max, uint64_t *n);
static size_t sio_packet_write_uint(uint8_t *dst, uint64_t n);


/* Events that the reference's decoder refuses, closing the connection. */

static const sio_str_t  sio_packet_reserved_names[] = {
    sio_string("connect"),
    sio_string("connect_error"),
    sio_string("disconnect"),
    sio_string("disconnecting"),
    sio_string("newListener"),
    sio_string("removeListener")
};

#define SIO_PACKET_NRESERVED                                                  \
    (sizeof(sio_packet_reserved_names) / sizeof(sio_str_t))


int
sio_packet_decode(sio_str_t text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    if (sio_packet_header(&text, limits, pkt) != SIO_OK) {
        return SIO_ERROR;
    }

    pkt->error = sio_packet_payload(text, limits, pkt);

    return pkt->error ? SIO_ERROR : SIO_OK;
}


int
sio_packet_head(sio_str_t text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    return sio_packet_header(&text, limits, pkt);
}


/* What is before the payload, which is left in text. */

static int
sio_packet_header(sio_str_t *text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    memset(pkt, 0, sizeof(sio_packet_t));

    pkt->nsp = sio_cstr("/");
    pkt->id = SIO_NO_ID;

    pkt->error = sio_packet_type(text, pkt);
    if (pkt->error) {
        return SIO_ERROR;
    }

    if (sio_packet_is_binary(pkt->type)) {
        pkt->error = sio_packet_attachments(text, limits, pkt);
        if (pkt->error) {
            return SIO_ERROR;
        }
    }

    if (text->len && text->data[0] == '/') {
        pkt->error = sio_packet_nsp(text, limits, pkt);
        if (pkt->error) {
            return SIO_ERROR;
        }
    }

    pkt->error = sio_packet_id(text, pkt);

    return pkt->error ? SIO_ERROR : SIO_OK;
}


static const char *
sio_packet_type(sio_str_t *text, sio_packet_t *pkt)
{
    uint8_t  ch;

    if (text->len == 0) {
        return "empty packet";
    }

    ch = text->data[0];

    if (ch < '0' || ch > '0' + SIO_BINARY_ACK) {
        return "unknown packet type";
    }

    pkt->type = (sio_packet_e) (ch - '0');

    if (pkt->type == SIO_CONNECT_ERROR) {
        return "connect error from a client";
    }

    *text = sio_str(text->data + 1, text->len - 1);

    return NULL;
}


static const char *
sio_packet_attachments(sio_str_t *text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    size_t    len;
    uint64_t  n, max;

    max = limits->max_attachments;

    if (max > SIO_ATTACHMENTS) {
        max = SIO_ATTACHMENTS;
    }

    len = sio_packet_digits(*text, max, &n);

    if (len == 0 || len == text->len || text->data[len] != '-') {
        return "no number of attachments";
    }

    if (n == 0 || n > max) {
        return "bad number of attachments";
    }

    pkt->attachments = (unsigned) n;
    *text = sio_str(text->data + len + 1, text->len - len - 1);

    return NULL;
}


static const char *
sio_packet_nsp(sio_str_t *text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    size_t          len;
    const uint8_t  *p;

    p = memchr(text->data, ',', text->len);
    len = p ? (size_t) (p - text->data) : text->len;

    pkt->nsp = sio_str(text->data, len);

    len += (p != NULL);
    *text = sio_str(text->data + len, text->len - len);

    /* clients of Socket.IO v2 append a query, which nobody reads */

    p = memchr(pkt->nsp.data, '?', pkt->nsp.len);

    if (p) {
        pkt->nsp.len = p - pkt->nsp.data;
    }

    if (!sio_name_valid(pkt->nsp, limits->max_nsp)) {
        return "bad namespace";
    }

    return NULL;
}


static const char *
sio_packet_id(sio_str_t *text, sio_packet_t *pkt)
{
    size_t    len;
    uint64_t  n;

    len = sio_packet_digits(*text, SIO_ID_MAX, &n);

    if (len == 0) {
        return (pkt->type == SIO_ACK || pkt->type == SIO_BINARY_ACK)
               ? "no ack id" : NULL;
    }

    if (n > SIO_ID_MAX) {
        return "bad ack id";
    }

    pkt->id = (int64_t) n;
    *text = sio_str(text->data + len, text->len - len);

    return NULL;
}


static const char *
sio_packet_payload(sio_str_t text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt)
{
    uint64_t         expected;
    const char      *error;
    sio_json_info_t  info;

    if (text.len == 0) {
        return (pkt->type == SIO_CONNECT || pkt->type == SIO_DISCONNECT)
               ? NULL : "no payload";
    }

    if (pkt->type == SIO_DISCONNECT) {
        return "payload of a disconnect";
    }

    if (sio_json_validate(text, &limits->json, &info, &pkt->data) != SIO_OK) {
        return info.error;
    }

    error = sio_packet_shape(pkt);
    if (error) {
        return error;
    }

    /*
     * The bits 0 .. attachments - 1.  For a packet of text: none, as a
     * placeholder in it would stand for nothing where it is received.
     */

    expected = (1ull << pkt->attachments) - 1;

    if (info.bad_placeholder || info.placeholder_nums != expected) {
        return "bad placeholder";
    }

    return NULL;
}


/* Socket.IO v5, "Packet encoding": what each type carries. */

static const char *
sio_packet_shape(const sio_packet_t *pkt)
{
    sio_json_e  type;

    type = sio_json_type(pkt->data);

    switch (pkt->type) {

    case SIO_CONNECT:
        return type == SIO_JSON_OBJECT ? NULL : "payload is not an object";

    case SIO_EVENT:
    case SIO_BINARY_EVENT:
        return type == SIO_JSON_ARRAY ? sio_packet_event_name(pkt->data)
                                      : "payload is not an array";

    default: /* SIO_ACK, SIO_BINARY_ACK */
        return type == SIO_JSON_ARRAY ? NULL : "payload is not an array";
    }
}


/* The first element of a valid array: a string that may be sent, a number. */

static const char *
sio_packet_event_name(sio_str_t data)
{
    size_t           i;
    unsigned         escaped;
    sio_str_t        raw;
    const uint8_t   *p;

    p = data.data + 1;

    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
        p++;
    }

    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        return NULL;
    }

    if (*p != '"') {
        return "no event name";
    }

    raw.data = ++p;
    escaped = 0;

    while (*p != '"') {
        if (*p == '\\') {
            escaped = 1;
            p++;
        }

        p++;
    }

    raw.len = p - raw.data;

    if (!escaped) {
        return sio_packet_reserved(raw) ? "reserved event name" : NULL;
    }

    for (i = 0; i < SIO_PACKET_NRESERVED; i++) {
        if (sio_json_raw_eq(raw, sio_packet_reserved_names[i])) {
            return "reserved event name";
        }
    }

    return NULL;
}


int
sio_packet_reserved(sio_str_t name)
{
    size_t  i;

    for (i = 0; i < SIO_PACKET_NRESERVED; i++) {
        if (sio_str_eq(name, sio_packet_reserved_names[i])) {
            return 1;
        }
    }

    return 0;
}


int
sio_name_valid(sio_str_t name, size_t max)
{
    size_t   i;
    uint8_t  ch;

    if (name.len == 0 || name.len > max) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        ch = name.data[i];

        if (ch < 0x20 || ch == SIO_DEL) {
            return 0;
        }

        /* U+0080 to U+009F */

        if (ch == 0xc2 && i + 1 < name.len && name.data[i + 1] < 0xa0) {
            return 0;
        }
    }

    return sio_utf8_valid(name.data, name.len) == SIO_OK;
}


/*
 * The decimal digits that text begins with: how many, and their value.  Once
 * it is above max it grows no more; max is at most 2^60.
 */

static size_t
sio_packet_digits(sio_str_t text, uint64_t max, uint64_t *n)
{
    size_t  len;

    *n = 0;

    for (len = 0; len < text.len; len++) {
        if (text.data[len] < '0' || text.data[len] > '9') {
            break;
        }

        if (*n <= max) {
            *n = *n * 10 + (text.data[len] - '0');
        }
    }

    return len;
}


int
sio_packet_encode(sio_buf_t *buf, const sio_packet_t *pkt)
{
    int      rc;
    size_t   head_len, nsp_len, id_len;
    uint8_t  head[3 + SIO_PACKET_DIGITS], id[SIO_PACKET_DIGITS];

    head[0] = '4';
    head[1] = (uint8_t) ('0' + pkt->type);
    head_len = 2;

    if (sio_packet_is_binary(pkt->type)) {
        head_len += sio_packet_write_uint(head + 2, pkt->attachments);
        head[head_len++] = '-';
    }

    nsp_len = pkt->nsp.len;

    if (nsp_len == 1 && pkt->nsp.data[0] == '/') {
        nsp_len = 0;
    }

    id_len = 0;

    if (pkt->id != SIO_NO_ID) {
        id_len = sio_packet_write_uint(id, (uint64_t) pkt->id);
    }

    rc = sio_buf_reserve(buf, head_len + (nsp_len ? nsp_len + 1 : 0) + id_len
                              + pkt->data.len);
    if (rc != SIO_OK) {
        return rc;
    }

    (void) sio_buf_append(buf, head, head_len);

    if (nsp_len) {
        (void) sio_buf_append_str(buf, pkt->nsp);
        (void) sio_buf_append_char(buf, ',');
    }

    (void) sio_buf_append(buf, id, id_len);

    return sio_buf_append_str(buf, pkt->data);
}


static size_t
sio_packet_write_uint(uint8_t *dst, uint64_t n)
{
    size_t    len;
    uint8_t   digits[SIO_PACKET_DIGITS], *p;

    p = digits + SIO_PACKET_DIGITS;

    do {
        *--p = '0' + n % 10;
        n /= 10;
    } while (n);

    len = digits + SIO_PACKET_DIGITS - p;
    memcpy(dst, p, len);

    return len;
}
