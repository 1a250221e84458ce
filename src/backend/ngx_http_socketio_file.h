/*
 * A small file of keys, read as a whole.
 *
 * RFC 7517, 5.  JWK Set Format, and PEM files, are read by others; so are API
 * keys.
 */


#ifndef _NGX_HTTP_SOCKETIO_FILE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Which content it was: a file that is written again has another stamp. */

typedef struct {
    time_t      sec;
    long        nsec;
    off_t       size;
    ino_t       inode;
} ngx_http_socketio_stamp_t;


typedef struct {
    ngx_str_t                  name;       /* the whole path, ended by 0 */
    size_t                     max;        /* bytes; the caller's to set, */
    unsigned                   text:1;     /* as that it has no zero byte */
    u_char                    *data;       /* ended by 0, which len has not */
    size_t                     len;
    ngx_http_socketio_stamp_t  stamp;
    unsigned                   open:1;     /* others may read it (o+r) */
    ngx_err_t                  err;        /* of a failure, or 0 */
    const char                *error;      /* "%V" behind it is the name */
} ngx_http_socketio_file_t;


/*
 * Read a file.  data is wiped and freed by ngx_http_socketio_file_free().
 * NGX_OK; NGX_ERROR: err and error say why.
 */
ngx_int_t ngx_http_socketio_file_read(ngx_http_socketio_file_t *file,
    ngx_log_t *log);
void ngx_http_socketio_file_free(ngx_http_socketio_file_t *file);

/* The length of a secret: the newline at the end is not part of it. */

size_t ngx_http_socketio_file_line(const ngx_http_socketio_file_t *file);

/* Whether the file is another one now than file->stamp says. */

ngx_uint_t ngx_http_socketio_file_changed(
    const ngx_http_socketio_file_t *file);

/* Memory of secrets: wiped, then freed. */

void ngx_http_socketio_wipe(void *p, size_t len);


#endif /* _NGX_HTTP_SOCKETIO_FILE_H_INCLUDED_ */
