/*
 * Signed tokens.
 *
 * Nothing of a token is in the log, nor is the client told more than whether
 * it should come with a newer one.
 */


#include "backend/ngx_http_socketio_jwt.h"


static int ngx_http_socketio_jwt_check(void *conf,
    ngx_http_socketio_auth_t *auth);
static void ngx_http_socketio_jwt_tick(void *conf, ngx_log_t *log);
static ngx_uint_t ngx_http_socketio_jwt_verify(
    ngx_http_socketio_jwt_conf_t *conf, const sio_jose_header_t *header,
    sio_str_t input, sio_str_t sig, ngx_log_t *log);
static ngx_uint_t ngx_http_socketio_jwt_verify_by(
    const ngx_http_socketio_keys_t *keys, const sio_jose_header_t *header,
    uint32_t alg, sio_str_t input, sio_str_t sig);


const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_jwt =
    { "jwt", ngx_http_socketio_jwt_check, 1, ngx_http_socketio_jwt_tick };


static int
ngx_http_socketio_jwt_check(void *conf, ngx_http_socketio_auth_t *auth)
{
    ngx_http_socketio_jwt_conf_t *jwt = conf;

    int                 rc;
    ngx_log_t          *log;
    sio_str_t           token, text, sig, claims;
    sio_jose_t          jose;
    sio_jose_header_t   header;

    log = auth->run->hub->log;

    rc = ngx_http_socketio_token_find(&jwt->sources, auth, &token);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_jose_split(token, &jose) != SIO_OK
        || jose.nparts != SIO_JOSE_JWS_PARTS)
    {
        return ngx_http_socketio_token_refuse(auth, "it is no signed token");
    }

    rc = ngx_http_socketio_token_decode(auth, jose.part[0], &text);

    if (rc == SIO_OK) {
        rc = sio_jose_header(&auth->run->run.scratch->mem, text, &header);
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_token_decode(auth, jose.part[1], &claims);
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_token_decode(auth, jose.part[2], &sig);
    }

    if (rc != SIO_OK) {
        return rc == SIO_NOMEM ? rc
               : ngx_http_socketio_token_refuse(auth, "it can't be read");
    }

    if (!ngx_http_socketio_jwt_verify(jwt, &header, jose.input, sig, log)) {
        return ngx_http_socketio_token_refuse(auth, "no key of its algorithm"
                                              " and id has signed it");
    }

    return ngx_http_socketio_token_claims(auth, &jwt->policy, claims);
}


static void
ngx_http_socketio_jwt_tick(void *conf, ngx_log_t *log)
{
    ngx_http_socketio_jwt_conf_t *jwt = conf;

    ngx_uint_t                 i;
    ngx_http_socketio_keys_t  *keys;

    keys = jwt->files.elts;

    for (i = 0; i < jwt->files.nelts; i++) {
        (void) ngx_http_socketio_keys_refresh(&keys[i], log);
    }
}


/*
 * If no key fits, by those that have come within this second: what was tried
 * is not tried again.
 */
static ngx_uint_t
ngx_http_socketio_jwt_verify(ngx_http_socketio_jwt_conf_t *conf,
    const sio_jose_header_t *header, sio_str_t input, sio_str_t sig,
    ngx_log_t *log)
{
    uint32_t                   alg;
    ngx_uint_t                 i;
    ngx_http_socketio_keys_t  *keys;

    alg = ngx_http_socketio_alg(header->alg);
    if (alg == 0) {
        return 0;
    }

    keys = conf->files.elts;

    for (i = 0; i < conf->files.nelts; i++) {
        if (ngx_http_socketio_jwt_verify_by(&keys[i], header, alg, input,
                                            sig))
        {
            return 1;
        }
    }

    for (i = 0; i < conf->files.nelts; i++) {
        if (ngx_http_socketio_keys_refresh(&keys[i], log)
            && ngx_http_socketio_jwt_verify_by(&keys[i], header, alg, input,
                                               sig))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Keys without an id, those of PEM files and secrets, are tried for any.
 */
static ngx_uint_t
ngx_http_socketio_jwt_verify_by(const ngx_http_socketio_keys_t *keys,
    const sio_jose_header_t *header, uint32_t alg, sio_str_t input,
    sio_str_t sig)
{
    ngx_uint_t                      i;
    const ngx_http_socketio_jwk_t  *key;

    for (i = 0; i < keys->nkeys; i++) {
        key = &keys->keys[i];

        if (header->kid.data && key->kid.len
            && !sio_json_raw_eq(header->kid, sio_str(key->kid.data,
                                                     key->kid.len)))
        {
            continue;
        }

        if (ngx_http_socketio_jws_verify(key, alg, input, sig)) {
            return 1;
        }
    }

    return 0;
}
