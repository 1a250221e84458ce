/*
 * Templates: what is accepted is what becomes JSON when each reference is
 * replaced, by an own and simpler replacement here; whatever the values, the
 * rendered text is valid and has the template's structure; and the parts,
 * written as a template again, are the same parts.
 */


#include "fuzz.h"
#include "codec/sio_json.h"
#include "codec/sio_template.h"


static const sio_json_limits_t  fuzz_limits = { SIO_JSON_DEPTH_MAX, 1000000 };


/* Values that try to break out; *ctx tells two renderings apart. */

static int
fuzz_render_value(void *ctx, unsigned n, const sio_template_part_t *part,
    sio_buf_t *buf)
{
    unsigned  i;

    static const char  *json[] = {
        "null", "true", "-1.5e3", "\"\\\",\\u0022}\"", "0", "\"\""
    };
    static const char  *text[] = {
        "\",\"x\":{}", "\\", "", "\x01\n]", "$name", "\xc3\xa9"
    };

    i = (n + *(unsigned *) ctx) % 6;

    check(sio_template_ref_len(part->text) == part->text.len);
    check(part->text.data[1] != '{');

    if (part->type == SIO_TEMPLATE_JSON) {
        return sio_buf_append_str(buf, sio_cstr(json[i]));
    }

    if (part->type == SIO_TEMPLATE_STRING) {
        return sio_json_escape(buf, sio_cstr(text[i]));
    }

    check(part->type == SIO_TEMPLATE_PLAIN);

    return sio_buf_append_str(buf, sio_cstr(text[i]));
}


static int
fuzz_render_fails(void *ctx, unsigned n, const sio_template_part_t *part,
    sio_buf_t *buf)
{
    check(sio_buf_append_char(buf, 'x') == SIO_OK);

    return SIO_AGAIN;
}


static void
fuzz_render(const sio_template_t *t, int json)
{
    unsigned         i;
    sio_buf_t        buf;
    sio_json_info_t  info[2];

    sio_buf_init(&buf, &fuzz_mem, SIZE_MAX);

    for (i = 0; i < 2; i++) {
        sio_buf_reset(&buf);
        check(sio_template_render(t, fuzz_render_value, &i, &buf) == SIO_OK);

        if (json) {
            check(sio_json_validate(sio_buf_str(&buf), &fuzz_limits, &info[i],
                                    NULL) == SIO_OK);
            check(sio_json_compact(sio_buf_str(&buf)));
        }
    }

    if (json) {
        check(info[0].keys == info[1].keys);
        check(info[0].depth == info[1].depth);

        if (t->key_refs == 0) {
            check(info[0].placeholders == 0 && info[1].placeholders == 0);
        }
    }

    sio_buf_reset(&buf);
    check(sio_buf_append_char(&buf, '!') == SIO_OK);

    if (t->nrefs) {
        check(sio_template_render(t, fuzz_render_fails, NULL, &buf)
              == SIO_AGAIN);
        check(buf.len == 1);
    }

    sio_buf_free(&buf);
}


/* Write the parts as a template again: the same parts must come of it. */

static void
fuzz_again(const sio_template_t *t, int json)
{
    int                   rc;
    size_t                i;
    unsigned              n;
    sio_buf_t             buf;
    sio_str_t             s;
    sio_template_t        again;
    sio_template_error_t  err;

    sio_buf_init(&buf, &fuzz_mem, SIZE_MAX);

    for (n = 0; n < t->nparts; n++) {
        s = t->parts[n].text;
        check(s.len != 0);

        if (t->parts[n].type != SIO_TEMPLATE_LITERAL) {
            check(sio_buf_append(&buf, "${", 2) == SIO_OK);
            check(sio_buf_append(&buf, s.data + 1, s.len - 1) == SIO_OK);
            check(sio_buf_append_char(&buf, '}') == SIO_OK);
            continue;
        }

        check(n == 0 || t->parts[n - 1].type != SIO_TEMPLATE_LITERAL);

        for (i = 0; i < s.len; i++) {
            check(sio_buf_append(&buf, "$$", s.data[i] == '$' ? 2 : 0)
                  == SIO_OK);
            check(sio_buf_append(&buf, s.data + i, s.data[i] != '$')
                  == SIO_OK);
        }
    }

    rc = json ? sio_template_parse_json(&again, &fuzz_mem, sio_buf_str(&buf),
                                        &err)
              : sio_template_parse_plain(&again, &fuzz_mem, sio_buf_str(&buf),
                                         &err);

    check(rc == SIO_OK);
    check(again.nparts == t->nparts && again.nrefs == t->nrefs);
    check(again.key_refs == t->key_refs);

    for (n = 0; n < t->nparts; n++) {
        check(again.parts[n].type == t->parts[n].type);
        check(sio_str_eq(again.parts[n].text, t->parts[n].text));
    }

    sio_template_free(&again, &fuzz_mem);
    sio_buf_free(&buf);
}


/* Replace: SIO_OK, or SIO_ERROR where a dollar sign has no meaning. */

static int
fuzz_replace(sio_str_t text, sio_buf_t *buf)
{
    int     string;
    size_t  i, len;

    string = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] == '$') {
            len = sio_template_ref_len(sio_str(text.data + i, text.len - i));

            if (string && i + 1 < text.len && text.data[i + 1] == '$') {
                len = 2;
            }

            if (len == 0) {
                return SIO_ERROR;
            }

            check(sio_buf_append_str(buf, sio_cstr(string ? "x" : "null"))
                  == SIO_OK);
            i += len - 1;
            continue;
        }

        if (text.data[i] == '"') {
            string = !string;
        }

        check(sio_buf_append_char(buf, text.data[i]) == SIO_OK);

        if (string && text.data[i] == '\\' && i + 1 < text.len) {
            check(sio_buf_append_char(buf, text.data[++i]) == SIO_OK);
        }
    }

    return SIO_OK;
}


static void
fuzz_json(sio_str_t text)
{
    int                   rc;
    sio_buf_t             buf;
    sio_json_info_t       info;
    sio_template_t        t;
    sio_template_error_t  err;

    sio_buf_init(&buf, &fuzz_mem, SIZE_MAX);

    memset(&info, 0, sizeof(sio_json_info_t));
    rc = fuzz_replace(text, &buf);

    if (rc == SIO_OK) {
        rc = sio_json_validate(sio_buf_str(&buf), &fuzz_limits, &info, NULL);
    }

    if (sio_template_parse_json(&t, &fuzz_mem, text, &err) == SIO_OK) {
        check(rc == SIO_OK);
        fuzz_render(&t, 1);
        fuzz_again(&t, 1);
        sio_template_free(&t, &fuzz_mem);

    } else {
        check(t.parts == NULL);
        check(err.error != NULL && err.offset <= text.len);
        check(rc != SIO_OK || info.depth == SIO_JSON_DEPTH_MAX
              || strstr(err.error, "reserved") != NULL);
    }

    sio_buf_free(&buf);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sio_str_t             text;
    sio_template_t        t;
    sio_template_error_t  err;

    text = sio_str(data, size);

    (void) sio_template_ref_len(text);

    fuzz_json(text);

    if (sio_template_parse_plain(&t, &fuzz_mem, text, &err) == SIO_OK) {
        fuzz_render(&t, 0);
        fuzz_again(&t, 0);
        sio_template_free(&t, &fuzz_mem);

    } else {
        check(err.error != NULL && err.offset < text.len);
    }

    return 0;
}
