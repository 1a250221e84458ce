/*
 * The parameters of emit and relay.
 */


#include "logic/sio_rule_emit.h"


static int sio_emit_param_volatile(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value);
static int sio_emit_param_mailbox(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value);


const sio_emit_param_t  sio_emit_params[] = {

    /* name, value, word, compile */

    { sio_string("volatile"), 0, 1, sio_emit_param_volatile },
    { sio_string("mailbox"), 1, 1, sio_emit_param_mailbox },
    { sio_string("throttle"), 1, 0, sio_emit_param_throttle },

    { sio_null_string, 0, 0, NULL }
};


int
sio_emit_param(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t token)
{
    size_t                          n;
    sio_str_t                       name, value;
    sio_hint_t                      hint;
    const sio_emit_param_t         *param, *const *tables;

    value = sio_str(NULL, 0);

    for (n = 0; n < token.len; n++) {
        if ((token.data[n] < 'a' || token.data[n] > 'z')
            && token.data[n] != '_')
        {
            break;
        }
    }

    name = sio_str(token.data, n);

    if (n == 0 || (n < token.len && token.data[n] != '=')) {
        return SIO_DECLINED;
    }

    if (n < token.len) {
        value = sio_str(token.data + n + 1, token.len - n - 1);
    }

    sio_hint_init(&hint, name);

    param = sio_hint_find(&hint, sio_emit_params, sizeof(sio_emit_param_t));

    for (tables = c->params; param == NULL && tables && *tables; tables++) {
        param = sio_hint_find(&hint, *tables, sizeof(sio_emit_param_t));
    }

    if (param) {
        if (value.data ? !param->value : !param->word) {
            return sio_compile_error(c, "the parameter \"%.*s\" takes %s"
                                     " value", sio_shown(name),
                                     value.data ? "no" : "a");
        }

        return param->compile(c, emit, value);
    }

    if (value.data) {
        return sio_compile_error(c, "unknown parameter \"%.*s\"%s",
                                 sio_shown(token), sio_hint_text(&hint));
    }

    return SIO_DECLINED;
}


int
sio_emit_param_like(sio_str_t token)
{
    const sio_emit_param_t  *param;

    for (param = sio_emit_params; param->name.len; param++) {

        if (token.len > param->name.len
            && token.data[param->name.len] == '='
            && sio_str_eq(sio_str(token.data, param->name.len), param->name))
        {
            return 1;
        }
    }

    return 0;
}


static int
sio_emit_param_volatile(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value)
{
    emit->volatile_ = 1;

    return SIO_OK;
}


/* What else the emit must be to have a mailbox is known at its end. */

static int
sio_emit_param_mailbox(sio_compile_t *c, sio_rule_emit_t *emit,
    sio_str_t value)
{
    c->mailbox = 1;
    emit->mailbox = 1;

    if (value.data == NULL) {
        return SIO_OK;
    }

    if (value.len == 0) {
        return sio_compile_error(c, "the key of \"mailbox=\" is empty");
    }

    emit->keyed = 1;

    return sio_text_compile_plain(c, &emit->mailbox_key, value);
}
