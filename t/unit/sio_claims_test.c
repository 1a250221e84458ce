/*
 * Unit tests of sio_claims: times, audiences, issuers, users.
 */


#include "unit.h"
#include "logic/sio_claims.h"


#define NOW  1795255200000ull            /* 2026-11-21T10:00:00.000Z */


static const sio_str_t  aud[] = { sio_string("chat"), sio_string("talk") };
static const sio_str_t  iss[] = { sio_string("https://a.example") };

static const sio_json_step_t  sub[] = {
    { SIO_JSON_MEMBER, sio_string("sub"), 0 }
};

static const sio_json_step_t  profile[] = {
    { SIO_JSON_MEMBER, sio_string("profile"), 0 },
    { SIO_JSON_MEMBER, sio_string("id"), 0 }
};

static const sio_claims_policy_t  plain = { sub, 1, NULL, 0, NULL, 0, 5000 };
static const sio_claims_policy_t  strict = {
    profile, 2, aud, 2, iss, 1, 0
};


/* "user expires", or what is wrong with it. */

static const char *
checked(const sio_claims_policy_t *policy, const char *claims)
{
    static char     text[256];
    int             rc;
    sio_buf_t       buf;
    sio_claims_e    error;
    sio_claimed_t   claimed;

    sio_buf_init(&buf, &unit_mem, 4096);

    rc = sio_claims_check(policy, sio_cstr(claims), NOW, &buf, &claimed,
                          &error);

    if (rc == SIO_OK) {
        snprintf(text, sizeof(text), "%.*s %llu", (int) claimed.user.len,
                 (const char *) claimed.user.data,
                 (unsigned long long) claimed.expires);

    } else {
        snprintf(text, sizeof(text), "%s",
                 rc == SIO_NOMEM ? "no memory" : sio_claims_error_text(error));
    }

    sio_buf_free(&buf);

    return text;
}


static void
is(const sio_claims_policy_t *policy, const char *claims,
    const char *expected)
{
    const char  *got;

    got = checked(policy, claims);
    ok(strcmp(got, expected) == 0, "%s: %s", claims, got);
}


static void
test_times(void)
{
    const char  *ended, *early, *wrong;

    ended = "it has expired";
    early = "it is not valid yet";
    wrong = "\"exp\", \"nbf\" or \"iat\" is no time";

    is(&plain, "{\"sub\":\"ann\"}", "ann 0");
    is(&plain, "{\"sub\":\"ann\",\"exp\":1795255201}", "ann 1795255206000");
    is(&plain, "{\"sub\":\"ann\",\"exp\":1795255200.5}", "ann 1795255205500");
    is(&plain, "{\"sub\":\"ann\",\"exp\":1.7952552e9}", "ann 1795255205000");
    is(&plain, "{\"sub\":\"ann\",\"exp\":1795255195.001}",
       "ann 1795255200001");
    is(&plain, "{\"sub\":\"ann\",\"exp\":1795255195}", ended);
    is(&plain, "{\"sub\":\"ann\",\"exp\":0}", ended);
    is(&plain, "{\"sub\":\"ann\",\"exp\":0.0}", ended);
    is(&plain, "{\"sub\":\"ann\",\"nbf\":1795255205}", "ann 0");
    is(&plain, "{\"sub\":\"ann\",\"nbf\":1795255206}", early);
    is(&plain, "{\"sub\":\"ann\",\"iat\":1795255205}", "ann 0");
    is(&plain, "{\"sub\":\"ann\",\"iat\":1795255206}", early);

    is(&plain, "{\"sub\":\"ann\",\"exp\":\"1795255201\"}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"exp\":null}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"exp\":-1}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"exp\":1e12}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"exp\":1e999}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"exp\":[1795255201]}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"nbf\":true}", wrong);
    is(&plain, "{\"sub\":\"ann\",\"iat\":{}}", wrong);
}


static void
test_names(void)
{
    const char  *audience, *issuer;

    audience = "\"aud\" names somebody else";
    issuer = "\"iss\" is not whom we trust";

#define GOOD  "\"profile\":{\"id\":\"ann\"}"
#define ISS   "\"iss\":\"https://a.example\"," GOOD

    is(&strict, "{\"aud\":\"chat\"," ISS "}", "ann 0");
    is(&strict, "{\"aud\":\"t\\u0061lk\"," ISS "}", "ann 0");
    is(&strict, "{\"aud\":[\"x\",5,\"talk\"]," ISS "}", "ann 0");
    is(&strict, "{" ISS "}", audience);
    is(&strict, "{\"aud\":[]," ISS "}", audience);
    is(&strict, "{\"aud\":[[\"chat\"]]," ISS "}", audience);
    is(&strict, "{\"aud\":{\"chat\":1}," ISS "}", audience);
    is(&strict, "{\"aud\":\"chatt\"," ISS "}", audience);
    is(&strict, "{\"aud\":\"\"," ISS "}", audience);

    is(&strict, "{\"aud\":\"chat\"," GOOD "}", issuer);
    is(&strict, "{\"aud\":\"chat\",\"iss\":\"https://b.example\"," GOOD "}",
       issuer);
    is(&strict, "{\"aud\":\"chat\",\"iss\":5," GOOD "}", issuer);
    is(&strict, "{\"aud\":\"chat\",\"iss\":[\"https://a.example\"]," GOOD "}",
       issuer);
}


static void
test_users(void)
{
    const char  *none;

    none = "it names no user";

    is(&plain, "{\"sub\":77}", "77 0");
    is(&plain, "{\"sub\":\"a\\u006en\"}", "ann 0");
    is(&plain, "{}", none);
    is(&plain, "{\"sub\":\"\"}", none);
    is(&plain, "{\"sub\":null}", none);
    is(&plain, "{\"sub\":1.5}", none);
    is(&plain, "{\"sub\":true}", none);
    is(&plain, "{\"sub\":[\"ann\"]}", none);
    is(&plain, "{\"sub\":{\"sub\":\"ann\"}}", none);
    is(&strict, "{\"aud\":\"chat\",\"iss\":\"https://a.example\","
       "\"profile\":\"ann\"}", none);

    (void) unit_mem_fail(1);
    is(&plain, "{\"sub\":\"a\\u006en\"}", "no memory");
    (void) unit_mem_fail(100);
    unit_mem_none_left("nothing is kept");
}


int
main(void)
{
    unit_plan();

    test_times();
    test_names();
    test_users();

    return unit_done();
}
