/*
 * What a CONNECT payload asks to recover: what passes is as the header says,
 * and an offset that was read is written the same.
 */


#include "fuzz.h"
#include "codec/sio_json.h"
#include "codec/sio_offset.h"


static const sio_json_limits_t  limits = { 32, 10000 };


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           len;
    uint8_t          text[SIO_OFFSET_LEN], tail[SIO_OFFSET_TAIL_LEN];
    uint64_t         n;
    sio_offset_t     offset, again;
    sio_str_t        payload, pid;
    sio_json_info_t  info;

    if (sio_offset_decode(sio_str(data, size), &n) == SIO_OK) {
        check(size == SIO_OFFSET_LEN && n <= SIO_OFFSET_MAX);
        sio_offset_encode(text, n);
        check(memcmp(text, data, size) == 0);
    }

    payload = sio_str(data, size);

    if (size
        && (sio_json_validate(payload, &limits, &info, &payload) != SIO_OK
            || sio_json_type(payload) != SIO_JSON_OBJECT))
    {
        return 0;
    }

    if (sio_offset_asked(payload, &pid, &offset) == SIO_OK) {
        check(pid.len == SIO_PID_LEN);
        check(pid.data > payload.data
              && pid.data + pid.len < payload.data + payload.len);
        len = sio_offset_tail(tail, &offset);
        check(len <= sizeof(tail));

        /* ,"OFFSET"] */

        if (sio_stream_id_is_none(&offset.id)) {
            check(sio_offset_decode(sio_str(tail + 2, len - 4), &n) == SIO_OK
                  && n == offset.number);

        } else {
            check(sio_stream_id_read(sio_str(tail + 2, len - 4), &again.id,
                                     &again.number)
                  == SIO_OK
                  && sio_stream_id_cmp(&again.id, &offset.id) == 0
                  && again.number == offset.number);
        }
    }

    return 0;
}
