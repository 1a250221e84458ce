/*
 * Admission.
 *
 * A key of the directory is the hash of the configured name and the value, so
 * that locations that limit by the same thing count together, whatever number
 * each of them allows.
 */


#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_limit.h"


static ngx_int_t ngx_http_socketio_admit_count(ngx_http_socketio_session_t *s,
    const ngx_http_socketio_key_t *key, uint32_t max);


ngx_int_t
ngx_http_socketio_admit(ngx_http_socketio_session_t *s,
    const ngx_http_socketio_admission_t *admission, sio_str_t value,
    ngx_uint_t force)
{
    sio_str_t                 names[3];
    ngx_int_t                 rc, above;
    ngx_http_socketio_key_t   key;
    ngx_http_socketio_hub_t  *hub;

    hub = ngx_http_socketio_session_hub(s);
    above = NGX_OK;

    if (admission->max) {
        ngx_http_socketio_key_admitted(hub->zone, admission->name, value,
                                       &key);

        rc = ngx_http_socketio_admit_count(s, &key, admission->max);

        if (rc == NGX_DECLINED && force) {
            above = NGX_DECLINED;
            rc = ngx_http_socketio_admit_count(s, &key, 0);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (admission->rate.rate) {
        names[0] = sio_cstr("socketio_limit_conn");
        names[1] = admission->name;
        names[2] = value;

        rc = ngx_http_socketio_limit_count(hub, names, 3, &admission->rate);

        if (rc == SIO_ERROR) {
            return NGX_ERROR;
        }

        if (rc != SIO_OK) {
            above = NGX_BUSY;
        }
    }

    return above;
}


static ngx_int_t
ngx_http_socketio_admit_count(ngx_http_socketio_session_t *s,
    const ngx_http_socketio_key_t *key, uint32_t max)
{
    uint32_t                        cell;
    ngx_int_t                       rc;
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_admitted_t   *admitted;

    if (s->admitted == NULL) {
        s->admitted = sio_calloc(&ngx_http_socketio_mem,
                                 sizeof(ngx_http_socketio_admitted_t));
    }

    admitted = s->admitted;

    if (admitted == NULL || admitted->n == NGX_HTTP_SOCKETIO_ADMIT_KEYS) {
        return NGX_ERROR;
    }

    hub = ngx_http_socketio_session_hub(s);

    rc = ngx_http_socketio_directory_admit(hub->zone, key, hub->n, max,
                                           &cell);
    if (rc == NGX_OK) {
        admitted->key[admitted->n] = *key;
        admitted->cell[admitted->n++] = cell;
    }

    return rc;
}


void
ngx_http_socketio_admit_end(ngx_http_socketio_session_t *s)
{
    ngx_uint_t                     i;
    ngx_http_socketio_hub_t       *hub;
    ngx_http_socketio_admitted_t  *admitted;

    admitted = s->admitted;

    if (admitted == NULL) {
        return;
    }

    hub = ngx_http_socketio_session_hub(s);

    for (i = 0; i < admitted->n; i++) {
        ngx_http_socketio_directory_release(hub->zone, admitted->cell[i]);
    }

    sio_free(&ngx_http_socketio_mem, admitted);
    s->admitted = NULL;
}


void
ngx_http_socketio_admit_pack(const ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w)
{
    ngx_uint_t                     i, n;
    ngx_http_socketio_admitted_t  *admitted;

    admitted = s->admitted;
    n = admitted ? admitted->n : 0;

    sio_wire_put_u32(w, (uint32_t) n);

    for (i = 0; i < n; i++) {
        sio_wire_put_str(w, sio_str(&admitted->key[i],
                                    sizeof(ngx_http_socketio_key_t)));
    }
}


/* It was let in elsewhere: it is counted, whatever its number. */

ngx_int_t
ngx_http_socketio_admit_unpack(ngx_http_socketio_session_t *s, sio_wire_t *r)
{
    uint32_t                 n;
    sio_str_t                bytes;
    ngx_http_socketio_key_t  key;

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        bytes = sio_wire_get_str(r);

        if (r->error || bytes.len != sizeof(ngx_http_socketio_key_t)) {
            return NGX_ERROR;
        }

        ngx_memcpy(&key, bytes.data, sizeof(ngx_http_socketio_key_t));

        if (ngx_http_socketio_admit_count(s, &key, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_socketio_admit_limited(sio_client_t *client)
{
    ngx_uint_t                n;
    const sio_quota_t        *quota;
    ngx_http_socketio_hub_t  *hub;

    hub = sio_client_app(client)->data;
    quota = client->session->options->quota;

    ngx_http_socketio_stat(hub, quota->dry_run
                                ? NGX_HTTP_SOCKETIO_STAT_LIMIT_DRY_RUN
                                : NGX_HTTP_SOCKETIO_STAT_LIMIT_PACKETS, 1);

    n = ngx_http_socketio_often(&hub->limited);

    if (n) {
        ngx_log_error(quota->level, hub->log, 0,
                      "socketio app \"%V\": limiting packets%s, %ui since the "
                      "last such line", &hub->conf->name,
                      quota->dry_run ? ", dry run" : "", n);
    }
}


void
ngx_http_socketio_admit_lost(ngx_http_socketio_session_t *s)
{
    ngx_uint_t                n;
    ngx_http_socketio_hub_t  *hub;

    hub = ngx_http_socketio_session_hub(s);

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_LOST,
                           s->eio.lost);
    s->eio.lost = 0;

    n = ngx_http_socketio_often(&hub->lost);

    if (n) {
        ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                      "socketio app \"%V\": clients are too slow, events for "
                      "them are dropped, %ui times since the last such line",
                      &hub->conf->name, n);
    }
}
