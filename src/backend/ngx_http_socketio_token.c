/*
 * The token of a client, and what both kinds of tokens share.
 */


#include "backend/ngx_http_socketio_token.h"
#include "codec/sio_base64.h"


int
ngx_http_socketio_token_find(const ngx_array_t *sources,
    ngx_http_socketio_auth_t *auth, sio_str_t *token)
{
    int                                rc;
    sio_run_t                         *run;
    ngx_uint_t                         i;
    ngx_http_socketio_token_source_t  *source;

    if (auth->token.data) {
        *token = auth->token;
        return SIO_OK;
    }

    run = &auth->run->run;
    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {
        rc = source[i].captured
             ? run->ops->variable(run, source[i].index, token)
             : sio_value_bytes(run, &source[i].value, token);

        if (rc == SIO_NOMEM) {
            return SIO_NOMEM;
        }

        if (rc != SIO_OK) {
            continue;
        }

        /* RFC 6750, 2.1.  Authorization Request Header Field */

        if (source[i].bearer) {

            if (token->len < 7
                || ngx_strncasecmp((u_char *) token->data,
                                   (u_char *) "Bearer ", 7)
                   != 0)
            {
                continue;
            }

            token->data += 7;
            token->len -= 7;

            while (token->len && *token->data == ' ') {
                token->data++;
                token->len--;
            }
        }

        if (token->len) {
            return SIO_OK;
        }
    }

    return SIO_DECLINED;
}


int
ngx_http_socketio_token_refuse(ngx_http_socketio_auth_t *auth,
    const char *reason)
{
    auth->code = SIO_CODE_FORBIDDEN;
    auth->error = "invalid token";
    auth->reason = reason;

    return SIO_ERROR;
}


int
ngx_http_socketio_token_claims(ngx_http_socketio_auth_t *auth,
    const sio_claims_policy_t *policy, sio_str_t text)
{
    int               rc;
    sio_buf_t         buf;
    sio_str_t         claims;
    sio_claims_e      error;
    const sio_mem_t  *mem;

    if (text.len > SIO_CLAIMS_MAX) {
        return ngx_http_socketio_token_refuse(auth, "its claims are too long");
    }

    mem = &auth->run->run.scratch->mem;
    rc = sio_jose_object(mem, text, &claims);

    if (rc == SIO_ERROR) {
        return ngx_http_socketio_token_refuse(auth,
                                              "its claims are no object");
    }

    if (rc != SIO_OK) {
        return rc;
    }

    sio_scratch_buf(auth->run->run.scratch, &buf);
    rc = sio_claims_check(policy, claims, auth->now, &buf, &auth->claimed,
                          &error);

    if (rc == SIO_ERROR) {
        (void) ngx_http_socketio_token_refuse(auth,
                                              sio_claims_error_text(error));

        if (error == SIO_CLAIMS_EXPIRED) {
            auth->error = "token expired";
        }
    }

    return rc;
}


int
ngx_http_socketio_token_decode(ngx_http_socketio_auth_t *auth, sio_str_t part,
    sio_str_t *bytes)
{
    size_t   len;
    uint8_t  *p;

    p = sio_scratch_alloc(auth->run->run.scratch,
                          sio_base64_decoded_max(part.len) + 1);
    if (p == NULL) {
        return SIO_NOMEM;
    }

    if (sio_jose_decode(part, p, &len) != SIO_OK) {
        return SIO_ERROR;
    }

    *bytes = sio_str(p, len);

    return SIO_OK;
}
