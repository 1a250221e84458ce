/*
 * The record that workers exchange: a type byte and a version byte, then
 * fields in a fixed order per type.
 *
 * Integers are little endian; strings carry a 32-bit length.  Both ends run
 * the same host, but not always the same build (reload with a new module is
 * not possible, a binary upgrade shares no memory): the version guards a
 * record kept over time, and the reader checks every bound all the same, so
 * that a damaged record is dropped and harms nobody.
 *
 * The reader is sticky: after the first field that does not fit, r->error is
 * set and every further get returns zero or an empty string.  Check once, at
 * the end, with sio_wire_done().
 */


#ifndef _SIO_WIRE_H_INCLUDED_
#define _SIO_WIRE_H_INCLUDED_


#include "codec/sio_writer.h"


#define SIO_WIRE_VERSION  2


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
    int             error;
} sio_wire_t;


#pragma GCC visibility push(hidden)


/*
 * Write a record into buf; sio_wire_end() is sio_writer_end().  Fields that
 * are no record of their own are put behind a sio_writer_begin().
 */

typedef sio_writer_t  sio_wire_writer_t;

void sio_wire_begin(sio_wire_writer_t *w, sio_buf_t *buf, uint8_t type);
void sio_wire_put_u8(sio_wire_writer_t *w, uint8_t n);
void sio_wire_put_u32(sio_wire_writer_t *w, uint32_t n);
void sio_wire_put_u64(sio_wire_writer_t *w, uint64_t n);
void sio_wire_put_str(sio_wire_writer_t *w, sio_str_t s);

static inline int
sio_wire_end(sio_wire_writer_t *w)
{
    return sio_writer_end(w);
}


/*
 * Open a record: *type is filled.  SIO_ERROR: too short or another version.
 */
int sio_wire_open(sio_wire_t *r, const uint8_t *data, size_t len,
    uint8_t *type);

/* Fields without a type and a version before them. */

void sio_wire_fields(sio_wire_t *r, sio_str_t fields);
uint8_t sio_wire_get_u8(sio_wire_t *r);
uint32_t sio_wire_get_u32(sio_wire_t *r);
uint64_t sio_wire_get_u64(sio_wire_t *r);

/* A view into the record. */

sio_str_t sio_wire_get_str(sio_wire_t *r);

/* SIO_OK if every field fitted and no byte is left, else SIO_ERROR. */

int sio_wire_done(sio_wire_t *r);


#pragma GCC visibility pop


#endif /* _SIO_WIRE_H_INCLUDED_ */
