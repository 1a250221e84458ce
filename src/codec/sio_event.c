/*
 * Events cut into name and arguments.
 *
 * The text has been validated: all there is to find are the commas between
 * the elements, which the iterator of arrays does.
 */


#include "codec/sio_event.h"
#include "codec/sio_writer.h"


static sio_str_t sio_event_trim(const uint8_t *p, const uint8_t *end);


void
sio_event_parse(sio_str_t data, sio_event_t *event)
{
    event->args = sio_event_args(data);
    event->name = sio_str(data.data, 0);

    (void) sio_event_shift(&event->args, &event->name);
}


sio_str_t
sio_event_args(sio_str_t array)
{
    if (array.len < 2) {
        return sio_str(array.data, 0);
    }

    return sio_event_trim(array.data + 1, array.data + array.len - 1);
}


int
sio_event_shift(sio_str_t *args, sio_str_t *value)
{
    sio_json_iter_t  it;

    if (args->len == 0) {
        return SIO_DONE;
    }

    /* an iterator that has passed the opening bracket */

    it.pos = args->data;
    it.end = args->data + args->len;

    if (sio_json_array_next(&it, value) != SIO_OK) {
        return SIO_DONE;
    }

    *args = sio_event_trim(it.pos, it.end);

    return SIO_OK;
}


static sio_str_t
sio_event_trim(const uint8_t *p, const uint8_t *end)
{
    p = sio_json_space(p, end);

    while (p < end && sio_json_is_space(end[-1])) {
        end--;
    }

    return sio_str(p, end - p);
}


int
sio_event_arg(const sio_event_t *event, unsigned n, sio_str_t *value)
{
    sio_str_t  args;

    args = event->args;

    do {
        if (sio_event_shift(&args, value) != SIO_OK) {
            return SIO_DECLINED;
        }

    } while (n--);

    return SIO_OK;
}


int
sio_event_encode(sio_buf_t *buf, sio_str_t name, sio_str_t args)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "[");
    sio_writer_check(&w, sio_json_quote(buf, name));
    sio_writer_put_text(&w, args.len ? "," : "");
    sio_writer_put_str(&w, args);
    sio_writer_put_text(&w, "]");

    return sio_writer_end(&w);
}
