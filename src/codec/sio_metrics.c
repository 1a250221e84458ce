/*
 * Metrics of JSON.
 */


#include "codec/sio_metrics.h"
#include "codec/sio_json.h"
#include "codec/sio_writer.h"


#define SIO_METRICS_NAME_MAX  128        /* bytes */


/* A number, or a boolean: SIO_OK and its text, or SIO_DECLINED. */

static int
sio_metrics_value(sio_str_t value, sio_str_t *text)
{
    int64_t  n;

    if (sio_str_eq(value, sio_cstr("true"))) {
        *text = sio_cstr("1");
        return SIO_OK;
    }

    if (sio_str_eq(value, sio_cstr("false"))) {
        *text = sio_cstr("0");
        return SIO_OK;
    }

    *text = value;

    return sio_json_type(value) == SIO_JSON_NUMBER ? sio_json_int(value, &n)
                                                   : SIO_DECLINED;
}


/* NAME_MEMBER, bounded. */

static sio_str_t
sio_metrics_name(uint8_t *dst, sio_str_t name, sio_str_t member)
{
    size_t  len;

    len = name.len;

    if (len + 1 + member.len > SIO_METRICS_NAME_MAX) {
        return sio_str(NULL, 0);
    }

    memcpy(dst, name.data, len);
    dst[len++] = '_';
    memcpy(dst + len, member.data, member.len);

    return sio_str(dst, len + member.len);
}


static int
sio_metrics_gauge(const char *const *gauges, sio_str_t name)
{
    if (gauges == NULL) {
        return 1;
    }

    for ( /* void */ ; *gauges; gauges++) {
        if (sio_str_eq(name, sio_cstr(*gauges))) {
            return 1;
        }
    }

    return 0;
}


static int
sio_metrics_type(sio_buf_t *buf, sio_str_t name, int gauge)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "# TYPE ");
    sio_writer_put_str(&w, name);
    sio_writer_put_text(&w, gauge ? " gauge\n" : "_total counter\n");

    return sio_writer_end(&w);
}


static int
sio_metrics_sample(sio_buf_t *buf, sio_str_t name, int gauge,
    sio_str_t labels, sio_str_t value)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_str(&w, name);
    sio_writer_put_text(&w, gauge ? "{" : "_total{");
    sio_writer_put_str(&w, labels);
    sio_writer_put_text(&w, "} ");
    sio_writer_put_str(&w, value);
    sio_writer_put_text(&w, "\n");

    return sio_writer_end(&w);
}


int
sio_metrics_label(sio_buf_t *buf, const char *name, sio_str_t value)
{
    size_t        i;
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, buf->len ? "," : "");
    sio_writer_put_text(&w, name);
    sio_writer_put_text(&w, "=\"");

    for (i = 0; i < value.len; i++) {

        switch (value.data[i]) {

        case '\n':
            sio_writer_put_text(&w, "\\n");
            break;

        case '"':
        case '\\':
            sio_writer_put_text(&w, "\\");
            /* fall through */

        default:
            sio_writer_put(&w, &value.data[i], 1);
        }
    }

    sio_writer_put_text(&w, "\"");

    return sio_writer_end(&w);
}


int
sio_metrics_object(sio_buf_t *buf, sio_str_t name, sio_str_t labels,
    const char *const *gauges, sio_str_t object)
{
    int              rc, gauge;
    uint8_t          full[SIO_METRICS_NAME_MAX];
    sio_str_t        key, value, text, metric;
    sio_json_iter_t  it;

    rc = SIO_OK;
    sio_json_object_iter(&it, object);

    while (rc == SIO_OK && sio_json_object_next(&it, &key, &value) == SIO_OK) {

        metric = sio_metrics_name(full, name, key);

        if (metric.len == 0) {
            continue;
        }

        if (sio_json_type(value) == SIO_JSON_OBJECT) {
            rc = sio_metrics_object(buf, metric, labels, gauges, value);
            continue;
        }

        if (sio_metrics_value(value, &text) != SIO_OK) {
            continue;
        }

        gauge = sio_metrics_gauge(gauges, metric);
        rc = sio_metrics_type(buf, metric, gauge);

        if (rc == SIO_OK) {
            rc = sio_metrics_sample(buf, metric, gauge, labels, text);
        }
    }

    return rc;
}


/* The labels, and one that has the member's name: key, as JSON has it. */

static int
sio_metrics_labels(sio_buf_t *own, sio_str_t labels, const char *label,
    sio_str_t key)
{
    int        rc;
    sio_buf_t  name;

    sio_buf_init(&name, own->mem, own->max);
    sio_buf_reset(own);

    rc = sio_json_unescape(&name, sio_str(key.data - 1, key.len + 2));

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(own, labels);
    }

    if (rc == SIO_OK) {
        rc = sio_metrics_label(own, label, sio_buf_str(&name));
    }

    sio_buf_free(&name);

    return rc;
}


/* A field of all members: {"/": {"sockets": 1}} has "sockets" of "/". */

static int
sio_metrics_field(sio_buf_t *buf, sio_str_t metric, sio_str_t labels,
    const char *label, sio_str_t object, sio_str_t field)
{
    int              rc;
    sio_buf_t        own;
    sio_str_t        key, value, text;
    sio_json_iter_t  it;

    sio_buf_init(&own, buf->mem, buf->max);
    rc = sio_metrics_type(buf, metric, 1);

    sio_json_object_iter(&it, object);

    while (rc == SIO_OK && sio_json_object_next(&it, &key, &value) == SIO_OK) {

        if (sio_json_member(value, field, &text) != SIO_OK
            || sio_metrics_value(text, &text) != SIO_OK)
        {
            continue;
        }

        rc = sio_metrics_labels(&own, labels, label, key);

        if (rc == SIO_OK) {
            rc = sio_metrics_sample(buf, metric, 1, sio_buf_str(&own), text);
        }
    }

    sio_buf_free(&own);

    return rc;
}


int
sio_metrics_each(sio_buf_t *buf, sio_str_t name, sio_str_t labels,
    const char *label, sio_str_t object)
{
    int              rc;
    uint8_t          full[SIO_METRICS_NAME_MAX];
    sio_str_t        key, first, field, value, metric;
    sio_json_iter_t  it;

    sio_json_object_iter(&it, object);

    if (sio_json_object_next(&it, &key, &first) != SIO_OK) {
        return SIO_OK;
    }

    rc = SIO_OK;
    sio_json_object_iter(&it, first);

    while (rc == SIO_OK
           && sio_json_object_next(&it, &field, &value) == SIO_OK)
    {
        metric = sio_metrics_name(full, name, field);

        if (metric.len) {
            rc = sio_metrics_field(buf, metric, labels, label, object, field);
        }
    }

    return rc;
}
