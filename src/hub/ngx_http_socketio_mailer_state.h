/*
 * What the files of the mailer share.
 */


#ifndef _NGX_HTTP_SOCKETIO_MAILER_STATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MAILER_STATE_H_INCLUDED_


#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_mailer.h"


#define NGX_HTTP_SOCKETIO_MAILER_WINDOW    256       /* said, not answered */
#define NGX_HTTP_SOCKETIO_MAILER_BYTES     (4 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_MAILER_READINGS  65536
#define NGX_HTTP_SOCKETIO_MAILER_ASKING    256       /* of the home, at once */
#define NGX_HTTP_SOCKETIO_MAILER_KEPT      (1024 * 1024)  /* news' bytes */


/* News that wait for the answer to a question. */

typedef struct ngx_http_socketio_item_kept_s  ngx_http_socketio_item_kept_t;

struct ngx_http_socketio_item_kept_s {
    ngx_http_socketio_item_kept_t  *next;
    uint64_t                     sequence;
    ngx_http_socketio_item_in_t  item;
    u_char                       data[];
};


typedef enum {
    NGX_HTTP_SOCKETIO_READING_WAITS = 0,     /* behind the outbox */
    NGX_HTTP_SOCKETIO_READING_ASKED,
    NGX_HTTP_SOCKETIO_READING_DONE           /* news are on their way */
} ngx_http_socketio_reading_e;


struct ngx_http_socketio_reading_s {
    sio_map_node_t               node;       /* by name */
    ngx_queue_t                  queue;      /* of its state */
    ngx_http_socketio_reading_e  state;
    uint64_t                     after;      /* of the outbox, to be said */
    uint64_t                     sequence;   /* of the last answer */
    ngx_http_socketio_item_kept_t  *kept;    /* news that came meanwhile */
    ngx_http_socketio_item_kept_t **last;
    size_t                       bytes;      /* of them */
    uint64_t                     askers[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_http_socketio_copy_t     copy;       /* of the mailbox */
    unsigned                     part:1;     /* the zone was full */
    unsigned                     added:1;    /* since it was told */
    unsigned                     again:1;    /* asked for once more */
    uint32_t                     nsp;        /* bytes of the name */
    uint32_t                     len;
    u_char                       name[];     /* namespace and user */
};


struct ngx_http_socketio_mailer_s {
    const ngx_http_socketio_home_t  *home;
    void                            *data;
    uint64_t                         host;
    sio_buf_t                        post;   /* read from the outbox */
    sio_buf_t                        names;

    /* of what was said, a ring, oldest first */
    uint64_t                         ids[NGX_HTTP_SOCKETIO_MAILER_WINDOW];
    size_t                           sizes[NGX_HTTP_SOCKETIO_MAILER_WINDOW];
    ngx_uint_t                       first;
    ngx_uint_t                       flying;
    size_t                           bytes;
    uint64_t        said[NGX_HTTP_SOCKETIO_OUTBOX_LISTS];  /* the last ids */

    sio_map_t                        readings;
    ngx_queue_t                      waits;
    ngx_queue_t                      asked;
    ngx_queue_t                      done;
    ngx_uint_t                       nasked;
    uint32_t                         stamp;

    unsigned                         active:1;   /* this worker is it */
    unsigned                         up:1;
    unsigned                         due:1;      /* the outbox has something */
    unsigned                         wake:1;     /* the mailer is to be told */
    unsigned                         all:1;      /* the outbox was said */
    unsigned                         barrier:1;  /* one is to end first */
    unsigned                         held:1;     /* puts: there is no room */
    unsigned                         probe:1;    /* and one is to be tried */
};


/* What was in the outbox up to this id has been said, or is held. */

static ngx_inline uint64_t
ngx_http_socketio_mailer_said(const ngx_http_socketio_mailer_t *m)
{
    return ngx_max(m->said[NGX_HTTP_SOCKETIO_OUTBOX_PUTS],
                   m->said[NGX_HTTP_SOCKETIO_OUTBOX_TAKES]);
}


/* The slot of the mailer, or NGX_HTTP_SOCKETIO_NO_SLOT. */

ngx_uint_t ngx_http_socketio_mailer_slot(ngx_http_socketio_hub_t *hub);

/*
 * A worker asks for a user's mailbox (slot NGX_HTTP_SOCKETIO_NO_SLOT: nobody
 * in particular).
 */
void ngx_http_socketio_mailer_ask(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t slot);

/* Ask the home for what waits, if it is its turn. */

void ngx_http_socketio_mailer_asks(ngx_http_socketio_hub_t *hub);

/* Say what is in the outbox. */

void ngx_http_socketio_mailer_say(ngx_http_socketio_hub_t *hub);

/* All questions end: the home is away. */

void ngx_http_socketio_mailer_unread(ngx_http_socketio_hub_t *hub);

/* Records between workers. */

typedef enum {
    NGX_HTTP_SOCKETIO_MAILER_WAKE = 1,       /* look into the outbox */
    NGX_HTTP_SOCKETIO_MAILER_ASK,            /* namespace, user */
    NGX_HTTP_SOCKETIO_MAILER_BROUGHT         /* what, added, namespace, user */
} ngx_http_socketio_mailer_e;


#endif /* _NGX_HTTP_SOCKETIO_MAILER_STATE_H_INCLUDED_ */
