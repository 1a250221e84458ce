/*
 * The zone as the only place of mailboxes.
 */


#include "hub/ngx_http_socketio_mail_store.h"


static ngx_int_t ngx_http_socketio_mail_zone_put(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, sio_str_t key,
    ngx_http_socketio_put_t *put);
static ngx_uint_t ngx_http_socketio_mail_zone_remove(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user,
    uint64_t upto);
static ngx_uint_t ngx_http_socketio_mail_zone_take(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user, uint64_t id);
static ngx_uint_t ngx_http_socketio_mail_zone_drop(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t key);
static ngx_int_t ngx_http_socketio_mail_zone_bring(
    ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t user);


const ngx_http_socketio_mail_store_t  ngx_http_socketio_mail_zone = {
    .put = ngx_http_socketio_mail_zone_put,
    .remove = ngx_http_socketio_mail_zone_remove,
    .take = ngx_http_socketio_mail_zone_take,
    .drop = ngx_http_socketio_mail_zone_drop,
    .bring = ngx_http_socketio_mail_zone_bring
};


static ngx_int_t
ngx_http_socketio_mail_zone_put(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, sio_str_t key, ngx_http_socketio_put_t *put)
{
    return ngx_http_socketio_mailbox_put(hub->zone, put);
}


static ngx_uint_t
ngx_http_socketio_mail_zone_remove(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t upto)
{
    ngx_http_socketio_key_t  key;

    ngx_http_socketio_mailbox_key(hub->zone, nsp, user, &key);

    return ngx_http_socketio_mailbox_remove(hub->zone, &key, upto,
                                            sio_str(NULL, 0));
}


static ngx_uint_t
ngx_http_socketio_mail_zone_take(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, uint64_t id)
{
    ngx_http_socketio_key_t  key;

    ngx_http_socketio_mailbox_key(hub->zone, nsp, user, &key);

    return ngx_http_socketio_mailbox_take(hub->zone, &key, id,
                                          sio_str(NULL, 0));
}


static ngx_uint_t
ngx_http_socketio_mail_zone_drop(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t key)
{
    return ngx_http_socketio_mail_forget(hub, nsp, key, 0);
}


static ngx_int_t
ngx_http_socketio_mail_zone_bring(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    return NGX_OK;
}


ngx_uint_t
ngx_http_socketio_mail_forget(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t key, ngx_uint_t kept)
{
    uint64_t    tag, upto;
    ngx_uint_t  n;

    tag = ngx_http_socketio_mailbox_tag(hub->zone, nsp, key);
    upto = 0;
    n = 0;

    do {
        n += ngx_http_socketio_mailbox_drop(hub->zone, tag, kept, &upto);
    } while (upto);

    return n;
}
