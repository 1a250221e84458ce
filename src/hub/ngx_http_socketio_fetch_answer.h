/*
 * Fetch: what this worker answers.
 */


#ifndef _NGX_HTTP_SOCKETIO_FETCH_ANSWER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FETCH_ANSWER_H_INCLUDED_


#include "hub/ngx_http_socketio_fetch.h"


/*
 * Append the answer to a question, as ngx_http_socketio_fetch.h has it.
 * NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_fetch_answer(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_question_t *q, sio_buf_t *buf);

/* The room of a user, built in room; empty: an id that nobody can have. */

sio_str_t ngx_http_socketio_fetch_user(sio_str_t user,
    uint8_t room[SIO_ROOM_MAX]);


static ngx_inline ngx_uint_t
ngx_http_socketio_name_begins(sio_str_t name, sio_str_t prefix)
{
    return name.len >= prefix.len
           && (prefix.len == 0
               || ngx_memcmp(name.data, prefix.data, prefix.len) == 0);
}


#endif /* _NGX_HTTP_SOCKETIO_FETCH_ANSWER_H_INCLUDED_ */
