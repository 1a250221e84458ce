/*
 * Asking for a lost session.
 */


#include "hub/ngx_http_socketio_recall.h"


/* Of a session's text, and of the events that one misses. */

#define NGX_HTTP_SOCKETIO_RECALL_MAX  (64 * 1024 * 1024)


static void ngx_http_socketio_recall_free(ngx_http_socketio_recall_t *recall);


ngx_http_socketio_recall_t *
ngx_http_socketio_recall_create(ngx_http_socketio_hub_t *hub, void *data)
{
    ngx_http_socketio_recall_t  *recall;

    recall = sio_calloc(&ngx_http_socketio_mem,
                        sizeof(ngx_http_socketio_recall_t));
    if (recall == NULL) {
        return NULL;
    }

    recall->hub = hub;
    recall->data = data;

    sio_buf_init(&recall->text, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_RECALL_MAX);
    sio_buf_init(&recall->events, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_RECALL_MAX);

    return recall;
}


static void
ngx_http_socketio_recall_free(ngx_http_socketio_recall_t *recall)
{
    sio_buf_free(&recall->text);
    sio_buf_free(&recall->events);
    sio_free(&ngx_http_socketio_mem, recall);
}


void
ngx_http_socketio_recall_forget(ngx_http_socketio_recall_t *recall)
{
    recall->data = NULL;

    if (recall->rc != NGX_AGAIN) {
        ngx_http_socketio_recall_free(recall);
    }
}


void
ngx_http_socketio_recall_answer(ngx_http_socketio_recall_t *recall,
    ngx_int_t rc)
{
    recall->rc = rc;

    if (recall->data == NULL) {
        ngx_http_socketio_recall_free(recall);
        return;
    }

    recall->done(recall);
}
