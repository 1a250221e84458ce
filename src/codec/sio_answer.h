/*
 * The answer of an application to an event that was forwarded to it: one JSON
 * object, as strict as a body of the HTTP API.
 */


#ifndef _SIO_ANSWER_H_INCLUDED_
#define _SIO_ANSWER_H_INCLUDED_


#include "codec/sio_body.h"
#include "codec/sio_emit.h"


#define SIO_ANSWER_EMITS_MAX  100
#define SIO_ANSWER_CODE_MAX   64         /* bytes */


/* All slices are views of the text, or of the reader's buffer. */

typedef struct {
    sio_str_t         ack;               /* JSON values joined by commas */
    sio_str_t         error;             /* a JSON object, or empty */
    sio_str_t         code;              /* of the error; may be empty */
    sio_str_t         message;           /* the same */
    sio_str_t         set;               /* a JSON object, or empty */
    const sio_str_t  *join;
    unsigned          njoin;
    const sio_str_t  *leave;
    unsigned          nleave;
    unsigned          acks:1;            /* an ack was given, maybe []: none */
    unsigned          disconnect;
} sio_answer_t;


typedef struct {
    sio_body_t       read;               /* path and error */
    sio_answer_t     answer;
    sio_emit_body_t  emit;               /* nemits may be 0 */
    char             path[sizeof("emit.") + SIO_BODY_PATH_MAX];
} sio_answer_body_t;


#pragma GCC visibility push(hidden)


/* nsp: where emits go that name no namespace; it must outlive the body. */

void sio_answer_init(sio_answer_body_t *body, const sio_mem_t *mem,
    sio_str_t nsp);
void sio_answer_free(sio_answer_body_t *body);

/*
 * Parse and check an answer.  What is filled is valid until the next parse or
 * sio_answer_free(), and as long as text is.
 *
 *     ack         array: the arguments of the ack
 *     error       object, with strings "code" (of up to SIO_ANSWER_CODE_MAX
 *                 bytes) and "message", and whatever else; without "ack"
 *     emit        an emit as sio_emit.h has it, or an array of up to
 *                 SIO_ANSWER_EMITS_MAX; without "ack" and "target"
 *     join        room or array of rooms, none of a user or a socket
 *     leave       the same
 *     set         object: values to be stored on the socket; null removes
 *     disconnect  boolean
 *
 * SIO_OK
 * SIO_ERROR  body->path and body->read.error say what is wrong
 * SIO_NOMEM
 */
int sio_answer_parse(sio_answer_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits);

/*
 * The error of an answer that says nothing but that: a JSON object as "error"
 * above.  SIO_OK: answer has error, code and message; SIO_DECLINED: it is
 * something else.  SIO_NOMEM.
 */
int sio_answer_error(sio_answer_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits);


#pragma GCC visibility pop


#endif /* _SIO_ANSWER_H_INCLUDED_ */
