/*
 * The three arguments of an Engine.IO request, and its error answers.
 *
 * Nothing is percent-decoded: no value of ours contains a byte that a client
 * has to encode.  A deliberate difference from the reference server: of an
 * argument given twice it makes a list, here the first counts.
 */


#include "codec/eio_query.h"


typedef struct {
    sio_str_t  message;
    sio_str_t  body;
} eio_error_text_t;


static sio_str_t eio_query_next(sio_str_t *args, sio_str_t *value);
static eio_transport_e eio_query_transport(sio_str_t value);
static const eio_error_text_t *eio_error_text(eio_error_e error);


static const eio_error_text_t  eio_errors[] = {

    { sio_string("Transport unknown"),
      sio_string("{\"code\":0,\"message\":\"Transport unknown\"}") },

    { sio_string("Session ID unknown"),
      sio_string("{\"code\":1,\"message\":\"Session ID unknown\"}") },

    { sio_string("Bad handshake method"),
      sio_string("{\"code\":2,\"message\":\"Bad handshake method\"}") },

    { sio_string("Bad request"),
      sio_string("{\"code\":3,\"message\":\"Bad request\"}") },

    { sio_string("Forbidden"),
      sio_string("{\"code\":4,\"message\":\"Forbidden\"}") },

    { sio_string("Unsupported protocol version"),
      sio_string("{\"code\":5,\"message\":\"Unsupported protocol version\"}") }
};


void
eio_query_parse(sio_str_t args, eio_query_t *query)
{
    unsigned   version, transport, sid;
    sio_str_t  key, value;

    query->version = 3;
    query->transport = EIO_TRANSPORT_UNKNOWN;
    query->sid = sio_str(NULL, 0);
    query->has_sid = 0;

    version = 0;
    transport = 0;
    sid = 0;

    while (args.len) {
        key = eio_query_next(&args, &value);

        if (!version && sio_str_eq(key, sio_cstr("EIO"))) {
            version = 1;
            query->version = (value.len == 1 && value.data[0] == '4') ? 4 : 3;

        } else if (!transport && sio_str_eq(key, sio_cstr("transport"))) {
            transport = 1;
            query->transport = eio_query_transport(value);

        } else if (!sid && sio_str_eq(key, sio_cstr("sid"))) {
            sid = 1;
            query->sid = value;
            query->has_sid = (value.len != 0);
        }
    }
}


/* Cut the first argument off args. */

static sio_str_t
eio_query_next(sio_str_t *args, sio_str_t *value)
{
    size_t          len;
    sio_str_t       arg;
    const uint8_t  *p;

    p = memchr(args->data, '&', args->len);
    len = p ? (size_t) (p - args->data) : args->len;

    arg = sio_str(args->data, len);
    len += (p != NULL);
    *args = sio_str(args->data + len, args->len - len);

    *value = sio_str(NULL, 0);

    if (arg.len == 0) {
        return arg;
    }

    p = memchr(arg.data, '=', arg.len);

    if (p) {
        len = p - arg.data;
        *value = sio_str(p + 1, arg.len - len - 1);
        arg.len = len;
    }

    return arg;
}


static eio_transport_e
eio_query_transport(sio_str_t value)
{
    if (sio_str_eq(value, sio_cstr("polling"))) {
        return EIO_POLLING;
    }

    if (sio_str_eq(value, sio_cstr("websocket"))) {
        return EIO_WEBSOCKET;
    }

    return EIO_TRANSPORT_UNKNOWN;
}


sio_str_t
eio_error_message(eio_error_e error)
{
    return eio_error_text(error)->message;
}


sio_str_t
eio_error_body(eio_error_e error)
{
    return eio_error_text(error)->body;
}


static const eio_error_text_t *
eio_error_text(eio_error_e error)
{
    if ((unsigned) error > EIO_ERROR_VERSION) {
        error = EIO_ERROR_REQUEST;
    }

    return &eio_errors[error];
}
