/*
 * Session cookies of Auth.js.
 *
 * What fails says the same whatever it was: the key, the tag or the padding.
 */


#include "backend/ngx_http_socketio_authjs.h"
#include "codec/sio_base64.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>


#define NGX_HTTP_SOCKETIO_AUTHJS_INFO  "Auth.js Generated Encryption Key ("

#define NGX_HTTP_SOCKETIO_CBC_MAC  32      /* bytes: the first half of the key,
                                              and the tag */
#define NGX_HTTP_SOCKETIO_CBC_IV   16
#define NGX_HTTP_SOCKETIO_GCM_IV   12
#define NGX_HTTP_SOCKETIO_GCM_TAG  16


/* A token taken apart and decoded. */

typedef struct {
    sio_str_t   aad;                       /* the header as it was sent */
    sio_str_t   iv;
    sio_str_t   text;                      /* encrypted */
    sio_str_t   tag;
} ngx_http_socketio_jwe_t;


/* A row for each way. */

typedef struct {
    sio_str_t     name;
    size_t        key;                     /* bytes */
    const EVP_MD *(*thumbprint)(void);
    ngx_int_t   (*decrypt)(const u_char *key,
                           const ngx_http_socketio_jwe_t *jwe, u_char *dst,
                           size_t *len);
} ngx_http_socketio_enc_t;


static int ngx_http_socketio_authjs_check(void *conf,
    ngx_http_socketio_auth_t *auth);
static int ngx_http_socketio_authjs_read(ngx_http_socketio_auth_t *auth,
    sio_str_t token, ngx_http_socketio_jwe_t *jwe,
    sio_jose_header_t *header);
static ngx_int_t ngx_http_socketio_authjs_kdf(u_char *key, size_t len,
    sio_str_t secret, sio_str_t cookie);
static ngx_int_t ngx_http_socketio_authjs_kid(
    ngx_http_socketio_authjs_key_t *key);
static ngx_int_t ngx_http_socketio_authjs_cbc(const u_char *key,
    const ngx_http_socketio_jwe_t *jwe, u_char *dst, size_t *len);
static ngx_int_t ngx_http_socketio_authjs_gcm(const u_char *key,
    const ngx_http_socketio_jwe_t *jwe, u_char *dst, size_t *len);
static ngx_int_t ngx_http_socketio_authjs_decrypt(const EVP_CIPHER *type,
    const u_char *key, const ngx_http_socketio_jwe_t *jwe, ngx_uint_t aead,
    u_char *dst, size_t *len);


const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_authjs =
    { "authjs", ngx_http_socketio_authjs_check, 1, NULL };


static const ngx_http_socketio_enc_t  ngx_http_socketio_encs[] = {
    { sio_string("A256CBC-HS512"), 64, EVP_sha512,
      ngx_http_socketio_authjs_cbc },
    { sio_string("A256GCM"), 32, EVP_sha256, ngx_http_socketio_authjs_gcm }
};


static int
ngx_http_socketio_authjs_check(void *data, ngx_http_socketio_auth_t *auth)
{
    ngx_http_socketio_authjs_conf_t *conf = data;

    int                              rc;
    u_char                          *text;
    size_t                           len;
    sio_str_t                        token;
    ngx_uint_t                       i;
    sio_jose_header_t                header;
    ngx_http_socketio_jwe_t          jwe;
    ngx_http_socketio_authjs_key_t  *key;

    rc = ngx_http_socketio_token_find(&conf->sources, auth, &token);
    if (rc != SIO_OK) {
        return rc;
    }

    rc = ngx_http_socketio_authjs_read(auth, token, &jwe, &header);

    if (rc != SIO_OK) {
        return rc == SIO_NOMEM ? rc
               : ngx_http_socketio_token_refuse(auth,
                                                "it is no encrypted token");
    }

    text = sio_scratch_alloc(auth->run->run.scratch,
                             jwe.text.len + EVP_MAX_BLOCK_LENGTH);
    if (text == NULL) {
        return SIO_NOMEM;
    }

    key = conf->keys.elts;

    for (i = 0; i < conf->keys.nelts; i++) {

        if (!sio_str_eq(header.enc, ngx_http_socketio_encs[key[i].enc].name)
            || (header.kid.data
                && !sio_json_raw_eq(header.kid, sio_str(key[i].kid,
                                                        key[i].kid_len))))
        {
            continue;
        }

        rc = ngx_http_socketio_encs[key[i].enc].decrypt(key[i].key, &jwe,
                                                        text, &len);
        ERR_clear_error();

        if (rc == NGX_OK) {
            return ngx_http_socketio_token_claims(auth, &conf->policy,
                                                  sio_str(text, len));
        }
    }

    return ngx_http_socketio_token_refuse(auth,
                                          "no secret of ours encrypted it");
}


static int
ngx_http_socketio_authjs_read(ngx_http_socketio_auth_t *auth, sio_str_t token,
    ngx_http_socketio_jwe_t *jwe, sio_jose_header_t *header)
{
    int         rc;
    sio_str_t   text;
    sio_jose_t  jose;

    if (sio_jose_split(token, &jose) != SIO_OK
        || jose.nparts != SIO_JOSE_JWE_PARTS)
    {
        return SIO_ERROR;
    }

    rc = ngx_http_socketio_token_decode(auth, jose.part[0], &text);

    if (rc == SIO_OK) {
        rc = sio_jose_header(&auth->run->run.scratch->mem, text, header);
    }

    /* RFC 7518, 4.5: the key itself, so none is in the token */

    if (rc == SIO_OK
        && (!sio_str_eq(header->alg, sio_cstr("dir")) || jose.part[1].len))
    {
        rc = SIO_ERROR;
    }

    jwe->aad = jose.part[0];

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_token_decode(auth, jose.part[2], &jwe->iv);
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_token_decode(auth, jose.part[3], &jwe->text);
    }

    if (rc == SIO_OK) {
        rc = ngx_http_socketio_token_decode(auth, jose.part[4], &jwe->tag);
    }

    return rc;
}


/*
 * RFC 7518, 5.2.5.  AES_256_CBC_HMAC_SHA_512: first the tag, then the text.
 */
static ngx_int_t
ngx_http_socketio_authjs_cbc(const u_char *key,
    const ngx_http_socketio_jwe_t *jwe, u_char *dst, size_t *len)
{
    int           ok;
    u_char        md[EVP_MAX_MD_SIZE], bits[8];
    size_t        i, md_len;
    uint64_t      al;
    EVP_MAC      *mac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *hmac;

    if (jwe->iv.len != NGX_HTTP_SOCKETIO_CBC_IV
        || jwe->tag.len != NGX_HTTP_SOCKETIO_CBC_MAC
        || jwe->text.len == 0)
    {
        return NGX_ERROR;
    }

    al = (uint64_t) jwe->aad.len * 8;

    for (i = 0; i < 8; i++) {
        bits[7 - i] = (u_char) (al >> (8 * i));
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 "SHA512", 0);
    params[1] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    hmac = EVP_MAC_CTX_new(mac);

    ok = hmac
         && EVP_MAC_init(hmac, key, NGX_HTTP_SOCKETIO_CBC_MAC, params) == 1
         && EVP_MAC_update(hmac, jwe->aad.data, jwe->aad.len) == 1
         && EVP_MAC_update(hmac, jwe->iv.data, jwe->iv.len) == 1
         && EVP_MAC_update(hmac, jwe->text.data, jwe->text.len) == 1
         && EVP_MAC_update(hmac, bits, sizeof(bits)) == 1
         && EVP_MAC_final(hmac, md, &md_len, sizeof(md)) == 1
         && CRYPTO_memcmp(md, jwe->tag.data, NGX_HTTP_SOCKETIO_CBC_MAC) == 0;

    EVP_MAC_CTX_free(hmac);
    EVP_MAC_free(mac);

    if (!ok) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_authjs_decrypt(EVP_aes_256_cbc(),
                                            key + NGX_HTTP_SOCKETIO_CBC_MAC,
                                            jwe, 0, dst, len);
}


/*
 * RFC 7518, 5.3.  Content Encryption with AES GCM
 */
static ngx_int_t
ngx_http_socketio_authjs_gcm(const u_char *key,
    const ngx_http_socketio_jwe_t *jwe, u_char *dst, size_t *len)
{
    if (jwe->iv.len != NGX_HTTP_SOCKETIO_GCM_IV
        || jwe->tag.len != NGX_HTTP_SOCKETIO_GCM_TAG)
    {
        return NGX_ERROR;
    }

    return ngx_http_socketio_authjs_decrypt(EVP_aes_256_gcm(), key, jwe, 1,
                                            dst, len);
}


/* aead: the cipher looks at the tag itself. */

static ngx_int_t
ngx_http_socketio_authjs_decrypt(const EVP_CIPHER *type, const u_char *key,
    const ngx_http_socketio_jwe_t *jwe, ngx_uint_t aead, u_char *dst,
    size_t *len)
{
    int              n, last, ok;
    EVP_CIPHER_CTX  *cipher;

    cipher = EVP_CIPHER_CTX_new();

    ok = cipher
         && EVP_DecryptInit_ex(cipher, type, NULL, key, jwe->iv.data) == 1;

    if (ok && aead) {
        ok = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG,
                                 (int) jwe->tag.len, (void *) jwe->tag.data)
             == 1
             && EVP_DecryptUpdate(cipher, NULL, &n, jwe->aad.data,
                                  (int) jwe->aad.len)
                == 1;
    }

    ok = ok
         && EVP_DecryptUpdate(cipher, dst, &n, jwe->text.data,
                              (int) jwe->text.len)
            == 1
         && EVP_DecryptFinal_ex(cipher, dst + n, &last) == 1;

    EVP_CIPHER_CTX_free(cipher);

    if (!ok) {
        return NGX_ERROR;
    }

    *len = (size_t) n + (size_t) last;

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_authjs_keys_add(ngx_http_socketio_authjs_conf_t *conf,
    sio_str_t secret, sio_str_t cookie)
{
    ngx_uint_t                       i;
    ngx_http_socketio_authjs_key_t  *key;

    for (i = NGX_HTTP_SOCKETIO_ENC_CBC; i <= NGX_HTTP_SOCKETIO_ENC_GCM; i++) {

        key = ngx_array_push(&conf->keys);
        if (key == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(key, sizeof(ngx_http_socketio_authjs_key_t));
        key->enc = i;

        if (ngx_http_socketio_authjs_kdf(key->key,
                                         ngx_http_socketio_encs[i].key,
                                         secret, cookie)
            != NGX_OK
            || ngx_http_socketio_authjs_kid(key) != NGX_OK)
        {
            ERR_clear_error();
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * RFC 5869, 2.  HMAC-based Key Derivation Function (HKDF)
 */
static ngx_int_t
ngx_http_socketio_authjs_kdf(u_char *key, size_t len, sio_str_t secret,
    sio_str_t cookie)
{
    int           ok;
    u_char       *info, *p;
    EVP_KDF      *kdf;
    OSSL_PARAM    params[5];
    EVP_KDF_CTX  *ctx;

    info = ngx_alloc(sizeof(NGX_HTTP_SOCKETIO_AUTHJS_INFO) + cookie.len,
                     ngx_cycle->log);
    if (info == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(info, NGX_HTTP_SOCKETIO_AUTHJS_INFO,
                   sizeof(NGX_HTTP_SOCKETIO_AUTHJS_INFO) - 1);
    p = ngx_cpymem(p, cookie.data, cookie.len);
    *p++ = ')';

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 "SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                                  (void *) secret.data,
                                                  secret.len);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                                  (void *) cookie.data,
                                                  cookie.len);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
                                                  p - info);
    params[4] = OSSL_PARAM_construct_end();

    kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ctx = EVP_KDF_CTX_new(kdf);

    ok = ctx && EVP_KDF_derive(ctx, key, len, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ngx_free(info);

    return ok ? NGX_OK : NGX_ERROR;
}


/*
 * The id of a key: the digest of it as a JWK, whose length is the key's.
 *
 * RFC 7638, 3.  JWK Thumbprint
 */
static ngx_int_t
ngx_http_socketio_authjs_kid(ngx_http_socketio_authjs_key_t *key)
{
    int                             ok;
    u_char                          jwk[128], *p, md[EVP_MAX_MD_SIZE];
    unsigned                        len;
    const ngx_http_socketio_enc_t  *enc;

    enc = &ngx_http_socketio_encs[key->enc];

    p = ngx_cpymem(jwk, "{\"k\":\"", sizeof("{\"k\":\"") - 1);
    p += sio_base64url_encode(p, key->key, enc->key);
    p = ngx_cpymem(p, "\",\"kty\":\"oct\"}", sizeof("\",\"kty\":\"oct\"}") - 1);

    ok = EVP_Digest(jwk, p - jwk, md, &len, enc->thumbprint(), NULL) == 1;

    OPENSSL_cleanse(jwk, sizeof(jwk));

    if (!ok) {
        return NGX_ERROR;
    }

    key->kid_len = sio_base64url_encode(key->kid, md, len);

    return NGX_OK;
}
