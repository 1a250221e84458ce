/*
 * Base64: whatever decodes must encode to the same text again, padding aside;
 * whatever is encoded must decode.  Both alphabets, also in place.
 */


#include "fuzz.h"
#include "codec/sio_base64.h"


typedef int (*decode_pt)(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len);
typedef size_t (*encode_pt)(uint8_t *dst, const uint8_t *src, size_t len);


static void round_trip(decode_pt decode, encode_pt encode,
    const uint8_t *data, size_t size);
static size_t unpadded(const uint8_t *text, size_t len);


static void
round_trip(decode_pt decode, encode_pt encode, const uint8_t *data,
    size_t size)
{
    int       rc;
    size_t    len, again, text_len;
    uint8_t  *out, *text, *copy;

    /* decode, then encode */

    out = malloc(sio_base64_decoded_max(size) + 1);
    copy = malloc(size + 1);
    check(out && copy);

    memcpy(copy, data, size);

    len = 0;
    rc = decode(out, &len, data, size);
    check(decode(copy, &again, copy, size) == rc);

    if (rc == SIO_OK) {
        check(len <= sio_base64_decoded_max(size));
        check(again == len && memcmp(copy, out, len) == 0);

        text = malloc(sio_base64_encoded_len(len) + 1);
        check(text != NULL);

        text_len = encode(text, out, len);
        check(unpadded(text, text_len) == unpadded(data, size));
        check(memcmp(text, data, unpadded(data, size)) == 0);

        free(text);
    }

    free(out);
    free(copy);

    /* encode, then decode */

    text = malloc(sio_base64_encoded_len(size) + 1);
    check(text != NULL);

    text_len = encode(text, data, size);
    check(text_len <= sio_base64_encoded_len(size));

    check(decode(text, &len, text, text_len) == SIO_OK);
    check(len == size && memcmp(text, data, size) == 0);

    free(text);
}


static size_t
unpadded(const uint8_t *text, size_t len)
{
    while (len && text[len - 1] == '=') {
        len--;
    }

    return len;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    round_trip(sio_base64_decode, sio_base64_encode, data, size);
    round_trip(sio_base64url_decode, sio_base64url_encode, data, size);

    return 0;
}
