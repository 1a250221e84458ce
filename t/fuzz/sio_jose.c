/*
 * Fuzzes tokens: taken apart, decoded, header and claims read.  What is taken
 * keeps every promise of the headers.
 */


#include "fuzz.h"
#include "codec/sio_base64.h"
#include "codec/sio_jose.h"
#include "logic/sio_claims.h"


#define NOW  1795255200000ull


static void
fuzz_claims(sio_str_t text)
{
    int                  rc;
    sio_buf_t            buf;
    sio_str_t            object, aud, value;
    sio_claims_e         error;
    sio_claimed_t        claimed;
    sio_json_step_t      step;
    sio_claims_policy_t  policy;

    if (sio_jose_object(&fuzz_mem, text, &object) != SIO_OK) {
        return;
    }

    check(sio_json_type(object) == SIO_JSON_OBJECT);

    aud = sio_cstr("a");
    memset(&step, 0, sizeof(step));
    step.type = SIO_JSON_MEMBER;
    step.name = sio_cstr("sub");

    memset(&policy, 0, sizeof(policy));
    policy.user = &step;
    policy.nuser = 1;
    policy.leeway = 1000;

    if (sio_json_member(object, sio_cstr("aud"), &value) == SIO_OK) {
        policy.aud = &aud;
        policy.naud = 1;
    }

    sio_buf_init(&buf, &fuzz_mem, SIO_CLAIMS_MAX);
    rc = sio_claims_check(&policy, object, NOW, &buf, &claimed, &error);

    if (rc == SIO_OK) {
        check(error == SIO_CLAIMS_VALID && claimed.user.len);
        check(claimed.expires == 0 || claimed.expires > NOW);

    } else {
        check(rc == SIO_ERROR && error != SIO_CLAIMS_VALID);
        check(*sio_claims_error_text(error));
    }

    sio_buf_free(&buf);
}


static void
fuzz_part(sio_str_t part, unsigned n)
{
    size_t              len, again;
    uint8_t            *bytes, *text;
    sio_jose_header_t   header;

    bytes = malloc(sio_base64_decoded_max(part.len) + 1);
    text = malloc(part.len + 4);
    check(bytes && text);

    if (sio_jose_decode(part, bytes, &len) == SIO_OK) {
        again = sio_base64url_encode(text, bytes, len);
        check(sio_str_eq(sio_str(text, again), part));

        if (n == 0
            && sio_jose_header(&fuzz_mem, sio_str(bytes, len), &header)
               == SIO_OK)
        {
            check(header.alg.data >= bytes
                  && header.alg.data + header.alg.len <= bytes + len);
        }

        if (n == 1) {
            fuzz_claims(sio_str(bytes, len));
        }
    }

    free(bytes);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned            i;
    uint8_t            *copy;
    sio_jose_t          jose;
    sio_jose_header_t   header;

    copy = fuzz_copy(data, size);

    /* the texts themselves, which base64 hides from the fuzzer */

    (void) sio_jose_header(&fuzz_mem, sio_str(copy, size), &header);
    fuzz_claims(sio_str(copy, size));

    if (sio_jose_split(sio_str(copy, size), &jose) == SIO_OK) {
        check(jose.nparts == SIO_JOSE_JWS_PARTS
              || jose.nparts == SIO_JOSE_JWE_PARTS);
        check(jose.input.len > jose.part[0].len);

        for (i = 0; i < jose.nparts; i++) {
            fuzz_part(jose.part[i], i);
        }
    }

    free(copy);

    return 0;
}
