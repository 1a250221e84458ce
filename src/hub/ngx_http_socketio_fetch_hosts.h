/*
 * Fetch over hosts.
 *
 * The question goes to all other hosts as a fetch of sockets, which every
 * kind of host understands, and which carries the question itself, as one
 * worker asks it of another.  A host of our kind answers with the pages of its
 * workers, so that a large room costs a page; another kind answers with all
 * the sockets addressed, of which a page is made here (fetch_foreign).
 *
 * A question and an answer are records in base64: version and type, then the
 * question; or whether something is missing, then answers as a worker of the
 * asking host would give them.
 */


#ifndef _NGX_HTTP_SOCKETIO_FETCH_HOSTS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FETCH_HOSTS_H_INCLUDED_


#include "hub/ngx_http_socketio_fetch.h"


/* Ask; what cannot be asked is missing.  f->asking tells how many wait. */

void ngx_http_socketio_fetch_hosts(ngx_http_socketio_fetch_t *f);

/* Give it up, in any state. */

void ngx_http_socketio_fetch_hosts_forget(ngx_http_socketio_fetch_t *f);

/*
 * Another host's question, in a namespace: q is filled with views of buf,
 * which is written.  NGX_OK, NGX_ERROR: it makes no sense, or no memory.
 */
ngx_int_t ngx_http_socketio_page_question(sio_buf_t *buf, sio_str_t page,
    sio_str_t nsp, ngx_http_socketio_question_t *q);

/* Append the answer: that of a fetch that is raw.  NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_page_answer(sio_buf_t *buf,
    const ngx_http_socketio_fetch_t *f);


#endif /* _NGX_HTTP_SOCKETIO_FETCH_HOSTS_H_INCLUDED_ */
