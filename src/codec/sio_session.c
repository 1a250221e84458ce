/*
 * Lost sessions.
 *
 * MessagePack is read and written by way of JSON, as cluster messages are.
 */


#include "codec/sio_session.h"
#include "codec/sio_cluster.h"


static int sio_session_nginx(sio_adapter_t *a, sio_str_t object,
    sio_session_t *s);
static int sio_session_put(sio_buf_t *buf, const char *key, sio_str_t value);
static int sio_session_put_nginx(sio_buf_t *buf, const sio_session_t *s);


int
sio_session_is_id(sio_str_t id)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < id.len; i++) {
        c = id.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z') || c == '-' || c == '_'))
        {
            return 0;
        }
    }

    return id.len == SIO_PID_LEN;
}


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

    return sio_session_is_id(s->sid) && sio_session_is_id(s->pid)
           ? sio_session_nginx(a, object, s) : SIO_ERROR;
}


static int
sio_session_nginx(sio_adapter_t *a, sio_str_t object, sio_session_t *s)
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

    if (s->host.len == 0 || s->nsp.len == 0) {
        return SIO_ERROR;
    }

    return offset.len == 0
           ? SIO_OK : sio_stream_id_read(offset, &s->offset, NULL);
}


int
sio_session_encode(sio_adapter_t *a, sio_buf_t *buf, const sio_session_t *s)
{
    int     rc;
    size_t  len;

    len = buf->len;

    sio_buf_reset(&a->json);

    rc = sio_session_put(&a->json, "{\"sid\":", s->sid);

    if (rc == SIO_OK) {
        rc = sio_session_put(&a->json, ",\"pid\":", s->pid);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(&a->json, ',');
    }

    if (rc == SIO_OK) {
        rc = sio_request_put_names(&a->json, "rooms", s->rooms, s->nrooms);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(&a->json, sio_cstr(",\"data\":"));
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(&a->json, s->data);
    }

    if (rc == SIO_OK && s->host.len) {
        rc = sio_session_put_nginx(&a->json, s);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(&a->json, '}');
    }

    if (rc == SIO_OK) {
        rc = sio_cluster_pack(a, buf, NULL);
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


static int
sio_session_put_nginx(sio_buf_t *buf, const sio_session_t *s)
{
    int      rc;
    uint8_t  offset[SIO_STREAM_ID_LEN];

    rc = sio_session_put(buf, ",\"nginx\":{\"host\":", s->host);

    if (rc == SIO_OK) {
        rc = sio_session_put(buf, ",\"version\":", s->version);
    }

    if (rc == SIO_OK) {
        rc = sio_session_put(buf, ",\"nsp\":", s->nsp);
    }

    if (rc == SIO_OK && s->user.len) {
        rc = sio_session_put(buf, ",\"user\":", s->user);
    }

    if (rc == SIO_OK && !sio_stream_id_is_none(&s->offset)) {
        rc = sio_session_put(buf, ",\"offset\":",
                        sio_str(offset, sio_stream_id_write(offset,
                                                            &s->offset)));
    }

    return rc == SIO_OK ? sio_buf_append_char(buf, '}') : rc;
}


static int
sio_session_put(sio_buf_t *buf, const char *key, sio_str_t value)
{
    int  rc;

    rc = sio_buf_append_str(buf, sio_cstr(key));

    return rc == SIO_OK ? sio_json_quote(buf, value) : rc;
}
