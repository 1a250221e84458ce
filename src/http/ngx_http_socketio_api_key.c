/*
 * API keys.
 *
 * The file is read while the configuration is, by the master with its rights:
 * workers need none.  A reload reads it again.
 */


#include "http/ngx_http_socketio_api_key.h"

#include <openssl/crypto.h>


#define NGX_HTTP_SOCKETIO_API_FILE_MAX  65536    /* bytes */


static ngx_int_t ngx_http_socketio_api_file_read(ngx_conf_t *cf,
    ngx_str_t *name, u_char *buf, size_t *len);
static ngx_int_t ngx_http_socketio_api_keys_parse(ngx_conf_t *cf,
    ngx_str_t *name, ngx_array_t *keys, u_char *p, u_char *end);
static ngx_int_t ngx_http_socketio_api_key_add(ngx_conf_t *cf,
    ngx_str_t *name, ngx_array_t *keys, ngx_str_t *text, ngx_uint_t line);


ngx_array_t *
ngx_http_socketio_api_keys_read(ngx_conf_t *cf, ngx_str_t *file)
{
    size_t        len;
    u_char       *buf;
    ngx_int_t     rc;
    ngx_str_t     name;
    ngx_array_t  *keys;

    name = *file;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NULL;
    }

    keys = ngx_array_create(cf->pool, 2, sizeof(ngx_http_socketio_api_key_t));
    if (keys == NULL) {
        return NULL;
    }

    buf = ngx_alloc(NGX_HTTP_SOCKETIO_API_FILE_MAX, cf->log);
    if (buf == NULL) {
        return NULL;
    }

    rc = ngx_http_socketio_api_file_read(cf, &name, buf, &len);

    if (rc == NGX_OK) {
        rc = ngx_http_socketio_api_keys_parse(cf, &name, keys, buf, buf + len);
    }

    ngx_explicit_memzero(buf, NGX_HTTP_SOCKETIO_API_FILE_MAX);
    ngx_free(buf);

    if (rc != NGX_OK) {
        return NULL;
    }

    if (keys->nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no key in \"%V\"", &name);
        return NULL;
    }

    return keys;
}


static ngx_int_t
ngx_http_socketio_api_file_read(ngx_conf_t *cf, ngx_str_t *name, u_char *buf,
    size_t *len)
{
    off_t      size;
    ssize_t    n;
    ngx_int_t  rc;
    ngx_file_t file;

    rc = NGX_ERROR;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&file.info)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a regular file", name);
        goto done;
    }

    size = ngx_file_size(&file.info);

    if (size > NGX_HTTP_SOCKETIO_API_FILE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is larger than %d bytes", name,
                           NGX_HTTP_SOCKETIO_API_FILE_MAX);
        goto done;
    }

    n = ngx_read_file(&file, buf, (size_t) size, 0);

    if (n == NGX_ERROR || n != (ssize_t) size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == NGX_ERROR ? ngx_errno : 0,
                           ngx_read_file_n " \"%V\" failed", name);
        goto done;
    }

    *len = (size_t) n;
    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


static ngx_int_t
ngx_http_socketio_api_keys_parse(ngx_conf_t *cf, ngx_str_t *name,
    ngx_array_t *keys, u_char *p, u_char *end)
{
    u_char      *last, *next;
    ngx_str_t    text;
    ngx_uint_t   line;

    for (line = 1; p < end; line++) {

        last = ngx_strlchr(p, end, LF);
        if (last == NULL) {
            last = end;
        }

        next = last + 1;

        while (p < last && (*p == ' ' || *p == '\t')) {
            p++;
        }

        while (p < last && (last[-1] == ' ' || last[-1] == '\t'
                            || last[-1] == CR))
        {
            last--;
        }

        text.data = p;
        text.len = last - p;

        if (text.len && text.data[0] != '#'
            && ngx_http_socketio_api_key_add(cf, name, keys, &text, line)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        p = next;
    }

    return NGX_OK;
}


/* Messages name the line, never the key. */

static ngx_int_t
ngx_http_socketio_api_key_add(ngx_conf_t *cf, ngx_str_t *name,
    ngx_array_t *keys, ngx_str_t *text, ngx_uint_t line)
{
    size_t                        i;
    ngx_http_socketio_api_key_t  *key;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] <= ' ' || text->data[i] >= 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid character in a key in \"%V\", "
                               "line %ui", name, line);
            return NGX_ERROR;
        }
    }

    if (text->len > NGX_HTTP_SOCKETIO_API_KEY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a key is longer than %d characters in \"%V\", "
                           "line %ui", NGX_HTTP_SOCKETIO_API_KEY_MAX, name,
                           line);
        return NGX_ERROR;
    }

    if (text->len < NGX_HTTP_SOCKETIO_API_KEY_MIN) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "a key is shorter than %d characters in \"%V\", "
                           "line %ui", NGX_HTTP_SOCKETIO_API_KEY_MIN, name,
                           line);
    }

    key = ngx_array_push(keys);
    if (key == NULL) {
        return NGX_ERROR;
    }

    (void) SHA256(text->data, text->len, key->digest);

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_api_key_check(ngx_http_request_t *r, ngx_array_t *keys)
{
    u_char                       *p, *end;
    ngx_uint_t                    i, wrong, found;
    ngx_table_elt_t              *h;
    ngx_http_socketio_api_key_t  *key, presented;

    h = r->headers_in.authorization;

    if (h == NULL || h->value.len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    p = h->value.data + sizeof("Bearer ") - 1;
    end = h->value.data + h->value.len;

    while (p < end && *p == ' ') {
        p++;
    }

    while (p < end && end[-1] == ' ') {
        end--;
    }

    if (end - p > NGX_HTTP_SOCKETIO_API_KEY_MAX) {
        return NGX_ERROR;
    }

    (void) SHA256(p, end - p, presented.digest);

    key = keys->elts;
    found = 0;

    for (i = 0; i < keys->nelts; i++) {
        wrong = CRYPTO_memcmp(key[i].digest, presented.digest,
                              SHA256_DIGEST_LENGTH);
        found |= (wrong == 0);
    }

    return found ? NGX_OK : NGX_ERROR;
}
