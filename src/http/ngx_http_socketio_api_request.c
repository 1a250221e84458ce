/*
 * The HTTP API: requests.  Which call is meant, the body, and the query.
 *
 * A path is taken as the client wrote it, since the name of a room may hold
 * an encoded slash, which nginx has decoded, and merged with others, in
 * r->uri.  A name with "." or ".." between slashes is refused: nginx has taken
 * these for steps of the path, and may have chosen another location by them
 * than the name says.
 */


#include "http/ngx_http_socketio_api.h"


static ngx_str_t ngx_http_socketio_api_path(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_api_decode(ngx_http_request_t *r,
    ngx_str_t *s, ngx_uint_t raw);
static ngx_uint_t ngx_http_socketio_api_steps(ngx_str_t *name);
static ngx_int_t ngx_http_socketio_api_text_copy(ngx_http_request_t *r,
    ngx_chain_t *in, u_char *p);


ngx_http_socketio_hub_t *
ngx_http_socketio_api_hub(ngx_http_request_t *r)
{
    ngx_http_socketio_api_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_api_module);

    return conf->app->hub;
}


/*
 * "rooms" alone is the last part, "rooms/NAME" the last two.  If the last one
 * is both a name and a call (rooms/emit), the method tells.
 */
ngx_int_t
ngx_http_socketio_api_find(ngx_http_request_t *r,
    const ngx_http_socketio_api_call_t *calls,
    const ngx_http_socketio_api_call_t **call, sio_str_t *name)
{
    u_char                              *p;
    ngx_str_t                            path, last, before;
    ngx_uint_t                           fits, good;
    const ngx_str_t                     *part;
    const ngx_http_socketio_api_call_t  *c;

    *call = NULL;
    good = 0;
    path = ngx_http_socketio_api_path(r);

    for (p = path.data + path.len; p > path.data && p[-1] != '/'; p--) {
        /* void */
    }

    last.data = p;
    last.len = path.data + path.len - p;

    for (p -= (p > path.data); p > path.data && p[-1] != '/'; p--) {
        /* void */
    }

    before.data = p;
    before.len = last.data > p ? last.data - p - 1 : 0;

    if (ngx_http_socketio_api_decode(r, &last, r->valid_unparsed_uri)
        != NGX_OK
        || ngx_http_socketio_api_decode(r, &before, r->valid_unparsed_uri)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (last.len == 0 || ngx_http_socketio_api_steps(&last)) {
        return NGX_DECLINED;
    }

    *name = sio_str(last.data, last.len);

    for (c = calls; c->name.len; c++) {
        part = c->named ? &before : &last;

        if (part->len != c->name.len
            || ngx_memcmp(part->data, c->name.data, part->len) != 0)
        {
            continue;
        }

        fits = (r->method == c->method
                || (r->method == NGX_HTTP_HEAD && c->method == NGX_HTTP_GET));

        /* a name is more than a call */

        if (*call == NULL || fits > good || (fits == good && c->named)) {
            *call = c;
            good = fits;
        }
    }

    return good ? NGX_OK : NGX_DECLINED;
}


/* As it was sent, or, after a rewrite, what nginx made of it. */

static ngx_str_t
ngx_http_socketio_api_path(ngx_http_request_t *r)
{
    size_t     i;
    ngx_str_t  path;

    if (!r->valid_unparsed_uri) {
        return r->uri;
    }

    path = r->unparsed_uri;

    for (i = 0; i < path.len; i++) {
        if (path.data[i] == '?' || path.data[i] == '#') {
            path.len = i;
            break;
        }
    }

    return path;
}


static ngx_int_t
ngx_http_socketio_api_decode(ngx_http_request_t *r, ngx_str_t *s,
    ngx_uint_t raw)
{
    u_char  *p, *src, *dst;

    if (!raw || ngx_strlchr(s->data, s->data + s->len, '%') == NULL) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, s->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    src = s->data;
    dst = p;

    ngx_unescape_uri(&dst, &src, s->len, 0);

    s->data = p;
    s->len = dst - p;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_socketio_api_steps(ngx_str_t *name)
{
    size_t  i, start, len;

    for (i = 0, start = 0; i <= name->len; i++) {

        if (i < name->len && name->data[i] != '/') {
            continue;
        }

        len = i - start;

        if ((len == 1 || len == 2) && name->data[start] == '.'
            && name->data[i - 1] == '.')
        {
            return 1;
        }

        start = i + 1;
    }

    return 0;
}


ngx_int_t
ngx_http_socketio_api_arg(ngx_http_request_t *r, u_char **pos,
    sio_str_t *name, sio_str_t *value)
{
    u_char     *p, *end, *stop, *eq;
    ngx_str_t   part[2];
    ngx_uint_t  i;

    end = r->args.data + r->args.len;

    while (*pos < end && **pos == '&') {
        (*pos)++;
    }

    if (*pos >= end) {
        return NGX_DONE;
    }

    stop = ngx_strlchr(*pos, end, '&');
    stop = stop ? stop : end;

    eq = ngx_strlchr(*pos, stop, '=');
    eq = eq ? eq : stop;

    part[0].data = *pos;
    part[0].len = eq - *pos;
    part[1].data = eq < stop ? eq + 1 : eq;
    part[1].len = stop - part[1].data;

    *pos = stop;

    for (i = 0; i < 2; i++) {

        /* application/x-www-form-urlencoded, as URLSearchParams writes */

        p = ngx_pstrdup(r->pool, &part[i]);
        if (p == NULL) {
            return NGX_ERROR;
        }

        part[i].data = p;

        for (end = p + part[i].len; p < end; p++) {
            if (*p == '+') {
                *p = ' ';
            }
        }

        if (ngx_http_socketio_api_decode(r, &part[i], 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    *name = sio_str(part[0].data, part[0].len);
    *value = sio_str(part[1].data, part[1].len);

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_api_text(ngx_http_request_t *r, sio_str_t *text)
{
    off_t         len;
    u_char       *p;
    ngx_chain_t  *in, *cl;

    *text = sio_str(NULL, 0);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    in = r->request_body->bufs;
    len = 0;

    for (cl = in; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    if (in->next == NULL && !in->buf->in_file) {
        *text = sio_str(in->buf->pos, (size_t) len);
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, (size_t) len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *text = sio_str(p, (size_t) len);

    return ngx_http_socketio_api_text_copy(r, in, p);
}


static ngx_int_t
ngx_http_socketio_api_text_copy(ngx_http_request_t *r, ngx_chain_t *in,
    u_char *p)
{
    size_t     len;
    ssize_t    n;
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        len = (size_t) (b->file_last - b->file_pos);
        n = ngx_read_file(b->file, p, len, b->file_pos);

        if (n == NGX_ERROR || (size_t) n != len) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                          ngx_read_file_n " read only %z of %uz from \"%V\"",
                          n, len, &b->file->name);
            return NGX_ERROR;
        }

        p += len;
    }

    return NGX_OK;
}
