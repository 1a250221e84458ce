/*
 * PCRE2 expressions.
 */


#include "hub/ngx_http_socketio_regex.h"

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>


/* Steps and backtracking of one match: enough for any sane expression. */

#define NGX_HTTP_SOCKETIO_MATCH_LIMIT  100000
#define NGX_HTTP_SOCKETIO_HEAP_LIMIT   1024      /* KB */


typedef struct {
    pcre2_code           *code;
    pcre2_match_data     *data;
    pcre2_match_context  *context;
} ngx_http_socketio_regex_t;


static void ngx_http_socketio_regex_cleanup(void *data);


void *
ngx_http_socketio_regex_compile(ngx_pool_t *pool, sio_str_t pattern,
    char *error, size_t len)
{
    int                         number;
    size_t                      offset;
    uint32_t                    ngroups;
    PCRE2_UCHAR                 message[128];
    ngx_pool_cleanup_t         *cln;
    ngx_http_socketio_regex_t  *re;

    error[0] = '\0';

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_socketio_regex_t));
    if (cln == NULL) {
        return NULL;
    }

    re = cln->data;
    ngx_memzero(re, sizeof(ngx_http_socketio_regex_t));
    cln->handler = ngx_http_socketio_regex_cleanup;

    /* "$" is the end: with a line feed behind it a name is another name */

    re->code = pcre2_compile(pattern.data, pattern.len,
                             PCRE2_UTF|PCRE2_DOLLAR_ENDONLY, &number, &offset,
                             NULL);

    if (re->code == NULL) {
        (void) pcre2_get_error_message(number, message, sizeof(message));
        (void) snprintf(error, len, "%s in \"%.*s\" at \"%.*s\"",
                        (char *) message,
                        (int) ngx_min(pattern.len, 80), pattern.data,
                        (int) ngx_min(pattern.len - offset, 40),
                        pattern.data + offset);
        return NULL;
    }

    (void) pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &ngroups);
    (void) pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);

    re->data = pcre2_match_data_create(ngroups + 1, NULL);
    re->context = pcre2_match_context_create(NULL);

    if (re->data == NULL || re->context == NULL) {
        return NULL;
    }

    (void) pcre2_set_match_limit(re->context, NGX_HTTP_SOCKETIO_MATCH_LIMIT);
    (void) pcre2_set_heap_limit(re->context, NGX_HTTP_SOCKETIO_HEAP_LIMIT);

    return re;
}


static void
ngx_http_socketio_regex_cleanup(void *data)
{
    ngx_http_socketio_regex_t *re = data;

    pcre2_match_context_free(re->context);
    pcre2_match_data_free(re->data);
    pcre2_code_free(re->code);
}


int
ngx_http_socketio_regex_group(void *regex, sio_str_t name, unsigned *number)
{
    ngx_http_socketio_regex_t *re = regex;

    int       n;
    char      buf[64];
    uint32_t  ngroups;

    if (name.len == 0 || name.len >= sizeof(buf)) {
        return SIO_DECLINED;
    }

    if (name.data[0] >= '0' && name.data[0] <= '9') {
        n = ngx_atoi((u_char *) name.data, name.len);
        (void) pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &ngroups);

        if (n == NGX_ERROR || n > (int) ngroups) {
            return SIO_DECLINED;
        }

        *number = n;
        return SIO_OK;
    }

    ngx_memcpy(buf, name.data, name.len);
    buf[name.len] = '\0';

    n = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR) buf);
    if (n <= 0) {
        return SIO_DECLINED;
    }

    *number = n;

    return SIO_OK;
}


int
ngx_http_socketio_regex_match(void *regex, sio_str_t subject, int *captures,
    unsigned ncaptures)
{
    ngx_http_socketio_regex_t *re = regex;

    int        rc;
    size_t    *offsets;
    unsigned   i, count;

    rc = pcre2_match(re->code,
                     subject.data ? subject.data : (const uint8_t *) "",
                     subject.len, 0, PCRE2_NO_UTF_CHECK, re->data,
                     re->context);

    if (rc == PCRE2_ERROR_NOMATCH) {
        return SIO_DECLINED;
    }

    if (rc < 0) {
        return SIO_ERROR;
    }

    if (captures == NULL) {
        return SIO_OK;
    }

    offsets = pcre2_get_ovector_pointer(re->data);
    count = pcre2_get_ovector_count(re->data);

    for (i = 0; i < ncaptures; i++) {
        captures[2 * i] = -1;
        captures[2 * i + 1] = -1;

        if (i < count && offsets[2 * i] != PCRE2_UNSET) {
            captures[2 * i] = (int) offsets[2 * i];
            captures[2 * i + 1] = (int) offsets[2 * i + 1];
        }
    }

    return SIO_OK;
}
