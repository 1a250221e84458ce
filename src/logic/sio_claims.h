/*
 * The claims of a token whose origin is proved: whether it is for us, from
 * whom we expect, valid now, and whom it names.
 *
 * RFC 7519, 4.1.  Registered Claim Names
 */


#ifndef _SIO_CLAIMS_H_INCLUDED_
#define _SIO_CLAIMS_H_INCLUDED_


#include "codec/sio_json.h"
#include "logic/sio_identity.h"


typedef enum {
    SIO_CLAIMS_VALID = 0,
    SIO_CLAIMS_EXPIRED,                    /* exp */
    SIO_CLAIMS_EARLY,                      /* nbf, or iat */
    SIO_CLAIMS_TIME,                       /* one of them is no time */
    SIO_CLAIMS_AUDIENCE,                   /* aud is somebody else */
    SIO_CLAIMS_ISSUER,                     /* iss is */
    SIO_CLAIMS_USER                        /* no user in it */
} sio_claims_e;


/* What the configuration asks of tokens. */

typedef struct {
    const sio_json_step_t  *user;          /* where the user's id is */
    unsigned                nuser;
    const sio_str_t        *aud;           /* one of these; none: any */
    unsigned                naud;
    const sio_str_t        *iss;
    unsigned                niss;
    uint64_t                leeway;        /* msec that clocks may differ */
} sio_claims_policy_t;


#pragma GCC visibility push(hidden)


/*
 * Check claims, a validated object, at a time of the calendar (msec).
 *
 * *claimed is who it names: claims are the text itself, the user is a view of
 * it or, if it has escapes, in buf; expires has the tolerance in it.
 *
 * SIO_OK; SIO_ERROR: *error says why; SIO_NOMEM.
 */
int sio_claims_check(const sio_claims_policy_t *policy, sio_str_t claims,
    uint64_t now, sio_buf_t *buf, sio_claimed_t *claimed,
    sio_claims_e *error);

/* An error in words, for the log. */

const char *sio_claims_error_text(sio_claims_e error);


#pragma GCC visibility pop


#endif /* _SIO_CLAIMS_H_INCLUDED_ */
