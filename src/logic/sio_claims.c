/*
 * The registered claims of a token.
 *
 * A token without "exp" does not expire.  "iat" is held against the clock as
 * "nbf" is: what will be issued tomorrow is not believed today.
 */


#include "logic/sio_claims.h"


/* Seconds: some thousand years, so that msec fit an exact double. */

#define SIO_CLAIMS_SECONDS_MAX  1e11


static sio_claims_e sio_claims_times(const sio_claims_policy_t *policy,
    sio_str_t claims, uint64_t now, uint64_t *expires);
static int sio_claims_time(sio_str_t claims, const char *name,
    uint64_t *msec);
static int sio_claims_audience(sio_str_t value, const sio_str_t *names,
    unsigned n);
static int sio_claims_string_in(sio_str_t value, const sio_str_t *names,
    unsigned n);
static int sio_claims_user(const sio_claims_policy_t *policy,
    sio_str_t claims, sio_buf_t *buf, sio_str_t *user);


static const char *const  sio_claims_errors[] = {
    "it is valid",
    "it has expired",
    "it is not valid yet",
    "\"exp\", \"nbf\" or \"iat\" is no time",
    "\"aud\" names somebody else",
    "\"iss\" is not whom we trust",
    "it names no user"
};


int
sio_claims_check(const sio_claims_policy_t *policy, sio_str_t claims,
    uint64_t now, sio_buf_t *buf, sio_claimed_t *claimed, sio_claims_e *error)
{
    int        rc;
    sio_str_t  value;

    memset(claimed, 0, sizeof(sio_claimed_t));
    claimed->claims = claims;

    *error = sio_claims_times(policy, claims, now, &claimed->expires);

    if (*error != SIO_CLAIMS_VALID) {
        return SIO_ERROR;
    }

    if (policy->naud
        && (sio_json_member(claims, sio_cstr("aud"), &value) != SIO_OK
            || !sio_claims_audience(value, policy->aud, policy->naud)))
    {
        *error = SIO_CLAIMS_AUDIENCE;
        return SIO_ERROR;
    }

    if (policy->niss
        && (sio_json_member(claims, sio_cstr("iss"), &value) != SIO_OK
            || !sio_claims_string_in(value, policy->iss, policy->niss)))
    {
        *error = SIO_CLAIMS_ISSUER;
        return SIO_ERROR;
    }

    rc = sio_claims_user(policy, claims, buf, &claimed->user);

    if (rc == SIO_ERROR) {
        *error = SIO_CLAIMS_USER;
    }

    return rc;
}


static sio_claims_e
sio_claims_times(const sio_claims_policy_t *policy, sio_str_t claims,
    uint64_t now, uint64_t *expires)
{
    int       exp;
    uint64_t  end, start, issued;

    exp = sio_claims_time(claims, "exp", &end);

    if (exp == SIO_ERROR
        || sio_claims_time(claims, "nbf", &start) == SIO_ERROR
        || sio_claims_time(claims, "iat", &issued) == SIO_ERROR)
    {
        return SIO_CLAIMS_TIME;
    }

    /* those that are not there are 0: long ago */

    if (start > now + policy->leeway || issued > now + policy->leeway) {
        return SIO_CLAIMS_EARLY;
    }

    if (exp == SIO_DECLINED) {
        return SIO_CLAIMS_VALID;
    }

    if (now >= end + policy->leeway) {
        return SIO_CLAIMS_EXPIRED;
    }

    *expires = end + policy->leeway;

    return SIO_CLAIMS_VALID;
}


/* RFC 7519, 2.  Terminology, NumericDate */

static int
sio_claims_time(sio_str_t claims, const char *name, uint64_t *msec)
{
    double     seconds;
    sio_str_t  value;

    *msec = 0;

    if (sio_json_member(claims, sio_cstr(name), &value) != SIO_OK) {
        return SIO_DECLINED;
    }

    if (sio_json_type(value) != SIO_JSON_NUMBER
        || sio_json_double(value, &seconds) != SIO_OK
        || !(seconds >= 0 && seconds <= SIO_CLAIMS_SECONDS_MAX))
    {
        return SIO_ERROR;
    }

    *msec = (uint64_t) (seconds * 1000);

    return SIO_OK;
}


/* RFC 7519, 4.1.3: a string, or a list of them. */

static int
sio_claims_audience(sio_str_t value, const sio_str_t *names, unsigned n)
{
    sio_str_t        element;
    sio_json_iter_t  it;

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        return sio_claims_string_in(value, names, n);
    }

    sio_json_array_iter(&it, value);

    while (sio_json_array_next(&it, &element) == SIO_OK) {
        if (sio_claims_string_in(element, names, n)) {
            return 1;
        }
    }

    return 0;
}


static int
sio_claims_string_in(sio_str_t value, const sio_str_t *names, unsigned n)
{
    if (sio_json_type(value) != SIO_JSON_STRING) {
        return 0;
    }

    while (n--) {
        if (sio_json_raw_eq(sio_str(value.data + 1, value.len - 2),
                            names[n]))
        {
            return 1;
        }
    }

    return 0;
}


static int
sio_claims_user(const sio_claims_policy_t *policy, sio_str_t claims,
    sio_buf_t *buf, sio_str_t *user)
{
    int        rc;
    int64_t    n;
    sio_str_t  value;

    if (sio_json_lookup(claims, policy->user, policy->nuser, &value)
        != SIO_OK)
    {
        return SIO_ERROR;
    }

    if (sio_json_type(value) == SIO_JSON_NUMBER
        && sio_json_int(value, &n) == SIO_OK)
    {
        *user = value;
        return SIO_OK;
    }

    if (sio_json_type(value) != SIO_JSON_STRING || value.len == 2) {
        return SIO_ERROR;
    }

    if (memchr(value.data, '\\', value.len) == NULL) {
        *user = sio_str(value.data + 1, value.len - 2);
        return SIO_OK;
    }

    rc = sio_json_unescape(buf, value);
    *user = sio_buf_str(buf);

    return rc == SIO_NOMEM ? SIO_NOMEM : rc == SIO_OK ? SIO_OK : SIO_ERROR;
}


const char *
sio_claims_error_text(sio_claims_e error)
{
    return sio_claims_errors[error];
}
