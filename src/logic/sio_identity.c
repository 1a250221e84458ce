/*
 * Who a socket is, in one allocation.
 */


#include "logic/sio_identity.h"


sio_identity_t *
sio_identity_create(const sio_mem_t *mem, const sio_claimed_t *claimed)
{
    size_t           size, at;
    sio_identity_t  *identity;

    size = sizeof(sio_identity_t) + claimed->user.len + claimed->claims.len;
    at = 0;

    if (claimed->expires) {
        at = (size + _Alignof(sio_deadline_t) - 1)
             & ~(_Alignof(sio_deadline_t) - 1);
        size = at + sizeof(sio_deadline_t);
    }

    identity = sio_alloc(mem, size);
    if (identity == NULL) {
        return NULL;
    }

    identity->deadline = NULL;
    identity->user_len = (uint16_t) claimed->user.len;
    identity->claims_len = (uint32_t) claimed->claims.len;

    if (claimed->user.len) {
        memcpy(identity->text, claimed->user.data, claimed->user.len);
    }

    if (claimed->claims.len) {
        memcpy(identity->text + claimed->user.len, claimed->claims.data,
               claimed->claims.len);
    }

    if (claimed->expires) {
        identity->deadline = (sio_deadline_t *) ((uint8_t *) identity + at);
        memset(identity->deadline, 0, sizeof(sio_deadline_t));
        identity->deadline->expires = claimed->expires;
    }

    return identity;
}


void
sio_identity_claimed(const sio_identity_t *identity, sio_claimed_t *claimed)
{
    memset(claimed, 0, sizeof(sio_claimed_t));

    if (identity == NULL) {
        return;
    }

    claimed->user = sio_str(identity->text, identity->user_len);
    claimed->claims = sio_str(identity->text + identity->user_len,
                              identity->claims_len);
    claimed->expires = identity->deadline ? identity->deadline->expires : 0;
}
