/*
 * Files of keys.
 */


#include "backend/ngx_http_socketio_file.h"

#include <openssl/crypto.h>


static ngx_int_t ngx_http_socketio_file_load(ngx_http_socketio_file_t *file,
    ngx_file_t *f);
static void ngx_http_socketio_file_stamp(ngx_http_socketio_stamp_t *stamp,
    const ngx_file_info_t *info);


ngx_int_t
ngx_http_socketio_file_read(ngx_http_socketio_file_t *file, ngx_log_t *log)
{
    ngx_int_t   rc;
    ngx_file_t  f;

    ngx_memzero(&f, sizeof(ngx_file_t));

    f.name = file->name;
    f.log = log;

    file->data = NULL;
    file->len = 0;
    file->err = 0;

    if (ngx_strlen(file->name.data) != file->name.len) {
        file->error = "a zero byte in the name of";
        return NGX_ERROR;
    }

    f.fd = ngx_open_file(file->name.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                         NGX_FILE_OPEN, 0);

    if (f.fd == NGX_INVALID_FILE) {
        file->err = ngx_errno;
        file->error = "can't open";
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    /* the stamp is older than what is read: a later change is seen */

    if (ngx_fd_info(f.fd, &f.info) == NGX_FILE_ERROR) {
        file->err = ngx_errno;
        file->error = "can't stat";
        goto done;
    }

    ngx_http_socketio_file_stamp(&file->stamp, &f.info);
    file->open = (f.info.st_mode & S_IROTH) ? 1 : 0;

    if (!ngx_is_file(&f.info)) {
        file->error = "not a regular file:";
        goto done;
    }

    if (ngx_file_size(&f.info) > (off_t) file->max) {
        file->error = "too large:";
        goto done;
    }

    rc = ngx_http_socketio_file_load(file, &f);

done:

    if (ngx_close_file(f.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file->name);
    }

    return rc;
}


static ngx_int_t
ngx_http_socketio_file_load(ngx_http_socketio_file_t *file, ngx_file_t *f)
{
    ssize_t  n;

    file->len = (size_t) ngx_file_size(&f->info);

    file->data = ngx_alloc(file->len + 1, f->log);
    if (file->data == NULL) {
        file->error = "no memory for";
        return NGX_ERROR;
    }

    n = file->len ? ngx_read_file(f, file->data, file->len, 0) : 0;

    if (n != (ssize_t) file->len) {
        file->err = n == NGX_ERROR ? ngx_errno : 0;
        file->error = "can't read all of";
        ngx_http_socketio_file_free(file);
        return NGX_ERROR;
    }

    file->data[file->len] = '\0';

    if (file->text && ngx_strlen(file->data) != file->len) {
        file->error = "a zero byte in";
        ngx_http_socketio_file_free(file);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_socketio_file_stamp(ngx_http_socketio_stamp_t *stamp,
    const ngx_file_info_t *info)
{
    ngx_memzero(stamp, sizeof(ngx_http_socketio_stamp_t));

    stamp->sec = info->st_mtim.tv_sec;
    stamp->nsec = info->st_mtim.tv_nsec;
    stamp->size = info->st_size;
    stamp->inode = info->st_ino;
}


ngx_uint_t
ngx_http_socketio_file_changed(const ngx_http_socketio_file_t *file)
{
    ngx_file_info_t            info;
    ngx_http_socketio_stamp_t  stamp;

    /* one that is not there is being replaced, or was taken away by mistake */

    if (ngx_file_info(file->name.data, &info) == NGX_FILE_ERROR) {
        return 0;
    }

    ngx_http_socketio_file_stamp(&stamp, &info);

    return ngx_memcmp(&stamp, &file->stamp, sizeof(stamp)) != 0;
}


size_t
ngx_http_socketio_file_line(const ngx_http_socketio_file_t *file)
{
    size_t  len;

    len = file->len;

    if (len && file->data[len - 1] == LF) {
        len--;

        if (len && file->data[len - 1] == CR) {
            len--;
        }
    }

    return len;
}


void
ngx_http_socketio_file_free(ngx_http_socketio_file_t *file)
{
    ngx_http_socketio_wipe(file->data, file->len);

    file->data = NULL;
    file->len = 0;
}


void
ngx_http_socketio_wipe(void *p, size_t len)
{
    if (p) {
        OPENSSL_cleanse(p, len);
        ngx_free(p);
    }
}
