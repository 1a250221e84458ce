/*
 * Signatures of tokens, by OpenSSL.
 */


#include "backend/ngx_http_socketio_jws.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>


#define NGX_HTTP_SOCKETIO_ECDSA_MAX  66    /* bytes of a number of P-521 */


typedef struct {
    sio_str_t                 name;
    ngx_http_socketio_key_e   key;
    const EVP_MD           *(*md)(void);   /* NULL: the key's own */
    unsigned                  pss:1;
    unsigned                  number:8;    /* ECDSA: bytes of one */
} ngx_http_socketio_alg_t;


static ngx_uint_t ngx_http_socketio_jws_public(
    const ngx_http_socketio_jwk_t *key, const ngx_http_socketio_alg_t *alg,
    sio_str_t input, sio_str_t sig);
static ngx_uint_t ngx_http_socketio_jws_der(u_char **der, size_t *len,
    sio_str_t sig, size_t number);


static const ngx_http_socketio_alg_t  ngx_http_socketio_algs[] = {

    /* name, type of key, digest, PSS, bytes of a number */

    { sio_string("HS256"), NGX_HTTP_SOCKETIO_KEY_OCT, EVP_sha256, 0, 0 },
    { sio_string("HS384"), NGX_HTTP_SOCKETIO_KEY_OCT, EVP_sha384, 0, 0 },
    { sio_string("HS512"), NGX_HTTP_SOCKETIO_KEY_OCT, EVP_sha512, 0, 0 },
    { sio_string("RS256"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha256, 0, 0 },
    { sio_string("RS384"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha384, 0, 0 },
    { sio_string("RS512"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha512, 0, 0 },
    { sio_string("PS256"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha256, 1, 0 },
    { sio_string("PS384"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha384, 1, 0 },
    { sio_string("PS512"), NGX_HTTP_SOCKETIO_KEY_RSA, EVP_sha512, 1, 0 },
    { sio_string("ES256"), NGX_HTTP_SOCKETIO_KEY_P256, EVP_sha256, 0, 32 },
    { sio_string("ES384"), NGX_HTTP_SOCKETIO_KEY_P384, EVP_sha384, 0, 48 },
    { sio_string("ES512"), NGX_HTTP_SOCKETIO_KEY_P521, EVP_sha512, 0,
      NGX_HTTP_SOCKETIO_ECDSA_MAX },
    { sio_string("EdDSA"), NGX_HTTP_SOCKETIO_KEY_ED25519, NULL, 0, 0 }
};

#define NGX_HTTP_SOCKETIO_NALGS                                               \
    (sizeof(ngx_http_socketio_algs) / sizeof(ngx_http_socketio_algs[0]))


uint32_t
ngx_http_socketio_alg(sio_str_t raw)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_SOCKETIO_NALGS; i++) {
        if (sio_str_eq(raw, ngx_http_socketio_algs[i].name)) {
            return (uint32_t) 1 << i;
        }
    }

    return 0;
}


uint32_t
ngx_http_socketio_algs_of(ngx_http_socketio_key_e type)
{
    uint32_t    algs;
    ngx_uint_t  i;

    algs = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_NALGS; i++) {
        if (ngx_http_socketio_algs[i].key == type) {
            algs |= (uint32_t) 1 << i;
        }
    }

    return algs;
}


u_char *
ngx_http_socketio_algs_names(u_char *p, u_char *last, uint32_t algs)
{
    u_char      *start;
    sio_str_t    name;
    ngx_uint_t   i;

    start = p;

    for (i = 0; i < NGX_HTTP_SOCKETIO_NALGS; i++) {
        if (algs & (uint32_t) 1 << i) {
            name = ngx_http_socketio_algs[i].name;
            p = ngx_slprintf(p, last, "%s%*s", p == start ? "" : ", ",
                             name.len, name.data);
        }
    }

    return p;
}


ngx_uint_t
ngx_http_socketio_jws_verify(const ngx_http_socketio_jwk_t *key, uint32_t alg,
    sio_str_t input, sio_str_t sig)
{
    u_char                          md[EVP_MAX_MD_SIZE];
    unsigned                        len;
    ngx_uint_t                      i, rc;
    const ngx_http_socketio_alg_t  *row;

    if (!(key->algs & alg)) {
        return 0;
    }

    for (i = 0; alg >> i != 1; i++) { /* void */ }

    row = &ngx_http_socketio_algs[i];

    if (row->key != key->type) {
        return 0;
    }

    if (key->type != NGX_HTTP_SOCKETIO_KEY_OCT) {
        rc = ngx_http_socketio_jws_public(key, row, input, sig);

        /* what a wrong signature leaves behind is not another's error */
        ERR_clear_error();

        return rc;
    }

    if (HMAC(row->md(), key->secret.data, (int) key->secret.len, input.data,
             input.len, md, &len)
        == NULL)
    {
        return 0;
    }

    rc = (sig.len == len && CRYPTO_memcmp(md, sig.data, len) == 0);
    OPENSSL_cleanse(md, sizeof(md));

    return rc;
}


static ngx_uint_t
ngx_http_socketio_jws_public(const ngx_http_socketio_jwk_t *key,
    const ngx_http_socketio_alg_t *alg, sio_str_t input, sio_str_t sig)
{
    u_char        *der;
    size_t         len;
    ngx_uint_t     rc;
    EVP_MD_CTX    *md;
    EVP_PKEY_CTX  *pkey;

    rc = 0;
    der = NULL;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return 0;
    }

    if (EVP_DigestVerifyInit(md, &pkey, alg->md ? alg->md() : NULL, NULL,
                             key->pkey)
        != 1)
    {
        goto done;
    }

    /* RFC 7518, 3.5: the salt is as long as the digest */

    if (alg->pss
        && (EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) != 1
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST)
               != 1))
    {
        goto done;
    }

    if (alg->number) {

        if (!ngx_http_socketio_jws_der(&der, &len, sig, alg->number)) {
            goto done;
        }

        sig = sio_str(der, len);
    }

    rc = (EVP_DigestVerify(md, sig.data, sig.len, input.data, input.len)
          == 1);

done:

    OPENSSL_free(der);
    EVP_MD_CTX_free(md);

    return rc;
}


/*
 * Two numbers side by side, as OpenSSL takes them.
 *
 * RFC 7518, 3.4.  Digital Signature with ECDSA
 */
static ngx_uint_t
ngx_http_socketio_jws_der(u_char **der, size_t *len, sio_str_t sig,
    size_t number)
{
    int         n;
    BIGNUM     *r, *s;
    ECDSA_SIG  *ecdsa;

    if (sig.len != 2 * number) {
        return 0;
    }

    ecdsa = ECDSA_SIG_new();
    r = BN_bin2bn(sig.data, (int) number, NULL);
    s = BN_bin2bn(sig.data + number, (int) number, NULL);

    if (ecdsa == NULL || r == NULL || s == NULL
        || ECDSA_SIG_set0(ecdsa, r, s) != 1)
    {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(ecdsa);
        return 0;
    }

    n = i2d_ECDSA_SIG(ecdsa, der);
    ECDSA_SIG_free(ecdsa);

    *len = (size_t) n;

    return n > 0;
}
