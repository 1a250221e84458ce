/*
 * The bodies of the HTTP API: one JSON object or an array of them, strict.
 *
 * Which keys an object may have is a table; an unknown key, a key given twice
 * or a wrong type is refused with the path of the offender ("[3].to[0]").
 * Each call has its own table, and its own file: sio_emit, sio_operation.
 *
 * An object is read in two steps: its members are sorted by key, then each
 * key that is there is checked by its own function, in the order of the
 * table.  Slices of the reader's own memory are handed out while it is being
 * filled, so a first pass over the body measures how much is needed: nothing
 * moves afterwards.
 */


#ifndef _SIO_BODY_H_INCLUDED_
#define _SIO_BODY_H_INCLUDED_


#include "codec/sio_buf.h"
#include "codec/sio_json.h"
#include "codec/sio_name.h"


#define SIO_BODY_NAMES_MAX  1000     /* of one object, all its lists */
#define SIO_BODY_PATH_MAX   64
#define SIO_BODY_KEYS_MAX   16


typedef struct sio_body_s  sio_body_t;


/*
 * Checks the value of a key, body->value[key], and fills object: SIO_OK, or
 * SIO_ERROR by way of sio_body_fail(), or SIO_NOMEM.
 */
typedef int (*sio_body_key_pt)(sio_body_t *body, unsigned key, void *object);


/* What a key's value is kept as: whether memory is to be had for it. */

typedef enum {
    SIO_BODY_VALUE = 0,              /* not at all, or as a slice */
    SIO_BODY_STRING,                 /* sio_body_string() */
    SIO_BODY_NAMES                   /* sio_body_names() */
} sio_body_kept_e;


/* A row of a table of keys; the last one has an empty name. */

typedef struct {
    sio_str_t        name;
    sio_body_kept_e  kept;
    sio_body_key_pt  parse;
    size_t           offset;         /* in the object, of what is set by */
    size_t           max;            /* functions of this file; bytes */
} sio_body_key_t;


struct sio_body_s {
    const sio_mem_t          *mem;
    const sio_json_limits_t  *limits;
    const sio_body_key_t     *keys;
    sio_json_iter_t           objects;
    sio_str_t                 object;    /* the only one */
    sio_buf_t                 text;      /* unescaped strings */
    sio_str_t                *names;     /* of all objects */
    sio_str_t                *name;      /* the next free one */
    unsigned                  nnames;    /* of this object */
    unsigned                  n;         /* objects */
    unsigned                  next;      /* of them */
    unsigned                  placeholders;
    sio_str_t                 value[SIO_BODY_KEYS_MAX];
    unsigned                  batch:1;   /* the body was an array */
    unsigned                  sorted:1;  /* value is of the last one looked
                                            at */

    char                      path[SIO_BODY_PATH_MAX];   /* of the offender,
                                             after SIO_ERROR; may be "" */
    const char               *error;     /* static text */
};


#pragma GCC visibility push(hidden)


void sio_body_init(sio_body_t *body, const sio_mem_t *mem);
void sio_body_free(sio_body_t *body);

/*
 * Begin: text is validated and body->n objects, 1 to max, are found in it.
 * What is filled from now on is valid until the next begin or free, and as
 * long as text is.  keys has at most SIO_BODY_KEYS_MAX rows.
 *
 * SIO_OK
 * SIO_ERROR  body->error and body->path
 * SIO_NOMEM
 */
int sio_body_begin(sio_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits, const sio_body_key_t *keys,
    unsigned max);

/*
 * Read the next object; called body->n times.  Afterwards body->value has
 * its members by key, empty slices for those that are missing.  Results as
 * above.
 */
int sio_body_next(sio_body_t *body, void *object);

/*
 * A member is wrong: writes the path, and returns SIO_ERROR.  element: of a
 * list, or -1.  error is static text.
 */
int sio_body_fail(sio_body_t *body, unsigned key, int element,
    const char *error);

/*
 * What rows may say: a string of 1 to max bytes, unescaped (to a sio_str_t); a
 * namespace, "/..." (the same); true or false (to an unsigned).
 */
int sio_body_text(sio_body_t *body, unsigned key, void *object);
int sio_body_namespace(sio_body_t *body, unsigned key, void *object);
int sio_body_flag(sio_body_t *body, unsigned key, void *object);

/* What values are; each fails as sio_body_fail() does. */

int sio_body_string(sio_body_t *body, unsigned key, size_t max, sio_str_t *s);

/*
 * A name of a room, or a non-empty (unless empty is set) array of them, each
 * a string or an integer, behind a prefix.  They are added at body->name, so
 * that two keys that follow each other in the table make one list; *n counts
 * them.  check (may be NULL) returns why a name will not do, or NULL.
 */

typedef const char *(*sio_body_check_pt)(sio_str_t name);

int sio_body_names(sio_body_t *body, unsigned key, const char *prefix,
    int empty, sio_body_check_pt check, unsigned *n);

/* No room of a user or a socket: nobody joins those by their names. */

const char *sio_body_room(sio_str_t name);


#pragma GCC visibility pop


#endif /* _SIO_BODY_H_INCLUDED_ */
