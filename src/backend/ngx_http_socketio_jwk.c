/*
 * Keys of signatures, from files.
 */


#include "backend/ngx_http_socketio_jwk.h"

#include "codec/sio_base64.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


#define NGX_HTTP_SOCKETIO_JWK_BYTES  (NGX_HTTP_SOCKETIO_RSA_MAX / 8 + 8)


/* Types of keys as PEM and JWK name them. */

typedef struct {
    ngx_http_socketio_key_e   type;
    const char               *group;       /* OpenSSL's, of a PEM file */
    const char               *kty;
    const char               *crv;
    size_t                    bytes;       /* of a coordinate, or of all */
} ngx_http_socketio_jwk_type_t;


static ngx_int_t ngx_http_socketio_keys_parse(ngx_http_socketio_keys_t *keys);
static ngx_int_t ngx_http_socketio_keys_secret(
    ngx_http_socketio_keys_t *keys);
static ngx_uint_t ngx_http_socketio_keys_public(const u_char *p, size_t len);
static ngx_uint_t ngx_http_socketio_keys_public_der(const u_char *p,
    size_t len);
static ngx_int_t ngx_http_socketio_keys_pem(ngx_http_socketio_keys_t *keys);
static EVP_PKEY *ngx_http_socketio_pem_key(ngx_http_socketio_keys_t *keys,
    const char *name, const u_char *der, long len);
static ngx_int_t ngx_http_socketio_keys_jwks(ngx_http_socketio_keys_t *keys);
static ngx_int_t ngx_http_socketio_jwk_add(ngx_http_socketio_keys_t *keys,
    sio_str_t jwk);
static ngx_int_t ngx_http_socketio_jwk_public(ngx_http_socketio_jwk_t *key,
    const ngx_http_socketio_jwk_type_t *type, sio_str_t jwk);
static EVP_PKEY *ngx_http_socketio_jwk_build(const char *name,
    OSSL_PARAM_BLD *bld);
static ngx_uint_t ngx_http_socketio_jwk_for_us(sio_str_t jwk,
    uint32_t *algs);
static ngx_int_t ngx_http_socketio_jwk_bytes(sio_str_t jwk, const char *name,
    u_char *dst, size_t *len);
static sio_str_t ngx_http_socketio_jwk_string(sio_str_t jwk,
    const char *name);
static ngx_int_t ngx_http_socketio_jwk_take(ngx_http_socketio_keys_t *keys,
    ngx_http_socketio_jwk_t *key);
static ngx_int_t ngx_http_socketio_jwk_classify(ngx_http_socketio_jwk_t *key);
static void ngx_http_socketio_jwk_free(ngx_http_socketio_jwk_t *key);
static u_char *ngx_http_socketio_jwk_copy(ngx_str_t *to, sio_str_t from);


static const ngx_http_socketio_jwk_type_t  ngx_http_socketio_jwk_types[] = {
    { NGX_HTTP_SOCKETIO_KEY_P256, "prime256v1", "EC", "P-256", 32 },
    { NGX_HTTP_SOCKETIO_KEY_P384, "secp384r1", "EC", "P-384", 48 },
    { NGX_HTTP_SOCKETIO_KEY_P521, "secp521r1", "EC", "P-521", 66 },
    { NGX_HTTP_SOCKETIO_KEY_ED25519, NULL, "OKP", "Ed25519", 32 },
    { NGX_HTTP_SOCKETIO_KEY_RSA, NULL, "RSA", NULL, 0 },
    { NGX_HTTP_SOCKETIO_KEY_OCT, NULL, "oct", NULL, 0 }
};

#define NGX_HTTP_SOCKETIO_JWK_TYPES                                           \
    (sizeof(ngx_http_socketio_jwk_types)                                      \
     / sizeof(ngx_http_socketio_jwk_types[0]))


ngx_int_t
ngx_http_socketio_keys_read(ngx_http_socketio_keys_t *keys, ngx_log_t *log)
{
    ngx_int_t  rc;

    keys->keys = NULL;
    keys->nkeys = 0;
    keys->error = NULL;
    keys->warning = NULL;
    keys->file.max = NGX_HTTP_SOCKETIO_KEY_FILE_MAX;

    if (ngx_http_socketio_file_read(&keys->file, log) != NGX_OK) {
        keys->error = keys->file.error;
        return NGX_ERROR;
    }

    keys->keys = ngx_calloc(NGX_HTTP_SOCKETIO_KEYS_MAX
                            * sizeof(ngx_http_socketio_jwk_t), log);

    if (keys->keys) {
        rc = ngx_http_socketio_keys_parse(keys);

    } else {
        keys->error = "no memory for";
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_http_socketio_keys_free(keys);
    }

    ngx_http_socketio_file_free(&keys->file);
    ERR_clear_error();

    return rc;
}


void
ngx_http_socketio_keys_free(ngx_http_socketio_keys_t *keys)
{
    while (keys->nkeys) {
        ngx_http_socketio_jwk_free(&keys->keys[--keys->nkeys]);
    }

    if (keys->keys) {
        ngx_free(keys->keys);
        keys->keys = NULL;
    }
}


ngx_uint_t
ngx_http_socketio_keys_refresh(ngx_http_socketio_keys_t *keys, ngx_log_t *log)
{
    ngx_http_socketio_keys_t  read;

    if (!keys->jwks || !ngx_http_socketio_file_changed(&keys->file)) {
        return 0;
    }

    read = *keys;

    if (ngx_http_socketio_keys_read(&read, log) != NGX_OK) {
        keys->file.stamp = read.file.stamp;

        ngx_log_error(NGX_LOG_ERR, log, read.file.err,
                      "socketio: %s \"%V\", its former keys are kept",
                      read.error, &keys->file.name);
        return 0;
    }

    ngx_http_socketio_keys_free(keys);
    *keys = read;

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "socketio: \"%V\" has changed: %ui keys",
                  &keys->file.name, keys->nkeys);

    return 1;
}


static ngx_int_t
ngx_http_socketio_keys_parse(ngx_http_socketio_keys_t *keys)
{
    if (keys->file.len == 0) {
        keys->error = "nothing in";
        return NGX_ERROR;
    }

    if (keys->jwks) {
        return ngx_http_socketio_keys_jwks(keys);
    }

    if (ngx_strnstr(keys->file.data, "-----BEGIN ", keys->file.len)) {
        return ngx_http_socketio_keys_pem(keys);
    }

    return ngx_http_socketio_keys_secret(keys);
}


/*
 * The bytes of the file but for a newline at its end.  What may be a public
 * key in another form is no secret: everybody could sign with it.
 */
static ngx_int_t
ngx_http_socketio_keys_secret(ngx_http_socketio_keys_t *keys)
{
    u_char                   *p;
    size_t                    len;
    ngx_http_socketio_jwk_t   key;

    p = keys->file.data;
    len = ngx_http_socketio_file_line(&keys->file);

    if (len == 0) {
        keys->error = "nothing but a newline in";
        return NGX_ERROR;
    }

    if (p[0] == '{' && ngx_strnstr(p, "\"kty\"", len)) {
        keys->error = "a JWK is given by \"jwks_file=\", not by \"key_file=\":";
        return NGX_ERROR;
    }

    if (ngx_http_socketio_keys_public(p, len)) {
        keys->error = "a public key must be in PEM form:";
        return NGX_ERROR;
    }

    if (len < NGX_HTTP_SOCKETIO_SECRET_MIN) {
        keys->warning = "a secret shorter than 32 bytes can be guessed:";

    } else if (keys->file.open) {
        keys->warning = "everybody may read the secret in";
    }

    ngx_memzero(&key, sizeof(ngx_http_socketio_jwk_t));

    if (ngx_http_socketio_jwk_copy(&key.secret, sio_str(p, len)) == NULL) {
        keys->error = "no memory for";
        return NGX_ERROR;
    }

    return ngx_http_socketio_jwk_take(keys, &key);
}


/*
 * Whether it is a public key or a certificate: DER, that in base64, as
 * consoles of identity providers show it, SSH's, or PEM in UTF-16.
 */
static ngx_uint_t
ngx_http_socketio_keys_public(const u_char *p, size_t len)
{
    size_t      i;
    ngx_str_t   text, der;
    ngx_uint_t  rc;

    if (ngx_http_socketio_keys_public_der(p, len)
        || (len > 6 && (ngx_strncmp(p, "ssh-", 4) == 0
                        || ngx_strncmp(p, "ecdsa-", 6) == 0)))
    {
        return 1;
    }

    text.len = 0;
    text.data = ngx_alloc(len + ngx_base64_decoded_length(len),
                          ngx_cycle->log);
    if (text.data == NULL) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (p[i] > ' ' && p[i] < 0x7f) {
            text.data[text.len++] = p[i];
        }
    }

    der.data = text.data + len;

    rc = ngx_strnstr(text.data, "--BEGIN", text.len) != NULL
         || (ngx_decode_base64(&der, &text) == NGX_OK
             && ngx_http_socketio_keys_public_der(der.data, der.len));

    ngx_http_socketio_wipe(text.data, len + ngx_base64_decoded_length(len));

    return rc;
}


static ngx_uint_t
ngx_http_socketio_keys_public_der(const u_char *p, size_t len)
{
    X509          *x509;
    EVP_PKEY      *pkey, *rsa;
    ngx_uint_t     rc;
    const u_char  *der;

    der = p;
    pkey = d2i_PUBKEY(NULL, &der, (long) len);
    der = p;
    rsa = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, (long) len);
    der = p;
    x509 = d2i_X509(NULL, &der, (long) len);

    rc = (pkey || rsa || x509);

    EVP_PKEY_free(pkey);
    EVP_PKEY_free(rsa);
    X509_free(x509);

    return rc;
}


static ngx_int_t
ngx_http_socketio_keys_pem(ngx_http_socketio_keys_t *keys)
{
    BIO                      *bio;
    char                     *name, *header;
    long                      len;
    u_char                   *der;
    ngx_int_t                 rc;
    ngx_http_socketio_jwk_t   key;

    bio = BIO_new_mem_buf(keys->file.data, (int) keys->file.len);
    if (bio == NULL) {
        keys->error = "no memory for";
        return NGX_ERROR;
    }

    rc = NGX_OK;

    while (rc == NGX_OK && PEM_read_bio(bio, &name, &header, &der, &len) == 1)
    {
        ngx_memzero(&key, sizeof(ngx_http_socketio_jwk_t));

        key.pkey = ngx_http_socketio_pem_key(keys, name, der, len);
        rc = key.pkey ? ngx_http_socketio_jwk_take(keys, &key) : NGX_ERROR;

        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t) len);
    }

    BIO_free(bio);

    if (rc == NGX_OK && keys->nkeys == 0) {
        keys->error = "no PEM can be read in";
        return NGX_ERROR;
    }

    return rc;
}


static EVP_PKEY *
ngx_http_socketio_pem_key(ngx_http_socketio_keys_t *keys, const char *name,
    const u_char *der, long len)
{
    X509      *x509;
    EVP_PKEY  *pkey;

    pkey = NULL;

    if (ngx_strstr(name, "PRIVATE KEY")) {
        keys->error = "a private key, where the public one is needed, in";
        return NULL;
    }

    if (ngx_strcmp(name, PEM_STRING_PUBLIC) == 0) {
        pkey = d2i_PUBKEY(NULL, &der, len);

    } else if (ngx_strcmp(name, PEM_STRING_RSA_PUBLIC) == 0) {
        pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);

    } else if (ngx_strcmp(name, PEM_STRING_X509) == 0) {
        x509 = d2i_X509(NULL, &der, len);

        if (x509) {
            pkey = X509_get_pubkey(x509);
            X509_free(x509);
        }

    } else {
        keys->error = "neither a public key nor a certificate in";
        return NULL;
    }

    if (pkey == NULL) {
        keys->error = "a public key that can't be read in";
    }

    return pkey;
}


/*
 * RFC 7517, 5: what is not understood is left out.
 */
static ngx_int_t
ngx_http_socketio_keys_jwks(ngx_http_socketio_keys_t *keys)
{
    sio_str_t          text, list, jwk;
    sio_json_info_t    info;
    sio_json_iter_t    it;
    sio_json_limits_t  limits;

    limits.max_depth = SIO_JOSE_DEPTH_MAX;
    limits.max_keys = 10000;

    if (sio_json_validate(sio_str(keys->file.data, keys->file.len), &limits,
                          &info, &text)
        != SIO_OK
        || sio_json_member(text, sio_cstr("keys"), &list) != SIO_OK
        || sio_json_type(list) != SIO_JSON_ARRAY)
    {
        keys->error = "no JWK set, {\"keys\": [...]}, in";
        return NGX_ERROR;
    }

    sio_json_array_iter(&it, list);

    while (sio_json_array_next(&it, &jwk) == SIO_OK) {

        if (ngx_http_socketio_jwk_add(keys, jwk) == NGX_ERROR) {

            if (keys->error) {
                return NGX_ERROR;
            }

            keys->warning = "a key that can't be used is left out of";
        }
    }

    if (keys->nkeys == 0) {
        keys->error = "no key that can be used in";
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_OK, NGX_DECLINED: not for signatures, NGX_ERROR. */

static ngx_int_t
ngx_http_socketio_jwk_add(ngx_http_socketio_keys_t *keys, sio_str_t jwk)
{
    u_char                               bytes[NGX_HTTP_SOCKETIO_JWK_BYTES];
    size_t                               len;
    sio_str_t                            kty, crv, kid;
    ngx_int_t                            rc;
    ngx_uint_t                           i;
    ngx_http_socketio_jwk_t              key;
    const ngx_http_socketio_jwk_type_t  *type;

    ngx_memzero(&key, sizeof(ngx_http_socketio_jwk_t));

    if (!ngx_http_socketio_jwk_for_us(jwk, &key.algs)) {
        return NGX_DECLINED;
    }

    kty = ngx_http_socketio_jwk_string(jwk, "kty");
    crv = ngx_http_socketio_jwk_string(jwk, "crv");
    kid = ngx_http_socketio_jwk_string(jwk, "kid");

    for (i = 0; i < NGX_HTTP_SOCKETIO_JWK_TYPES; i++) {
        type = &ngx_http_socketio_jwk_types[i];

        if (!sio_str_eq(kty, sio_cstr(type->kty))
            || (type->crv && !sio_str_eq(crv, sio_cstr(type->crv))))
        {
            continue;
        }

        if (type->type == NGX_HTTP_SOCKETIO_KEY_OCT) {
            rc = ngx_http_socketio_jwk_bytes(jwk, "k", bytes, &len);

            if (rc == NGX_OK
                && ngx_http_socketio_jwk_copy(&key.secret,
                                              sio_str(bytes, len))
                   == NULL)
            {
                rc = NGX_ERROR;
            }

            OPENSSL_cleanse(bytes, sizeof(bytes));

        } else {
            rc = ngx_http_socketio_jwk_public(&key, type, jwk);
        }

        if (rc == NGX_OK && kid.len
            && ngx_http_socketio_jwk_copy(&key.kid, kid) == NULL)
        {
            rc = NGX_ERROR;
        }

        if (rc == NGX_OK) {
            return ngx_http_socketio_jwk_take(keys, &key);
        }

        ngx_http_socketio_jwk_free(&key);
        return rc;
    }

    return NGX_ERROR;
}


/*
 * RFC 7517, 4.2 to 4.4: what the key is for.
 */
static ngx_uint_t
ngx_http_socketio_jwk_for_us(sio_str_t jwk, uint32_t *algs)
{
    sio_str_t        use, alg, ops, op;
    sio_json_iter_t  it;

    use = ngx_http_socketio_jwk_string(jwk, "use");

    if (use.len && !sio_str_eq(use, sio_cstr("sig"))) {
        return 0;
    }

    if (sio_json_member(jwk, sio_cstr("alg"), &alg) == SIO_OK) {
        alg = ngx_http_socketio_jwk_string(jwk, "alg");
        *algs = ngx_http_socketio_alg(alg);

        if (*algs == 0) {
            return 0;
        }
    }

    if (sio_json_member(jwk, sio_cstr("key_ops"), &ops) != SIO_OK) {
        return 1;
    }

    sio_json_array_iter(&it, ops);

    while (sio_json_array_next(&it, &op) == SIO_OK) {
        if (sio_str_eq(op, sio_cstr("\"verify\""))) {
            return 1;
        }
    }

    return 0;
}


/*
 * RFC 7518, 6.2 and 6.3; RFC 8037, 2.
 */
static ngx_int_t
ngx_http_socketio_jwk_public(ngx_http_socketio_jwk_t *key,
    const ngx_http_socketio_jwk_type_t *type, sio_str_t jwk)
{
    u_char           a[NGX_HTTP_SOCKETIO_JWK_BYTES];
    u_char           b[NGX_HTTP_SOCKETIO_JWK_BYTES];
    u_char           point[1 + 2 * 66];
    size_t           alen, blen;
    BIGNUM          *n, *e;
    ngx_uint_t       rsa;
    OSSL_PARAM_BLD  *bld;

    rsa = (type->type == NGX_HTTP_SOCKETIO_KEY_RSA);

    if (ngx_http_socketio_jwk_bytes(jwk, rsa ? "n" : "x", a, &alen)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (type->type == NGX_HTTP_SOCKETIO_KEY_ED25519) {
        key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, a,
                                                alen);
        return key->pkey ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_socketio_jwk_bytes(jwk, rsa ? "e" : "y", b, &blen)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    bld = OSSL_PARAM_BLD_new();
    if (bld == NULL) {
        return NGX_ERROR;
    }

    if (rsa) {
        n = BN_bin2bn(a, (int) alen, NULL);
        e = BN_bin2bn(b, (int) blen, NULL);

        if (n && e
            && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1
            && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        {
            key->pkey = ngx_http_socketio_jwk_build("RSA", bld);
        }

        BN_free(n);
        BN_free(e);

    } else if (alen == type->bytes && blen == type->bytes) {
        point[0] = POINT_CONVERSION_UNCOMPRESSED;
        ngx_memcpy(point + 1, a, alen);
        ngx_memcpy(point + 1 + alen, b, blen);

        if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                            type->crv, 0)
            == 1
            && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                                point, 1 + alen + blen)
               == 1)
        {
            key->pkey = ngx_http_socketio_jwk_build("EC", bld);
        }
    }

    OSSL_PARAM_BLD_free(bld);

    return key->pkey ? NGX_OK : NGX_ERROR;
}


static EVP_PKEY *
ngx_http_socketio_jwk_build(const char *name, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1
        && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return pkey;
}


/* A member in base64url, decoded: NGX_OK and at least one byte. */

static ngx_int_t
ngx_http_socketio_jwk_bytes(sio_str_t jwk, const char *name, u_char *dst,
    size_t *len)
{
    sio_str_t  text;

    text = ngx_http_socketio_jwk_string(jwk, name);

    if (text.len == 0
        || sio_base64_decoded_max(text.len) > NGX_HTTP_SOCKETIO_JWK_BYTES
        || sio_jose_decode(text, dst, len) != SIO_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The text of a string, escapes and all; empty if there is none. */

static sio_str_t
ngx_http_socketio_jwk_string(sio_str_t jwk, const char *name)
{
    sio_str_t  value;

    if (sio_json_member(jwk, sio_cstr(name), &value) != SIO_OK
        || sio_json_type(value) != SIO_JSON_STRING)
    {
        return sio_str(NULL, 0);
    }

    return sio_str(value.data + 1, value.len - 2);
}


/* Takes the key, or frees it. */

static ngx_int_t
ngx_http_socketio_jwk_take(ngx_http_socketio_keys_t *keys,
    ngx_http_socketio_jwk_t *key)
{
    int       bits;
    uint32_t  algs;

    if (key->pkey && ngx_http_socketio_jwk_classify(key) != NGX_OK) {
        if (!keys->jwks) {
            keys->error = "a key that is neither RSA, P-256, P-384, P-521 nor "
                          "Ed25519 in";
        }
        goto failed;
    }

    if (key->type == NGX_HTTP_SOCKETIO_KEY_RSA) {
        bits = EVP_PKEY_get_bits(key->pkey);

        if (bits < NGX_HTTP_SOCKETIO_RSA_MIN
            || bits > NGX_HTTP_SOCKETIO_RSA_MAX)
        {
            if (!keys->jwks) {
                keys->error = "an RSA key has 2048 to 8192 bits, not the one "
                              "in";
            }
            goto failed;
        }
    }

    algs = ngx_http_socketio_algs_of(key->type);
    algs &= key->algs ? key->algs : algs;
    algs &= keys->allowed ? keys->allowed : algs;

    if (algs == 0) {
        if (!keys->jwks) {
            keys->error = "\"alg=\" names none that is for the key in";
        }
        goto failed;
    }

    if (keys->nkeys == NGX_HTTP_SOCKETIO_KEYS_MAX) {
        keys->error = "more than 32 keys in";
        goto failed;
    }

    key->algs = algs;
    keys->keys[keys->nkeys++] = *key;

    return NGX_OK;

failed:

    ngx_http_socketio_jwk_free(key);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_socketio_jwk_classify(ngx_http_socketio_jwk_t *key)
{
    char        group[32];
    size_t      len;
    ngx_uint_t  i;

    switch (EVP_PKEY_get_base_id(key->pkey)) {

    case EVP_PKEY_RSA:
        key->type = NGX_HTTP_SOCKETIO_KEY_RSA;
        return NGX_OK;

    case EVP_PKEY_ED25519:
        key->type = NGX_HTTP_SOCKETIO_KEY_ED25519;
        return NGX_OK;

    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), &len)
            != 1)
        {
            return NGX_ERROR;
        }

        for (i = 0; ngx_http_socketio_jwk_types[i].group; i++) {
            if (ngx_strcmp(group, ngx_http_socketio_jwk_types[i].group) == 0
                || ngx_strcmp(group, ngx_http_socketio_jwk_types[i].crv) == 0)
            {
                key->type = ngx_http_socketio_jwk_types[i].type;
                return NGX_OK;
            }
        }

        return NGX_ERROR;

    default:
        return NGX_ERROR;
    }
}


static void
ngx_http_socketio_jwk_free(ngx_http_socketio_jwk_t *key)
{
    ngx_http_socketio_wipe(key->secret.data, key->secret.len);
    ngx_http_socketio_wipe(key->kid.data, key->kid.len);
    EVP_PKEY_free(key->pkey);

    ngx_memzero(key, sizeof(ngx_http_socketio_jwk_t));
}


static u_char *
ngx_http_socketio_jwk_copy(ngx_str_t *to, sio_str_t from)
{
    to->data = ngx_alloc(from.len, ngx_cycle->log);

    if (to->data) {
        ngx_memcpy(to->data, from.data, from.len);
        to->len = from.len;
    }

    return to->data;
}
