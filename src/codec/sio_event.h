/*
 * The payload of an EVENT: ["name", arg, ...], cut into its arguments.
 *
 * A list of arguments is the text between the brackets of a JSON array: it
 * can be sent on behind another name, or as an ack, without being parsed.
 */


#ifndef _SIO_EVENT_H_INCLUDED_
#define _SIO_EVENT_H_INCLUDED_


#include "codec/sio_buf.h"
#include "codec/sio_json.h"


typedef struct {
    sio_str_t  name;         /* JSON text: a string with quotes, or a number */
    sio_str_t  args;         /* the text behind the name's comma: "a,b", or
                                empty; no brackets */
} sio_event_t;


#pragma GCC visibility push(hidden)


/*
 * data: an event payload that sio_packet_decode() accepted.  The slices are
 * views of it, without white space around them.
 */
void sio_event_parse(sio_str_t data, sio_event_t *event);

/* The list of arguments in a valid array, such as an ack's: a view. */

sio_str_t sio_event_args(sio_str_t array);

/* Cut the first value off a list: SIO_OK, or SIO_DONE, the list is empty. */

int sio_event_shift(sio_str_t *args, sio_str_t *value);

/* Argument n (0 is the first after the name): SIO_OK or SIO_DECLINED. */

int sio_event_arg(const sio_event_t *event, unsigned n, sio_str_t *value);

/*
 * Append ["name",args]: name unescaped bytes, args as in sio_event_t.
 * Results as sio_buf_append(); on failure buf is as it was.
 */
int sio_event_encode(sio_buf_t *buf, sio_str_t name, sio_str_t args);


#pragma GCC visibility pop


#endif /* _SIO_EVENT_H_INCLUDED_ */
