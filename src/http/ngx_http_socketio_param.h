/*
 * Parameters of directives: NAME=VALUE, each a row of its directive's table.
 *
 * A row says what its value becomes: one of the functions below writes it
 * where the row's offset is, a function of the directive's own does as it
 * likes.  None of them sees a second one of its name, nor a zero byte.
 */


#ifndef _NGX_HTTP_SOCKETIO_PARAM_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_PARAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_socketio_param_s  ngx_http_socketio_param_t;

typedef char *(*ngx_http_socketio_param_pt)(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);

struct ngx_http_socketio_param_s {
    ngx_str_t                    name;      /* with the "="; a table ends
                                               with none */
    ngx_http_socketio_param_pt   set;
    size_t                       offset;    /* in conf, of what is set */
    const char                  *error;     /* with "%V", the value; NULL: it
                                               must only not be empty */
    uint64_t                     min;
    uint64_t                     max;
};

/* As max: the parameter may stand several times, each with another value. */

#define NGX_HTTP_SOCKETIO_PARAM_MANY  UINT64_MAX


/*
 * Set what the directive's arguments from "first" on say.  unknown: what is
 * told of one that no row takes, with "%V" for all of it.
 *
 * Results are those of a directive.
 */
char *ngx_http_socketio_params(ngx_conf_t *cf, ngx_uint_t first,
    const ngx_http_socketio_param_t *params, void *conf, const char *unknown);

/* The same for one argument. */

char *ngx_http_socketio_param(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_socketio_param_t *params, void *conf, const char *unknown);

/* ngx_str_t */

char *ngx_http_socketio_param_str(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);

/* ngx_uint_t of min to max */

char *ngx_http_socketio_param_num(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);

/* uint64_t of min to max: milliseconds */

char *ngx_http_socketio_param_msec(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);

/* What is wrong with the value, as the row says: NGX_CONF_ERROR. */

char *ngx_http_socketio_param_invalid(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value);

/*
 * Read a file of secrets as text, of at most max bytes.  *name becomes its
 * whole path; *text is in the configuration's pool, with a 0 behind it and
 * none inside.  A file that everybody may read is warned of.
 *
 * NGX_OK; NGX_ERROR: it was told why.
 */
ngx_int_t ngx_http_socketio_param_file(ngx_conf_t *cf, ngx_str_t *name,
    size_t max, ngx_str_t *text);


#endif /* _NGX_HTTP_SOCKETIO_PARAM_H_INCLUDED_ */
