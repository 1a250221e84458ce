/*
 * Templates: JSON text with references, cut into parts at configuration time.
 *
 *     {"id": $.postId, "title": "$.name posted", "at": $now}
 *
 * A bare reference becomes a JSON value; one inside a string is escaped into
 * it.  The structure is fixed when the template is parsed: no data can change
 * it.  "$$" inside a string is a dollar sign; one that neither doubles nor
 * begins a reference is an error.  What a reference means is not known here:
 * each is handed out as its text, to be compiled by the caller, who is asked
 * for its value when the template is rendered.
 *
 * A second form, the plain template, is text with references (room names,
 * messages): it is not JSON, nothing is escaped.  "$$" is a dollar sign there
 * too.
 */


#ifndef _SIO_TEMPLATE_H_INCLUDED_
#define _SIO_TEMPLATE_H_INCLUDED_


#include "codec/sio_buf.h"


typedef enum {
    SIO_TEMPLATE_LITERAL = 1,    /* bytes as they stand */
    SIO_TEMPLATE_JSON,           /* a reference where a JSON value stands */
    SIO_TEMPLATE_STRING,         /* a reference inside a JSON string */
    SIO_TEMPLATE_PLAIN           /* a reference in a plain template */
} sio_template_e;


typedef struct {
    sio_template_e  type;
    sio_str_t       text;        /* the literal, or the reference: with its
                                    $, without braces ("$.a" for "${.a}") */
} sio_template_part_t;


typedef struct {
    sio_template_part_t  *parts;
    unsigned              nparts;
    unsigned              nrefs;
    unsigned              key_refs;  /* references inside members' names */
} sio_template_t;


typedef struct {
    const char  *error;          /* static text */
    size_t       offset;         /* in the template's text */
} sio_template_error_t;


/*
 * Append the value of part number n (t->parts[n]) to buf, in the form that
 * part->type asks for: JSON text, the inside of a JSON string, or plain bytes.
 *
 * SIO_OK; anything else ends the rendering with that result.
 */
typedef int (*sio_template_value_pt)(void *ctx, unsigned n,
    const sio_template_part_t *part, sio_buf_t *buf);


#pragma GCC visibility push(hidden)


/*
 * Length of the reference at the start of text ('$' first), 0 if none begins
 * there.  Grammar: "$" then  NAME | "." PATH | "[" INDEX "]" PATH?  where
 * PATH is members (.name) and indexes ([0], [*]).  NAME is [A-Za-z_]\w* or
 * digits, and may be followed by PATH; a member's name is as NAME, but no
 * digits.  So "$.a.b[0]", "$[1].x", "$user", "$claim.role", "$1", "$data".  A
 * dot that no name follows, or a bracket that no index and bracket follow, is
 * text.  "${NAME}" and "${.a.b}" delimit a reference from the text behind it.
 */
size_t sio_template_ref_len(sio_str_t text);

/*
 * Parse a JSON template.  It is valid if it is JSON with a value in the place
 * of each bare reference, and text in the place of each one in a string: so
 * no bare reference stands where a member's name does.  The member name
 * "_placeholder" is refused, because with a reference for its value data could
 * forge an attachment.  A name with references in it (key_refs) may still
 * become that: where the rendered text travels with attachments, the caller
 * has to validate it then.
 *
 * Literal parts have superfluous white space removed, so that what is sent is
 * compact.  The parts and their texts are owned by the template, in one
 * allocation from mem; text is not referred to.
 *
 * SIO_OK, SIO_NOMEM, or SIO_ERROR: err says what and where.
 */
int sio_template_parse_json(sio_template_t *t, const sio_mem_t *mem,
    sio_str_t text, sio_template_error_t *err);

/* Parse a plain template.  The same results. */

int sio_template_parse_plain(sio_template_t *t, const sio_mem_t *mem,
    sio_str_t text, sio_template_error_t *err);

void sio_template_free(sio_template_t *t, const sio_mem_t *mem);

/*
 * Append the rendered text.  SIO_OK, the buffer's results, or what value
 * returned.  On failure the buffer is cut back to what it was.
 */
int sio_template_render(const sio_template_t *t, sio_template_value_pt value,
    void *ctx, sio_buf_t *buf);


#pragma GCC visibility pop


#endif /* _SIO_TEMPLATE_H_INCLUDED_ */
