/*
 * The query of an Engine.IO request: EIO, transport, sid.  Other arguments
 * are the application's and ignored.  Engine.IO v4, "Query parameters".
 *
 * Also the error answers: their codes and texts.
 */


#ifndef _EIO_QUERY_H_INCLUDED_
#define _EIO_QUERY_H_INCLUDED_


#include "codec/sio_types.h"


typedef enum {
    EIO_POLLING = 0,
    EIO_WEBSOCKET,
    EIO_TRANSPORT_UNKNOWN
} eio_transport_e;


/* The reference server's codes; the HTTP status is 400, but 403 for 4. */

typedef enum {
    EIO_ERROR_TRANSPORT = 0,     /* Transport unknown */
    EIO_ERROR_SID,               /* Session ID unknown */
    EIO_ERROR_METHOD,            /* Bad handshake method */
    EIO_ERROR_REQUEST,           /* Bad request */
    EIO_ERROR_FORBIDDEN,         /* Forbidden */
    EIO_ERROR_VERSION            /* Unsupported protocol version */
} eio_error_e;


typedef struct {
    unsigned         version;    /* 4; anything else: 3, as the reference */
    eio_transport_e  transport;
    sio_str_t        sid;        /* a view; empty: none */
    unsigned         has_sid:1;
} eio_query_t;


#pragma GCC visibility push(hidden)


/*
 * args: the query without "?".  Of an argument given twice the first counts.
 * Percent-encoding in the three values is decoded only as far as to compare:
 * a value that needs it is not one of ours.  Never fails.
 */
void eio_query_parse(sio_str_t args, eio_query_t *query);

/* The message of an error: "Transport unknown" ... */

sio_str_t eio_error_message(eio_error_e error);

/* The JSON body: {"code":0,"message":"Transport unknown"}; static. */

sio_str_t eio_error_body(eio_error_e error);


#pragma GCC visibility pop


#endif /* _EIO_QUERY_H_INCLUDED_ */
