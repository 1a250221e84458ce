/*
 * API keys.
 *
 * The file is read while the configuration is, by the master with its rights,
 * and again by each worker that finds it changed: without the right to read
 * it a worker keeps what it has until a reload.
 */


#include "http/ngx_http_socketio_api.h"
#include "transport/ngx_http_socketio_transport.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>


#define NGX_HTTP_SOCKETIO_API_FILE_MAX  65536    /* bytes */
#define NGX_HTTP_SOCKETIO_API_TOLD      60       /* seconds between lines */


static ngx_http_socketio_api_set_t *ngx_http_socketio_api_set_create(
    ngx_http_socketio_file_t *file, ngx_log_t *log, sio_key_reader_t *reader);
static ngx_int_t ngx_http_socketio_api_set_count(sio_str_t text,
    sio_key_reader_t *reader, ngx_uint_t *n);
static u_char *ngx_http_socketio_api_set_copy(sio_str_t *s, u_char *p);
static void ngx_http_socketio_api_set_unref(void *data);
static void ngx_http_socketio_api_keys_free(void *data);
static void ngx_http_socketio_api_keys_look(
    ngx_http_socketio_api_keys_t *keys, ngx_log_t *log);
static ngx_http_socketio_api_grant_t *ngx_http_socketio_api_grant_create(
    ngx_http_request_t *r, ngx_http_socketio_api_keys_t *keys);
static const ngx_http_socketio_api_key_t *ngx_http_socketio_api_key_bearer(
    const ngx_http_socketio_api_set_t *set, ngx_str_t *value);


ngx_http_socketio_api_keys_t *
ngx_http_socketio_api_keys_read(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_pool_cleanup_t            *cln;
    sio_key_reader_t               reader;
    ngx_http_socketio_file_t      *file;
    ngx_http_socketio_api_keys_t  *keys;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_api_keys_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (keys == NULL || cln == NULL) {
        return NULL;
    }

    file = &keys->file;
    file->name = *name;
    file->max = NGX_HTTP_SOCKETIO_API_FILE_MAX;

    if (ngx_conf_full_name(cf->cycle, &file->name, 1) != NGX_OK) {
        return NULL;
    }

    if (ngx_http_socketio_file_read(file, cf->log) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file->err, "%s \"%V\"",
                           file->error, &file->name);
        return NULL;
    }

    keys->set = ngx_http_socketio_api_set_create(file, cf->log, &reader);

    ngx_http_socketio_file_free(file);

    if (keys->set && file->open) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "everybody may read the keys "
                           "in \"%V\"", &file->name);
    }

    if (keys->set == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\", line %ui",
                           reader.error, &file->name,
                           (ngx_uint_t) reader.line);
        return NULL;
    }

    cln->handler = ngx_http_socketio_api_keys_free;
    cln->data = keys;

    return keys;
}


/* NULL: reader->error says why, and never anything of a key. */

static ngx_http_socketio_api_set_t *
ngx_http_socketio_api_set_create(ngx_http_socketio_file_t *file,
    ngx_log_t *log, sio_key_reader_t *reader)
{
    u_char                       *p;
    sio_str_t                     text;
    ngx_uint_t                    n;
    sio_key_t                     key;
    ngx_http_socketio_api_key_t  *k;
    ngx_http_socketio_api_set_t  *set;

    text = sio_str(file->data, file->len);

    if (ngx_http_socketio_api_set_count(text, reader, &n) != NGX_OK) {
        return NULL;
    }

    /* all slices together are a part of the text */

    reader->error = "no memory";

    set = ngx_alloc(sizeof(ngx_http_socketio_api_set_t)
                    + n * sizeof(ngx_http_socketio_api_key_t) + text.len, log);
    if (set == NULL) {
        return NULL;
    }

    if (RAND_bytes((u_char *) &set->hash, sizeof(sio_hash_key_t)) != 1) {
        reader->error = "no random bytes";
        ngx_free(set);
        return NULL;
    }

    set->refs = 1;
    set->n = n;
    set->keys = (ngx_http_socketio_api_key_t *) &set[1];
    p = (u_char *) &set->keys[n];
    set->size = p + text.len - (u_char *) set;

    sio_key_reader_init(reader, text);

    for (k = set->keys; sio_key_read(reader, &key) == SIO_OK; k++) {

        if (key.secret.len < SIO_KEY_MIN) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "a key is shorter than %d characters in \"%V\", "
                          "line %ui", SIO_KEY_MIN, &file->name,
                          (ngx_uint_t) reader->line);
        }

        sio_hash_pair(&set->hash, key.secret, sio_str(NULL, 0), k->digest);

        if (!key.signed_) {
            key.secret = sio_str(NULL, 0);
        }

        p = ngx_http_socketio_api_set_copy(&key.secret, p);
        p = ngx_http_socketio_api_set_copy(&key.name, p);
        p = ngx_http_socketio_api_set_copy(&key.namespaces, p);
        p = ngx_http_socketio_api_set_copy(&key.events, p);
        p = ngx_http_socketio_api_set_copy(&key.calls, p);

        k->key = key;
    }

    return set;
}


/* Read all of it once: how many keys there are, and whether all is well. */

static ngx_int_t
ngx_http_socketio_api_set_count(sio_str_t text, sio_key_reader_t *reader,
    ngx_uint_t *n)
{
    int        rc;
    sio_key_t  key;
    sio_str_t  list, name;

    sio_key_reader_init(reader, text);

    for (*n = 0; (rc = sio_key_read(reader, &key)) == SIO_OK; (*n)++) {

        list = key.calls.len ? key.calls : sio_str(NULL, 0);

        while (sio_key_item(&list, &name) == SIO_OK) {
            if (!ngx_http_socketio_api_call_known(name)) {
                reader->error = "there is no such call:";
                return NGX_ERROR;
            }
        }
    }

    if (rc == SIO_DONE && *n == 0) {
        reader->error = "no key";
        rc = SIO_ERROR;
    }

    return rc == SIO_DONE ? NGX_OK : NGX_ERROR;
}


static u_char *
ngx_http_socketio_api_set_copy(sio_str_t *s, u_char *p)
{
    if (s->len == 0) {
        return p;
    }

    ngx_memcpy(p, s->data, s->len);
    s->data = p;

    return p + s->len;
}


static void
ngx_http_socketio_api_set_unref(void *data)
{
    ngx_http_socketio_api_set_t  *set = data;

    if (--set->refs == 0) {
        ngx_http_socketio_wipe(set, set->size);
    }
}


static void
ngx_http_socketio_api_keys_free(void *data)
{
    ngx_http_socketio_api_keys_t  *keys = data;

    ngx_http_socketio_api_set_unref(keys->set);
}


/* Once a second at most: whether the file has changed. */

static void
ngx_http_socketio_api_keys_look(ngx_http_socketio_api_keys_t *keys,
    ngx_log_t *log)
{
    sio_key_reader_t              reader;
    ngx_http_socketio_file_t     *file;
    ngx_http_socketio_api_set_t  *set;

    file = &keys->file;

    if (keys->looked == ngx_time()) {
        return;
    }

    keys->looked = ngx_time();

    if (!ngx_http_socketio_file_changed(file)) {
        return;
    }

    if (ngx_http_socketio_file_read(file, log) != NGX_OK) {

        if (keys->told == 0
            || ngx_time() - keys->told >= NGX_HTTP_SOCKETIO_API_TOLD)
        {
            keys->told = ngx_time();
            ngx_log_error(NGX_LOG_ERR, log, file->err,
                          "socketio API: %s \"%V\", its keys stay what they "
                          "were", file->error, &file->name);
        }

        return;
    }

    set = ngx_http_socketio_api_set_create(file, log, &reader);

    ngx_http_socketio_file_free(file);

    if (set == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "socketio API: %s in \"%V\", line %ui, the keys stay "
                      "what they were", reader.error, &file->name,
                      (ngx_uint_t) reader.line);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "socketio API: %ui keys from \"%V\"", set->n, &file->name);

    ngx_http_socketio_api_set_unref(keys->set);
    keys->set = set;
    keys->told = 0;
}


ngx_int_t
ngx_http_socketio_api_key_check(ngx_http_request_t *r,
    ngx_http_socketio_api_keys_t *keys, ngx_http_socketio_api_grant_t **grant,
    const char **error)
{
    time_t                          past;
    ngx_table_elt_t                *h;
    ngx_http_socketio_api_grant_t  *g;

    *error = NULL;

    ngx_http_socketio_api_keys_look(keys, r->connection->log);

    g = ngx_http_socketio_api_grant_create(r, keys);
    if (g == NULL) {
        return NGX_ERROR;
    }

    *grant = g;

    h = ngx_http_socketio_header_find(r, "x-socketio-signature");

    if (h) {
        *error = "the signature is malformed";

        if (sio_signature_parse(sio_str(h->value.data, h->value.len),
                                &g->signature)
            != SIO_OK)
        {
            return NGX_ERROR;
        }

        past = ngx_time() - (time_t) g->signature.seconds;

        if (past > NGX_HTTP_SOCKETIO_API_WINDOW
            || past < -NGX_HTTP_SOCKETIO_API_WINDOW)
        {
            *error = "the signature's time is not now";
            return NGX_ERROR;
        }

        return NGX_AGAIN;
    }

    h = r->headers_in.authorization;

    if (h == NULL || h->value.len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    g->key = ngx_http_socketio_api_key_bearer(g->set, &h->value);
    *error = "the API key is wrong";

    return g->key ? NGX_OK : NGX_ERROR;
}


/* The set stays while the request does, whatever becomes of the file. */

static ngx_http_socketio_api_grant_t *
ngx_http_socketio_api_grant_create(ngx_http_request_t *r,
    ngx_http_socketio_api_keys_t *keys)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_socketio_api_grant_t  *grant;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    grant = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_api_grant_t));

    if (cln == NULL || grant == NULL) {
        return NULL;
    }

    grant->set = keys->set;
    grant->set->refs++;

    cln->handler = ngx_http_socketio_api_set_unref;
    cln->data = grant->set;

    return grant;
}


/* All keys are looked at, whichever fits. */

static const ngx_http_socketio_api_key_t *
ngx_http_socketio_api_key_bearer(const ngx_http_socketio_api_set_t *set,
    ngx_str_t *value)
{
    u_char                             *p, *end;
    u_char                              digest[NGX_HTTP_SOCKETIO_API_DIGEST];
    ngx_uint_t                          i, wrong;
    const ngx_http_socketio_api_key_t  *found;

    p = value->data + sizeof("Bearer ") - 1;
    end = value->data + value->len;

    while (p < end && *p == ' ') {
        p++;
    }

    while (p < end && end[-1] == ' ') {
        end--;
    }

    if (end - p > SIO_KEY_MAX) {
        return NULL;
    }

    sio_hash_pair(&set->hash, sio_str(p, end - p), sio_str(NULL, 0), digest);

    found = NULL;

    for (i = 0; i < set->n; i++) {
        wrong = CRYPTO_memcmp(set->keys[i].digest, digest,
                              NGX_HTTP_SOCKETIO_API_DIGEST);

        if (wrong == 0 && !set->keys[i].key.signed_) {
            found = &set->keys[i];
        }
    }

    return found;
}


ngx_int_t
ngx_http_socketio_api_key_verify(ngx_http_request_t *r,
    ngx_http_socketio_api_grant_t *grant, sio_str_t body)
{
    u_char                       *p, *text;
    u_char                        md[SHA256_DIGEST_LENGTH];
    size_t                        len;
    unsigned                      n, m;
    ngx_uint_t                    i, wrong;
    sio_str_t                     time;
    ngx_http_socketio_api_key_t  *k;

    time = grant->signature.time;
    len = time.len + 1 + r->method_name.len + 1 + r->unparsed_uri.len + 1
          + body.len;

    text = ngx_pnalloc(r->pool, len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text, time.data, time.len);
    *p++ = '.';
    p = ngx_cpymem(p, r->method_name.data, r->method_name.len);
    *p++ = ' ';
    p = ngx_cpymem(p, r->unparsed_uri.data, r->unparsed_uri.len);
    *p++ = '.';

    if (body.len) {
        ngx_memcpy(p, body.data, body.len);
    }

    for (i = 0; i < grant->set->n; i++) {
        k = &grant->set->keys[i];

        if (!k->key.signed_) {
            continue;
        }

        if (HMAC(EVP_sha256(), k->key.secret.data, (int) k->key.secret.len,
                 text, len, md, &n)
            == NULL)
        {
            return NGX_ERROR;
        }

        for (m = 0; m < grant->signature.n; m++) {
            wrong = CRYPTO_memcmp(md, grant->signature.mac[m],
                                  SIO_SIGNATURE_LEN);

            if (wrong == 0) {
                grant->key = k;
            }
        }
    }

    return grant->key ? NGX_OK : NGX_DECLINED;
}
