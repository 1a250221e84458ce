/*
 * Lost sessions.
 *
 * MessagePack is read and written by way of JSON, as cluster messages are.
 */


#include "codec/sio_session.h"
#include "codec/sio_cluster.h"
#include "codec/sio_name.h"


static int sio_session_nginx(sio_adapter_t *a, sio_str_t object,
    unsigned used, sio_session_t *s);
static int sio_session_ids(const sio_session_t *s);
static void sio_session_put(sio_writer_t *w, const char *key,
    sio_str_t value);
static void sio_session_put_nginx(sio_writer_t *w, const sio_session_t *s);


int
sio_session_decode(sio_adapter_t *a, sio_str_t text, sio_session_t *s)
{
    int              rc;
    unsigned         used;
    sio_str_t        object;
    sio_binary_t     attachments;
    sio_json_info_t  info;

    memset(s, 0, sizeof(sio_session_t));

    attachments.n = 0;

    rc = sio_cluster_unpack(a, text, &attachments);

    if (rc == SIO_OK && attachments.n) {
        rc = SIO_DECLINED;
    }

    if (rc == SIO_OK) {
        rc = sio_request_validate(a, sio_buf_str(&a->json), &info, &object);
    }

    if (rc == SIO_OK) {
        rc = sio_request_string(a, object, "sid", &s->sid);
    }

    if (rc == SIO_OK) {
        rc = sio_request_string(a, object, "pid", &s->pid);
    }

    used = 0;

    if (rc == SIO_OK) {
        rc = sio_request_names(a, object, "rooms", &used, &s->rooms,
                               &s->nrooms);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_member(object, sio_cstr("data"), &s->data) != SIO_OK
        || sio_json_type(s->data) != SIO_JSON_OBJECT)
    {
        s->data = sio_cstr("{}");
    }

    return sio_socket_id_like(s->sid) && sio_socket_id_like(s->pid)
           ? sio_session_nginx(a, object, used, s) : SIO_ERROR;
}


static int
sio_session_nginx(sio_adapter_t *a, sio_str_t object, unsigned used,
    sio_session_t *s)
{
    int        rc;
    size_t     i;
    sio_str_t  ours, offset;

    const struct {
        const char  *key;
        sio_str_t   *value;
    } members[] = {
        { "host", &s->host },
        { "version", &s->version },
        { "nsp", &s->nsp },
        { "user", &s->user },
        { "offset", &offset }
    };

    if (sio_json_member(object, sio_cstr("nginx"), &ours) != SIO_OK) {
        return SIO_OK;
    }

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        rc = sio_request_string(a, ours, members[i].key, members[i].value);

        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (s->host.len == 0 || s->nsp.len == 0
        || (offset.len
            && sio_stream_id_read(offset, &s->offset, NULL) != SIO_OK))
    {
        return SIO_ERROR;
    }

    rc = sio_request_names(a, ours, "since", &used, &s->since, &s->nsince);

    return rc == SIO_OK ? sio_session_ids(s) : rc;
}


static int
sio_session_ids(const sio_session_t *s)
{
    unsigned         i;
    sio_stream_id_t  id;

    for (i = 0; i < s->nsince; i++) {
        if (sio_stream_id_read(s->since[i], &id, NULL) != SIO_OK) {
            return SIO_ERROR;
        }
    }

    return s->nsince <= s->nrooms ? SIO_OK : SIO_ERROR;
}


sio_stream_id_t
sio_session_since(const sio_session_t *s, unsigned i)
{
    unsigned         before;
    sio_stream_id_t  id;

    memset(&id, 0, sizeof(sio_stream_id_t));
    before = s->nrooms - s->nsince;

    if (i >= before) {
        (void) sio_stream_id_read(s->since[i - before], &id, NULL);
    }

    return id;
}


int
sio_session_encode(sio_adapter_t *a, sio_buf_t *buf, const sio_session_t *s)
{
    sio_writer_t  w;

    sio_buf_reset(&a->json);
    sio_writer_begin(&w, &a->json);

    sio_session_put(&w, "{\"sid\":", s->sid);
    sio_session_put(&w, ",\"pid\":", s->pid);
    sio_writer_put_text(&w, ",");
    sio_request_put_names(&w, "rooms", s->rooms, s->nrooms);
    sio_writer_put_text(&w, ",\"data\":");
    sio_writer_put_str(&w, s->data);

    if (s->host.len) {
        sio_session_put_nginx(&w, s);
    }

    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w) == SIO_OK ? sio_cluster_pack(a, buf, NULL)
                                        : w.rc;
}


static void
sio_session_put_nginx(sio_writer_t *w, const sio_session_t *s)
{
    uint8_t  offset[SIO_STREAM_ID_LEN];

    sio_session_put(w, ",\"nginx\":{\"host\":", s->host);
    sio_session_put(w, ",\"version\":", s->version);
    sio_session_put(w, ",\"nsp\":", s->nsp);

    if (s->user.len) {
        sio_session_put(w, ",\"user\":", s->user);
    }

    if (!sio_stream_id_is_none(&s->offset)) {
        sio_session_put(w, ",\"offset\":",
                        sio_str(offset, sio_stream_id_write(offset,
                                                            &s->offset)));
    }

    if (s->nsince) {
        sio_writer_put_text(w, ",");
        sio_request_put_names(w, "since", s->since, s->nsince);
    }

    sio_writer_put_text(w, "}");
}


static void
sio_session_put(sio_writer_t *w, const char *key, sio_str_t value)
{
    sio_writer_put_text(w, key);
    sio_writer_check(w, sio_json_quote(w->buf, value));
}
