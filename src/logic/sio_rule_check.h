/*
 * Conditions: what check demands, and when asks.
 *
 *     VALUE = VALUE    VALUE != VALUE    VALUE ~ REGEX    VALUE !~ REGEX
 *     in ROOM    online USER
 *
 * With "[*]" on the left it has to hold for each element: for an empty array
 * it does, for what is no array it does not.
 *
 * The forms that begin with a word are rows of a table, as verbs are; one
 * added later (sql) is a row of another table in its own file.
 */


#ifndef _SIO_RULE_CHECK_H_INCLUDED_
#define _SIO_RULE_CHECK_H_INCLUDED_


#include "logic/sio_rule.h"


typedef struct sio_condition_s  sio_condition_t;

struct sio_condition_s {
    /*
     * SIO_OK it holds, SIO_DECLINED it does not, SIO_ERROR with run->code set
     * if that can't be said, SIO_AGAIN.
     */
    int         (*test)(sio_run_t *run, const sio_condition_t *cond);

    sio_value_t   left;
    sio_value_t   right;
    void         *regex;
    sio_text_t    room;              /* or a user */
    void         *data;              /* of kinds in other files */
    const sio_value_t  *each;        /* [*]: the test must hold for all */
    unsigned      negate:1;
};


/* args[0] is the word; fills cond. */

struct sio_condition_kind_s {
    sio_str_t     name;
    unsigned      min;               /* arguments, without the word */
    unsigned      max;
    unsigned      sources;
    int         (*compile)(sio_compile_t *c, sio_condition_t *cond,
                           const sio_str_t *args, unsigned nargs);
};


#pragma GCC visibility push(hidden)


/* The kinds of this floor; the last row has an empty name. */

extern const sio_condition_kind_t  sio_condition_kinds[];

/* args: the condition alone.  SIO_OK, SIO_NOMEM, SIO_ERROR. */

int sio_condition_compile(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs);

/* SIO_OK it holds, SIO_DECLINED, SIO_ERROR, SIO_AGAIN: as cond->test. */

int sio_condition_test(sio_run_t *run, const sio_condition_t *cond);

/* The verbs of this noun. */

int sio_rule_check(sio_compile_t *c, const sio_str_t *args, unsigned nargs);
int sio_rule_expect(sio_compile_t *c, const sio_str_t *args, unsigned nargs);

/*
 * Whether a value is what a literal says: a string by its bytes, a number by
 * value, true and false by their names.  null and missing equal no literal.
 */
int sio_value_is(sio_str_t json, const sio_value_t *literal);


#pragma GCC visibility pop


#endif /* _SIO_RULE_CHECK_H_INCLUDED_ */
