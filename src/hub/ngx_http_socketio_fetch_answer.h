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

/* Whether a room is listed: those of users only if these are asked for. */

static ngx_inline ngx_uint_t
ngx_http_socketio_fetch_lists(const ngx_http_socketio_question_t *q,
    sio_str_t room)
{
    return room.len >= q->prefix.len
           && (q->prefix.len == 0
               || ngx_memcmp(room.data, q->prefix.data, q->prefix.len) == 0)
           && (sio_room_user(room).data == NULL
               || sio_room_user(q->prefix).data);
}


#endif /* _NGX_HTTP_SOCKETIO_FETCH_ANSWER_H_INCLUDED_ */
