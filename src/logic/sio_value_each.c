/*
 * Values with "[*]": all elements of an array, or one after the other.
 */


#include "logic/sio_rule.h"


static int sio_value_each_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_each_list(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_each_element(const sio_value_t *value,
    sio_json_iter_t *it, sio_str_t *element);


void
sio_value_each_compile(sio_value_t *value)
{
    value->list = value->get;
    value->get = sio_value_each_get;
}


const sio_value_t *
sio_value_each(const sio_value_t *value)
{
    if (value->each) {
        return value;
    }

    return value->text ? value->text->each : NULL;
}


static int
sio_value_each_get(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    if (run->walk && run->walk->value == value) {
        *out = run->walk->element;
        return SIO_OK;
    }

    return sio_value_each_list(run, value, out);
}


/* The array of what the path finds: null for an element that has none. */

static int
sio_value_each_list(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    int              rc;
    sio_buf_t        buf;
    sio_str_t        array, element;
    sio_writer_t     w;
    sio_json_iter_t  it;

    rc = value->list(run, value, &array);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_json_type(array) != SIO_JSON_ARRAY) {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    if (value->ntail == 0) {
        *out = array;
        return SIO_OK;
    }

    sio_scratch_buf(run->scratch, &buf);
    sio_json_array_iter(&it, array);

    sio_writer_begin(&w, &buf);
    sio_writer_put_text(&w, "[");

    while (sio_value_each_element(value, &it, &element) == SIO_OK) {
        sio_writer_put_text(&w, buf.len > 1 ? "," : "");
        sio_writer_put_str(&w, element.len ? element : sio_cstr("null"));
    }

    sio_writer_put_text(&w, "]");

    *out = sio_buf_str(&buf);

    return w.rc;
}


static int
sio_value_each_element(const sio_value_t *value, sio_json_iter_t *it,
    sio_str_t *element)
{
    sio_str_t  json;

    if (sio_json_array_next(it, &json) != SIO_OK) {
        return SIO_DONE;
    }

    if (sio_json_lookup(json, value->tail, value->ntail, element) != SIO_OK) {
        *element = sio_str(NULL, 0);
    }

    return SIO_OK;
}


int
sio_walk_begin(sio_run_t *run, sio_walk_t *walk, const sio_value_t *value)
{
    int        rc;
    sio_str_t  array;

    rc = value->list(run, value, &array);
    if (rc != SIO_OK) {
        return rc;
    }

    switch (sio_json_type(array)) {

    case SIO_JSON_ARRAY:
        walk->value = value;
        walk->nseen = 0;
        sio_json_array_iter(&walk->it, array);
        return SIO_OK;

    case SIO_JSON_NONE:
    case SIO_JSON_NULL:
        return SIO_DONE;

    default:
        return SIO_ERROR;
    }
}


int
sio_walk_next(sio_run_t *run, sio_walk_t *walk)
{
    if (sio_value_each_element(walk->value, &walk->it, &walk->element)
        != SIO_OK)
    {
        run->walk = NULL;
        return SIO_DONE;
    }

    run->walk = walk;

    return SIO_OK;
}


void
sio_walk_end(sio_run_t *run)
{
    run->walk = NULL;
}


int
sio_walk_recall(sio_run_t *run, const sio_value_t *value, sio_str_t *json)
{
    unsigned           n;
    const sio_walk_t  *walk;

    walk = run->walk;

    for (n = 0; walk && n < walk->nseen; n++) {

        if (walk->seen[n].value == value) {
            *json = walk->seen[n].json;
            return SIO_OK;
        }
    }

    return SIO_DECLINED;
}


void
sio_walk_note(sio_run_t *run, const sio_value_t *value, sio_str_t json)
{
    sio_walk_t  *walk;

    walk = run->walk;

    if (walk && walk->nseen < SIO_WALK_SEEN) {
        walk->seen[walk->nseen].value = value;
        walk->seen[walk->nseen].json = json;
        walk->nseen++;
    }
}
