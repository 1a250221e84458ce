/*
 * What compiling a rule needs everywhere: errors, hints, memory.
 */


#include <stdarg.h>
#include <stdio.h>

#include "logic/sio_rule.h"


#define SIO_HINT_NAME_MAX  31            /* longer names get no hint */


static unsigned sio_hint_distance(sio_str_t a, sio_str_t b);
static uint8_t sio_hint_lower(uint8_t ch);


int
sio_compile_error(sio_compile_t *c, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(c->error, sizeof(c->error), fmt, args);
    va_end(args);

    return SIO_ERROR;
}


int
sio_compile_once(sio_compile_t *c, const sio_str_t *args, unsigned n)
{
    unsigned        i;
    sio_str_t       name;
    const uint8_t  *p;

    name = args[n];
    p = name.len ? memchr(name.data, '=', name.len) : NULL;

    if (p) {
        name.len = p - name.data;
    }

    for (i = 2; i < n; i++) {

        if (args[i].len >= name.len
            && memcmp(args[i].data, name.data, name.len) == 0
            && (args[i].len == name.len || args[i].data[name.len] == '='))
        {
            return sio_compile_error(c, "\"%.*s\" stands there twice",
                                     sio_shown(name));
        }
    }

    return SIO_OK;
}


const char *
sio_compile_where(sio_compile_t *c)
{
    switch (c->source) {

    case SIO_SOURCE_CONNECT:
        return "\"on connect\"";

    case SIO_SOURCE_DISCONNECT:
        return "\"on disconnect\"";

    case SIO_SOURCE_ONLINE:
        return "\"on online\": it has no socket";

    case SIO_SOURCE_OFFLINE:
        return "\"on offline\": it has no socket";

    case SIO_SOURCE_SERVER:
        return "\"on server:\": it has no socket";

    case SIO_SOURCE_API:
        return "an \"api\" rule: it has no socket";

    default:
        return "this rule";
    }
}


void *
sio_compile_alloc(sio_compile_t *c, size_t size)
{
    return sio_calloc(c->mem, size ? size : 1);
}


int
sio_compile_copy(sio_compile_t *c, sio_str_t *to, sio_str_t from)
{
    uint8_t  *p;

    p = sio_alloc(c->mem, from.len ? from.len : 1);
    if (p == NULL) {
        return SIO_NOMEM;
    }

    if (from.len) {
        memcpy(p, from.data, from.len);
    }

    *to = sio_str(p, from.len);

    return SIO_OK;
}


void
sio_hint_init(sio_hint_t *hint, sio_str_t token)
{
    memset(hint, 0, sizeof(sio_hint_t));

    hint->token = token;

    /* one slip in a short name, two in a long one */

    hint->distance = token.len < 6 ? 2 : 3;
}


void
sio_hint_try(sio_hint_t *hint, sio_str_t name)
{
    unsigned  distance;

    distance = sio_hint_distance(hint->token, name);

    if (distance < hint->distance) {
        hint->distance = distance;
        hint->best = name;
    }
}


const void *
sio_hint_find(sio_hint_t *hint, const void *table, size_t size)
{
    const uint8_t    *row;
    const sio_str_t  *name;

    for (row = table; (name = (const void *) row)->len; row += size) {

        if (sio_str_eq(*name, hint->token)) {
            return row;
        }

        sio_hint_try(hint, *name);
    }

    return NULL;
}


const char *
sio_hint_text(sio_hint_t *hint)
{
    if (hint->best.len) {
        (void) snprintf(hint->text, sizeof(hint->text),
                        ", did you mean \"%.*s\"?", sio_shown(hint->best));
    }

    return hint->text;
}


/* Insertions, deletions, replacements, and swapped neighbours. */

static unsigned
sio_hint_distance(sio_str_t a, sio_str_t b)
{
    uint8_t   rows[3][SIO_HINT_NAME_MAX + 1], *row, *last, *before;
    unsigned  i, j, n;

    if (a.len > SIO_HINT_NAME_MAX || b.len > SIO_HINT_NAME_MAX) {
        return SIO_HINT_NAME_MAX;
    }

    for (j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }

    for (i = 1; i <= a.len; i++) {
        row = rows[i % 3];
        last = rows[(i + 2) % 3];
        before = rows[(i + 1) % 3];

        row[0] = i;

        for (j = 1; j <= b.len; j++) {
            n = last[j - 1] + (sio_hint_lower(a.data[i - 1])
                               != sio_hint_lower(b.data[j - 1]));

            n = row[j - 1] + 1u < n ? row[j - 1] + 1u : n;
            n = last[j] + 1u < n ? last[j] + 1u : n;

            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2]
                && a.data[i - 2] == b.data[j - 1] && before[j - 2] + 1u < n)
            {
                n = before[j - 2] + 1u;
            }

            row[j] = n;
        }
    }

    return rows[a.len % 3][b.len];
}


static uint8_t
sio_hint_lower(uint8_t ch)
{
    return ch >= 'A' && ch <= 'Z' ? ch | 0x20 : ch;
}
