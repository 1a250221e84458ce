/*
 * Negotiation of permessage-deflate.
 *
 * RFC 6455, 9.1.  Negotiating Extensions:
 *
 *     list  = extension *("," extension)
 *     extension = token *(";" token ["=" (token | quoted token)])
 */


#include "codec/ws_deflate.h"


/* Parameters, as bits of what an offer has had already. */

typedef enum {
    WS_DEFLATE_SERVER_NO_CONTEXT = 0,
    WS_DEFLATE_CLIENT_NO_CONTEXT,
    WS_DEFLATE_SERVER_WINDOW,
    WS_DEFLATE_CLIENT_WINDOW,
    WS_DEFLATE_PARAMS
} ws_deflate_param_e;


static int ws_deflate_extension(sio_str_t *in, unsigned window, int *accepted);
static int ws_deflate_param(sio_str_t name, sio_str_t value, unsigned window,
    unsigned *had);
static unsigned ws_deflate_bits(sio_str_t value);
static int ws_deflate_token(sio_str_t *in, sio_str_t *token);
static int ws_deflate_value(sio_str_t *in, sio_str_t *value);
static int ws_deflate_take(sio_str_t *in, uint8_t ch);


static const char  *ws_deflate_params[WS_DEFLATE_PARAMS] = {
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits"
};


int
ws_deflate_offered(sio_str_t header, unsigned window)
{
    int  one, any;

    any = 0;

    do {
        if (ws_deflate_extension(&header, window, &one) != SIO_OK) {
            return SIO_DECLINED;
        }

        any |= one;

    } while (ws_deflate_take(&header, ','));

    return any && header.len == 0 ? SIO_OK : SIO_DECLINED;
}


static int
ws_deflate_extension(sio_str_t *in, unsigned window, int *accepted)
{
    unsigned   had;
    sio_str_t  name, param, value;

    if (ws_deflate_token(in, &name) != SIO_OK) {
        return SIO_ERROR;
    }

    *accepted = sio_str_eq(name, sio_str("permessage-deflate", 18));
    had = 0;

    while (ws_deflate_take(in, ';')) {

        if (ws_deflate_token(in, &param) != SIO_OK) {
            return SIO_ERROR;
        }

        value = sio_str(NULL, 0);

        if (ws_deflate_take(in, '=')
            && ws_deflate_value(in, &value) != SIO_OK)
        {
            return SIO_ERROR;
        }

        if (ws_deflate_param(param, value, window, &had) != SIO_OK) {
            *accepted = 0;
        }
    }

    return SIO_OK;
}


/* Whether an offer with this parameter can be accepted. */

static int
ws_deflate_param(sio_str_t name, sio_str_t value, unsigned window,
    unsigned *had)
{
    unsigned  i, bits;

    for (i = 0; i < WS_DEFLATE_PARAMS; i++) {
        if (name.len == strlen(ws_deflate_params[i])
            && memcmp(name.data, ws_deflate_params[i], name.len) == 0)
        {
            break;
        }
    }

    if (i == WS_DEFLATE_PARAMS || (*had & 1u << i)) {
        return SIO_DECLINED;
    }

    *had |= 1u << i;
    bits = ws_deflate_bits(value);

    switch (i) {

    case WS_DEFLATE_SERVER_WINDOW:

        /* what we send is made once for all: with the window we have */

        return bits >= window ? SIO_OK : SIO_DECLINED;

    case WS_DEFLATE_CLIENT_WINDOW:
        return value.len == 0 || bits ? SIO_OK : SIO_DECLINED;

    default:
        return value.len == 0 ? SIO_OK : SIO_DECLINED;
    }
}


/* 8 to 15, or 0: something else. */

static unsigned
ws_deflate_bits(sio_str_t value)
{
    if (value.len == 1 && (value.data[0] == '8' || value.data[0] == '9')) {
        return value.data[0] - '0';
    }

    if (value.len == 2 && value.data[0] == '1' && value.data[1] >= '0'
        && value.data[1] <= '5')
    {
        return 10 + value.data[1] - '0';
    }

    return 0;
}


static void
ws_deflate_space(sio_str_t *in)
{
    while (in->len && (in->data[0] == ' ' || in->data[0] == '\t')) {
        in->data++;
        in->len--;
    }
}


/* RFC 9110, 5.6.2.  Tokens */

static int
ws_deflate_token(sio_str_t *in, sio_str_t *token)
{
    uint8_t  ch;
    size_t   n;

    ws_deflate_space(in);

    for (n = 0; n < in->len; n++) {
        ch = in->data[n];

        if (ch <= ' ' || ch >= 0x7f
            || memchr("()<>@,;:\\\"/[]?={}", ch, 17) != NULL)
        {
            break;
        }
    }

    *token = sio_str(in->data, n);
    in->data += n;
    in->len -= n;

    ws_deflate_space(in);

    return n ? SIO_OK : SIO_ERROR;
}


static int
ws_deflate_value(sio_str_t *in, sio_str_t *value)
{
    ws_deflate_space(in);

    if (!ws_deflate_take(in, '"')) {
        return ws_deflate_token(in, value);
    }

    if (ws_deflate_token(in, value) != SIO_OK) {
        return SIO_ERROR;
    }

    return ws_deflate_take(in, '"') ? SIO_OK : SIO_ERROR;
}


/* Whether ch comes next; then it is taken, with the white space behind. */

static int
ws_deflate_take(sio_str_t *in, uint8_t ch)
{
    if (in->len == 0 || in->data[0] != ch) {
        return 0;
    }

    in->data++;
    in->len--;

    ws_deflate_space(in);

    return 1;
}


size_t
ws_deflate_answer(uint8_t *dst, unsigned window)
{
    size_t             len;

    static const char  answer[] =
        "permessage-deflate; server_no_context_takeover; "
        "client_no_context_takeover";
    static const char  bits[] = "; server_max_window_bits=";

    len = sizeof(answer) - 1;
    memcpy(dst, answer, len);

    if (window < WS_DEFLATE_WINDOW_MAX) {
        memcpy(dst + len, bits, sizeof(bits) - 1);
        len += sizeof(bits) - 1;

        if (window >= 10) {
            dst[len++] = '1';
        }

        dst[len++] = (uint8_t) ('0' + window % 10);
    }

    return len;
}
