/*
 * Events that wait.
 */


#include "logic/sio_backlog.h"


sio_kept_t *
sio_kept_create(const sio_mem_t *mem, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    size_t       size;
    uint8_t     *p;
    unsigned     i, n;
    sio_kept_t  *kept;

    n = attachments ? attachments->n : 0;
    size = sizeof(sio_kept_t) + (n ? sizeof(sio_binary_t) : 0) + pkt->data.len;

    for (i = 0; i < n; i++) {
        size += attachments->item[i].len;
    }

    kept = sio_alloc(mem, size);
    if (kept == NULL) {
        return NULL;
    }

    kept->next = NULL;
    kept->id = pkt->id;
    kept->bytes = size;
    kept->attachments = n ? (sio_binary_t *) (kept + 1) : NULL;

    p = (uint8_t *) (kept + 1) + (n ? sizeof(sio_binary_t) : 0);

    if (pkt->data.len) {
        memcpy(p, pkt->data.data, pkt->data.len);
    }

    kept->data = sio_str(p, pkt->data.len);
    p += pkt->data.len;

    for (i = 0; i < n; i++) {
        if (attachments->item[i].len) {
            memcpy(p, attachments->item[i].data, attachments->item[i].len);
        }

        kept->attachments->item[i] = sio_str(p, attachments->item[i].len);
        p += attachments->item[i].len;
    }

    if (n) {
        kept->attachments->n = n;
    }

    return kept;
}


void
sio_backlog_init(sio_backlog_t *backlog)
{
    backlog->head = NULL;
    backlog->tail = &backlog->head;
    backlog->bytes = 0;
    backlog->n = 0;
}


void
sio_backlog_free(sio_backlog_t *backlog, const sio_mem_t *mem)
{
    sio_kept_t  *kept;

    while ((kept = sio_backlog_pop(backlog)) != NULL) {
        sio_free(mem, kept);
    }
}


void
sio_backlog_push(sio_backlog_t *backlog, sio_kept_t *kept)
{
    kept->next = NULL;

    *backlog->tail = kept;
    backlog->tail = &kept->next;

    backlog->bytes += kept->bytes;
    backlog->n++;
}


sio_kept_t *
sio_backlog_pop(sio_backlog_t *backlog)
{
    sio_kept_t  *kept;

    kept = backlog->head;

    if (kept == NULL) {
        return NULL;
    }

    backlog->head = kept->next;

    if (backlog->head == NULL) {
        backlog->tail = &backlog->head;
    }

    backlog->bytes -= kept->bytes;
    backlog->n--;

    return kept;
}
