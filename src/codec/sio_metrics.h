/*
 * Metrics: numbers of a JSON object in Prometheus' text format, so that what
 * is told as JSON is told here as well, under the same names.
 *
 *     {"a": {"b": 1}}  ->  # TYPE socketio_a_b_total counter
 *                          socketio_a_b_total{app="campus"} 1
 *
 * Prometheus, "Exposition formats": text format, version 0.0.4.
 */


#ifndef _SIO_METRICS_H_INCLUDED_
#define _SIO_METRICS_H_INCLUDED_


#include "codec/sio_buf.h"


#pragma GCC visibility push(hidden)


/*
 * Append a label: name="value", the value escaped; with a comma, unless buf is
 * empty.  Results as sio_buf_append(), so do the functions below.
 */
int sio_metrics_label(sio_buf_t *buf, const char *name, sio_str_t value);

/*
 * Append the integers of an object, and of the objects in it; true is 1, false
 * 0, all else is left out.  The object is valid, its names are those of
 * metrics.
 *
 * name: what the names begin with.  gauges: the names of those that are no
 * counters, NULL behind the last; NULL: all of them are gauges.
 */
int sio_metrics_object(sio_buf_t *buf, sio_str_t name, sio_str_t labels,
    const char *const *gauges, sio_str_t object);

/*
 * Append gauges of an object of objects, {"/": {"sockets": 1}, ...}: of each
 * name in the first one, all members, with their own names as a label.
 */
int sio_metrics_each(sio_buf_t *buf, sio_str_t name, sio_str_t labels,
    const char *label, sio_str_t object);


#pragma GCC visibility pop


#endif /* _SIO_METRICS_H_INCLUDED_ */
