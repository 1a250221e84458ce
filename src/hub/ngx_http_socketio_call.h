/*
 * Calls out: requests to a location of this server that no client made.
 *
 * A backend hands its functions down as hub->caller, since what it takes to
 * make a request is known on its floor.
 */


#ifndef _NGX_HTTP_SOCKETIO_CALL_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CALL_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


#define NGX_HTTP_SOCKETIO_CALL_HEADERS  4


typedef struct ngx_http_socketio_webhook_s  ngx_http_socketio_webhook_t;


/* Where calls go, as the configuration says: one for each path of an app. */

struct ngx_http_socketio_webhook_s {
    ngx_str_t                  uri;          /* path and arguments */
    ngx_uint_t                 index;        /* among those of the app */
    u_char                    *file;         /* where it is named first */
    ngx_uint_t                 line;
};


typedef struct {
    ngx_str_t                  name;
    sio_str_t                  value;        /* empty: is not sent */
} ngx_http_socketio_call_header_t;


/*
 * What came: status is 0 when nobody answered in time, or nobody was asked.
 * body is valid during the call.
 */
typedef void (*ngx_http_socketio_called_pt)(ngx_http_socketio_hub_t *hub,
    uint64_t id, ngx_uint_t status, sio_str_t body);


/* All of it is copied. */

typedef struct {
    const ngx_http_socketio_webhook_t *webhook;
    sio_str_t                  body;         /* JSON: POST; empty: GET */
    uint32_t                   msec;
    uint64_t                   id;           /* done's */
    ngx_http_socketio_called_pt  done;       /* NULL: nobody waits, it is
                                                tried again if need be */
    ngx_uint_t                 attempts;     /* of another worker, and */
    sio_str_t                  name;         /* the id it had, or empty */
    ngx_uint_t                 nheaders;
    ngx_http_socketio_call_header_t  headers[NGX_HTTP_SOCKETIO_CALL_HEADERS];
} ngx_http_socketio_call_t;


struct ngx_http_socketio_caller_s {
    /*
     * Make a call, now or when there is room.  done is called later, once,
     * and never from inside of it.  NGX_OK; NGX_DECLINED: there is no room,
     * or the location has failed so often that it is left alone; NGX_ERROR:
     * no memory.
     */
    ngx_int_t  (*call)(ngx_http_socketio_hub_t *hub,
                       const ngx_http_socketio_call_t *call);

    /* Once a second. */
    void       (*tick)(ngx_http_socketio_hub_t *hub);

    /* The worker ends: no done is called any more. */
    void       (*cleanup)(ngx_http_socketio_hub_t *hub);
};


/*
 * A call that nobody waits for, to one of the newest workers, in turn; it has
 * no headers.  NGX_OK; NGX_DECLINED: none is there; NGX_ERROR: the zone has no
 * room.
 */
ngx_int_t ngx_http_socketio_call_hand(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call);

/* Such a call came.  One that can't be made any more is counted, and logged. */

void ngx_http_socketio_call_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_CALL_H_INCLUDED_ */
