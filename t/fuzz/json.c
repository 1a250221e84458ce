/*
 * JSON against jansson: both accept the same texts, and what the slicing
 * functions find is what jansson's tree holds.  Where they may differ:
 *
 *   lone surrogate escapes, "\u0000" in a member's name, numbers beyond the
 *   range of a double or an int64: jansson refuses them, we accept
 *   depth: ours is bounded by SIO_JSON_DEPTH_MAX
 *   a NUL byte behind the value: to jansson it is the end
 *
 * Texts that are no JSON are sliced too: it must end, within the bytes given.
 */


#include <jansson.h>

#include "fuzz.h"
#include "codec/sio_json.h"


/* Placeholders as a receiver finds them, in the tree. */

typedef struct {
    unsigned  keys;
    unsigned  placeholders;
    uint64_t  nums;
    unsigned  bad;
} fuzz_seen_t;


static void
fuzz_string(sio_str_t value, json_t *tree)
{
    sio_buf_t        bytes, quoted;
    sio_str_t        s;
    sio_json_info_t  info;

    static const sio_json_limits_t  limits = { 0, 0 };

    sio_buf_init(&bytes, &fuzz_mem, SIZE_MAX);
    sio_buf_init(&quoted, &fuzz_mem, SIZE_MAX);

    check(sio_json_unescape(&bytes, value) == SIO_OK);

    s = sio_buf_str(&bytes);

    check(sio_str_eq(s, sio_str(json_string_value(tree),
                                json_string_length(tree))));
    check(sio_json_raw_eq(sio_str(value.data + 1, value.len - 2), s));

    check(sio_json_quote(&quoted, s) == SIO_OK);
    check(sio_json_validate(sio_buf_str(&quoted), &limits, &info, NULL)
          == SIO_OK);
    check(sio_json_eq(value, sio_buf_str(&quoted)));

    sio_buf_reset(&bytes);
    check(sio_json_unescape(&bytes, sio_buf_str(&quoted)) == SIO_OK);
    check(sio_str_eq(sio_buf_str(&bytes), sio_str(json_string_value(tree),
                                                  json_string_length(tree))));

    sio_buf_free(&bytes);
    sio_buf_free(&quoted);
}


static void
fuzz_number(sio_str_t value, json_t *tree)
{
    double   d;
    int64_t  n;

    check(sio_json_double(value, &d) == SIO_OK);

    if (json_is_integer(tree)) {
        check(sio_json_int(value, &n) == SIO_OK);
        check(n == json_integer_value(tree));
        check(d == (double) n);
        return;
    }

    check(sio_json_int(value, &n) == SIO_DECLINED);
    check(d == json_real_value(tree));
}


static void
fuzz_placeholder(sio_str_t value, json_t *tree, fuzz_seen_t *seen)
{
    int64_t    n;
    json_t    *num;
    sio_str_t  text;

    if (!json_is_true(json_object_get(tree, "_placeholder"))) {
        return;
    }

    seen->placeholders++;

    num = json_object_get(tree, "num");
    n = json_is_integer(num) ? json_integer_value(num) : -1;

    if (n >= 0 && n < 64
        && sio_json_member(value, sio_cstr("num"), &text) == SIO_OK
        && text.data[0] != '-')
    {
        seen->nums |= (uint64_t) 1 << n;

    } else {
        seen->bad = 1;
    }
}


static void fuzz_value(sio_str_t value, json_t *tree, fuzz_seen_t *seen);


static void
fuzz_array(sio_str_t value, json_t *tree, fuzz_seen_t *seen)
{
    size_t           i;
    sio_str_t        v, element, before;
    sio_json_iter_t  it;
    sio_json_step_t  step;

    before = sio_str(NULL, 0);
    sio_json_array_iter(&it, value);

    for (i = 0; sio_json_array_next(&it, &v) == SIO_OK; i++) {
        check(i < json_array_size(tree));
        fuzz_value(v, json_array_get(tree, i), seen);

        step.type = SIO_JSON_INDEX;
        step.index = i;
        check(sio_json_lookup(value, &step, 1, &element) == SIO_OK);
        check(element.data == v.data && element.len == v.len);

        if (i && json_is_string(json_array_get(tree, i))) {
            check(sio_json_eq(before, v)
                  == json_equal(json_array_get(tree, i - 1),
                                json_array_get(tree, i)));
        }

        if (i && json_is_number(json_array_get(tree, i))
            && sio_json_eq(before, v))
        {
            check(json_number_value(json_array_get(tree, i - 1))
                  == json_number_value(json_array_get(tree, i)));
        }

        before = v;
    }

    check(i == json_array_size(tree));
    check(sio_json_element(value, i, &v) == SIO_DECLINED);
}


static void
fuzz_object(sio_str_t value, json_t *tree, fuzz_seen_t *seen)
{
    size_t           last;
    json_t          *member;
    sio_buf_t        name;
    sio_str_t        key, v, found;
    sio_json_iter_t  it;

    last = 0;
    sio_buf_init(&name, &fuzz_mem, SIZE_MAX);
    sio_json_object_iter(&it, value);

    while (sio_json_object_next(&it, &key, &v) == SIO_OK) {
        sio_buf_reset(&name);
        check(sio_json_unescape(&name, sio_str(key.data - 1, key.len + 2))
              == SIO_OK);

        /* an empty name has no memory */

        member = json_object_getn(tree, name.len ? (char *) name.data : "",
                                  name.len);
        check(member != NULL);

        check(sio_json_member(value, sio_buf_str(&name), &found) == SIO_OK);

        if (found.data == v.data) {
            last++;
            fuzz_value(v, member, seen);
        }
    }

    check(last == json_object_size(tree));
    seen->keys += last;

    fuzz_placeholder(value, tree, seen);

    sio_buf_free(&name);
}


static void
fuzz_value(sio_str_t value, json_t *tree, fuzz_seen_t *seen)
{
    check(sio_json_eq(value, value));

    switch (sio_json_type(value)) {

    case SIO_JSON_NULL:
        check(json_is_null(tree) && value.len == 4);
        break;

    case SIO_JSON_TRUE:
        check(json_is_true(tree) && value.len == 4);
        break;

    case SIO_JSON_FALSE:
        check(json_is_false(tree) && value.len == 5);
        break;

    case SIO_JSON_NUMBER:
        check(json_is_number(tree));
        fuzz_number(value, tree);
        break;

    case SIO_JSON_STRING:
        check(json_is_string(tree));
        fuzz_string(value, tree);
        break;

    case SIO_JSON_ARRAY:
        check(json_is_array(tree));
        fuzz_array(value, tree, seen);
        break;

    case SIO_JSON_OBJECT:
        check(json_is_object(tree));
        fuzz_object(value, tree, seen);
        break;

    default:
        abort();
    }
}


/* What may be handed out of this text: every slice inside it, and an end. */

static void
fuzz_slices(sio_str_t text)
{
    double           d;
    size_t           n;
    int64_t          i;
    sio_buf_t        buf;
    sio_str_t        key, v, half;
    sio_json_iter_t  it;
    sio_json_step_t  step;

    sio_json_array_iter(&it, text);

    for (n = 0; sio_json_array_next(&it, &v) == SIO_OK; n++) {
        check(n <= text.len);
        check(v.data >= text.data && v.data + v.len <= text.data + text.len);
    }

    it.pos = text.data;
    it.end = text.data + text.len;

    for (n = 0; sio_json_array_next(&it, &v) == SIO_OK; n++) {
        check(n <= text.len);
        check(v.data >= text.data && v.data + v.len <= text.data + text.len);
    }

    sio_json_object_iter(&it, text);

    for (n = 0; sio_json_object_next(&it, &key, &v) == SIO_OK; n++) {
        check(n <= text.len);
        check(v.data >= text.data && v.data + v.len <= text.data + text.len);
        check(key.data >= text.data && key.data + key.len < v.data + 1);
        (void) sio_json_raw_eq(key, sio_cstr("name"));
    }

    step.type = SIO_JSON_MEMBER;
    step.name = sio_cstr("a");

    (void) sio_json_lookup(text, &step, 1, &v);
    (void) sio_json_type(text);
    (void) sio_json_compact(text);
    (void) sio_json_raw_eq(text, sio_cstr("abc"));
    (void) sio_json_int(text, &i);
    (void) sio_json_double(text, &d);

    half = sio_str(text.data, text.len / 2);
    (void) sio_json_eq(half, sio_str(text.data + half.len,
                                     text.len - half.len));

    sio_buf_init(&buf, &fuzz_mem, text.len);
    (void) sio_json_unescape(&buf, text);
    sio_buf_free(&buf);
}


static void
fuzz_refused(sio_str_t text, const sio_json_limits_t *limits,
    const sio_json_info_t *info, json_t *tree)
{
    sio_json_info_t  prefix;

    check(info->error != NULL && info->offset <= text.len);
    check(tree == NULL || strcmp(info->error, "too deep") == 0
          || (info->offset < text.len && text.data[info->offset] == '\0'));

    /* nothing before the offset is wrong */

    if (sio_json_validate(sio_str(text.data, info->offset), limits, &prefix,
                          NULL) != SIO_OK)
    {
        check(prefix.offset == info->offset);
    }
}


static void
fuzz_accepted(sio_str_t value, const sio_json_info_t *info, json_t *tree,
    const json_error_t *error)
{
    fuzz_seen_t  seen;

    if (tree == NULL) {
        check(json_error_code(error) == json_error_numeric_overflow
              || json_error_code(error) == json_error_null_byte_in_key
              || strncmp(error->text, "invalid Unicode", 15) == 0);
        return;
    }

    memset(&seen, 0, sizeof(fuzz_seen_t));
    fuzz_value(value, tree, &seen);

    /* of duplicates, the tree has the last ones only */

    check(seen.keys <= info->keys);
    check(seen.placeholders <= info->placeholders);
    check((seen.nums & ~info->placeholder_nums) == 0);
    check(seen.bad <= info->bad_placeholder);

    if (seen.keys == info->keys) {
        check(seen.placeholders == info->placeholders);
        check(seen.nums == info->placeholder_nums);
        check(seen.bad == info->bad_placeholder);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              rc;
    json_t          *tree;
    sio_str_t        text, value;
    json_error_t     error;
    sio_json_info_t  info;

    static const sio_json_limits_t  limits = { SIO_JSON_DEPTH_MAX, 1000000 };

    text = sio_str(data, size);

    rc = sio_json_validate(text, &limits, &info, &value);

    tree = json_loadb((const char *) data, size,
                      JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);

    if (rc == SIO_OK) {
        fuzz_accepted(value, &info, tree, &error);

    } else {
        check(rc == SIO_ERROR);
        fuzz_refused(text, &limits, &info, tree);
    }

    json_decref(tree);

    fuzz_slices(text);

    return 0;
}
