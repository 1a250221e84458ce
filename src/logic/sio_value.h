/*
 * Values of the rule language, compiled from their text.
 *
 *     $.a.b[0]  $[1].x  $data  $args  $user  $claim.name  $auth.name
 *     $socket  $socket.NAME  $event  $namespace  $transport  $reason
 *     $now  $now_ms  $uuid  $1  $capture  $any_nginx_variable
 *
 * and literals, and text mixed with values ("group:$.id").  A value is asked
 * for as JSON text (a slice where it can be one, else built in the run's
 * scratch) or as plain bytes.
 *
 * "[*]" in a path stands for all elements of an array.  Such a value is an
 * array of what the path finds in each; where a verb walks over it
 * (sio_walk_t), it is one element after the other.  It is refused where
 * nobody has asked for it (sio_compile_t.each).
 *
 * A kind of value is a row of a table: its name, in which rules it exists,
 * and the function that gets it.  A kind added later is a row of another
 * table (sio_compile_t.kinds) in its own file.
 */


#ifndef _SIO_VALUE_H_INCLUDED_
#define _SIO_VALUE_H_INCLUDED_


#include "codec/sio_binary.h"
#include "codec/sio_json.h"
#include "codec/sio_template.h"


typedef struct sio_run_s      sio_run_t;
typedef struct sio_compile_s  sio_compile_t;
typedef struct sio_value_s    sio_value_t;
typedef struct sio_text_s     sio_text_t;


/*
 * Get a value, behind its path: JSON text, or bytes if value->plain is set.
 * out->data NULL: it is missing.  SIO_OK, SIO_NOMEM, SIO_DECLINED (bounds).
 */
typedef int (*sio_value_pt)(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);


struct sio_value_s {
    sio_value_pt      get;
    sio_json_step_t  *steps;               /* behind the root */
    unsigned          nsteps;
    unsigned          index;               /* argument, capture, variable */
    sio_str_t         token;               /* as in the configuration */
    sio_str_t         name;                /* of $socket.NAME; a literal's
                                              bytes */
    sio_str_t         json;                /* a literal's JSON text */
    sio_text_t       *text;                /* text mixed with values */
    void             *data;                /* of kinds in other files */
    sio_value_pt      list;                /* of [*]: gets the array, */
    sio_json_step_t  *tail;                /* and the path behind it */
    unsigned          ntail;
    unsigned          literal:1;
    unsigned          plain:1;             /* get gives bytes, not JSON */
    unsigned          each:1;              /* it has a [*] */
};


/* A row of a table of kinds; the last one has an empty name. */

typedef struct {
    sio_str_t     name;                    /* behind the "$" */
    unsigned      sources;                 /* rules that have it: a mask */
    unsigned      path:1;                  /* members may follow */
    unsigned      plain:1;
    sio_value_pt  get;

    /* Complete value, whose fields above are set.  May be NULL. */
    int         (*compile)(sio_compile_t *c, sio_value_t *value);
} sio_value_kind_t;


/* A template with the values of its references, in the parts' order. */

struct sio_text_s {
    sio_template_t    template;
    sio_value_t      *values;              /* one per part */
    sio_value_t      *each;                /* of a plain one, the [*] in it */
    sio_str_t         token;               /* as in the configuration */
    unsigned          args:1;              /* it is $args alone: spread */
};


#define SIO_WALK_SEEN  4                   /* values of one name, and more */


/* What another value was found to be: the same for all elements. */

typedef struct {
    const sio_value_t  *value;
    sio_str_t           json;
} sio_walk_seen_t;


/* A walk over the elements of a value with [*]. */

typedef struct {
    const sio_value_t  *value;
    sio_json_iter_t     it;
    sio_str_t           element;           /* behind the path; may be empty */
    sio_walk_seen_t     seen[SIO_WALK_SEEN];
    unsigned            nseen;
} sio_walk_t;


#pragma GCC visibility push(hidden)


/* The kinds of this floor. */

extern const sio_value_kind_t  sio_value_kinds[];

/*
 * Compile one token: a reference ("$..."), or else a literal, whose JSON form
 * is a number, true, false or null if the token is one, and a string if not.
 * Text with references in it is a string.
 *
 * SIO_OK, SIO_NOMEM, SIO_ERROR (the message is in c->error)
 */
int sio_value_compile(sio_compile_t *c, sio_value_t *value, sio_str_t token);

/* Compile a reference, as sio_template_ref_len() has it. */

int sio_value_compile_ref(sio_compile_t *c, sio_value_t *value,
    sio_str_t ref);

/* Whether name is that of a kind of value ("user"). */

int sio_value_builtin(sio_compile_t *c, sio_str_t name);

/* Compile a JSON template, or a plain one (room names, messages). */

int sio_text_compile(sio_compile_t *c, sio_text_t *text, sio_str_t token);
int sio_text_compile_plain(sio_compile_t *c, sio_text_t *text,
    sio_str_t token);

/* Whether a plain template has no references; *literal: its bytes. */

int sio_text_literal(const sio_text_t *text, sio_str_t *literal);

/*
 * Evaluate.  The slice is valid while the run's scratch is not reset.
 * *json empty: missing.  SIO_OK, SIO_NOMEM, SIO_DECLINED (bounds).
 */
int sio_value_json(sio_run_t *run, const sio_value_t *value,
    sio_str_t *json);

/*
 * The same as plain bytes: a string unescaped, a number's or a boolean's
 * text.
 *
 * SIO_OK
 * SIO_DONE      missing or null
 * SIO_ERROR     an array or an object
 * SIO_NOMEM, SIO_DECLINED (bounds)
 */
int sio_value_bytes(sio_run_t *run, const sio_value_t *value,
    sio_str_t *bytes);

/*
 * What has to be walked over to evaluate value: itself or the value with [*]
 * in its text, or NULL.
 */
const sio_value_t *sio_value_each(const sio_value_t *value);

/* For the compiler of values: value, whose path was cut at its [*]. */

void sio_value_each_compile(sio_value_t *value);

/*
 * Walk over the elements of a value with [*].  Between next and next, or end,
 * that value is the element, for whoever evaluates it: one walk at a time.
 *
 * begin: SIO_OK, SIO_DONE: there is nothing (missing or null), SIO_ERROR: it
 * is no array, SIO_NOMEM, SIO_DECLINED
 * next: SIO_OK, or SIO_DONE: no more, the walk has ended
 */
int sio_walk_begin(sio_run_t *run, sio_walk_t *walk,
    const sio_value_t *value);
int sio_walk_next(sio_run_t *run, sio_walk_t *walk);
void sio_walk_end(sio_run_t *run);

/*
 * For what looks a value up in a text of the client: it is found once in a
 * walk, and not once for each element, or a text of a million bytes would be
 * read a hundred thousand times.
 *
 * recall: SIO_OK, json is what was noted; SIO_DECLINED: look it up
 */
int sio_walk_recall(sio_run_t *run, const sio_value_t *value,
    sio_str_t *json);
void sio_walk_note(sio_run_t *run, const sio_value_t *value, sio_str_t json);

/* The bytes of a JSON string: a slice of it, or in the run's scratch. */

int sio_value_unescape(sio_run_t *run, sio_str_t string, sio_str_t *bytes);

/*
 * Render a JSON template behind what buf holds; attachments met are added to
 * to (see sio_binary_renumber()).  A missing value is null, and nothing inside
 * a string.  If the template is $args alone, the arguments are appended,
 * joined by commas: maybe nothing.
 *
 * SIO_OK
 * SIO_ERROR     the text holds a placeholder that stands for nothing: the
 *               name of a member was built from a value
 * SIO_NOMEM, SIO_DECLINED (bounds; too many attachments)
 */
int sio_text_render(sio_run_t *run, const sio_text_t *text, sio_buf_t *buf,
    sio_binary_t *to);

/*
 * Render a plain template of a name.  A missing value, or one that is neither
 * a string nor an integer, is SIO_ERROR, and *culprit that value's token.
 */
int sio_text_render_name(sio_run_t *run, const sio_text_t *text,
    sio_str_t *bytes, sio_str_t *culprit);

/* Render a plain template of a message: any value will do. */

int sio_text_render_plain(sio_run_t *run, const sio_text_t *text,
    sio_str_t *bytes);


#pragma GCC visibility pop


#endif /* _SIO_VALUE_H_INCLUDED_ */
