/*
 * Reading API keys, and the signatures that are made with them.
 *
 * Nothing of a key is ever part of a message.
 */


#include "logic/sio_key.h"
#include "codec/sio_name.h"


static sio_str_t sio_key_word(sio_str_t *line);
static const char *sio_key_param(sio_key_t *key, sio_str_t word);
static const char *sio_key_secret(sio_str_t secret);
static int sio_signature_time(sio_str_t text, sio_signature_t *signature);
static int sio_signature_mac(sio_str_t text, sio_signature_t *signature);


void
sio_key_reader_init(sio_key_reader_t *reader, sio_str_t text)
{
    reader->text = text;
    reader->line = 0;
    reader->error = NULL;
}


int
sio_key_read(sio_key_reader_t *reader, sio_key_t *key)
{
    size_t          len;
    sio_str_t       line, word;
    const uint8_t  *p;

    while (reader->text.len) {
        p = memchr(reader->text.data, '\n', reader->text.len);
        len = p ? (size_t) (p - reader->text.data) : reader->text.len;

        line = sio_str(reader->text.data, len);
        len += (p != NULL);
        reader->text = sio_str(reader->text.data + len,
                               reader->text.len - len);
        reader->line++;

        word = sio_key_word(&line);

        if (word.len == 0 || word.data[0] == '#') {
            continue;
        }

        memset(key, 0, sizeof(sio_key_t));
        key->secret = word;
        reader->error = sio_key_secret(word);

        while (reader->error == NULL) {
            word = sio_key_word(&line);

            if (word.len == 0) {
                return SIO_OK;
            }

            reader->error = sio_key_param(key, word);
        }

        return SIO_ERROR;
    }

    return SIO_DONE;
}


/* The next word of a line, taken off it; empty: there is none. */

static sio_str_t
sio_key_word(sio_str_t *line)
{
    size_t          start, end;
    const uint8_t  *p;

    p = line->data;

    for (start = 0; start < line->len; start++) {
        if (p[start] != ' ' && p[start] != '\t' && p[start] != '\r') {
            break;
        }
    }

    for (end = start; end < line->len; end++) {
        if (p[end] == ' ' || p[end] == '\t' || p[end] == '\r') {
            break;
        }
    }

    *line = sio_str(p + end, line->len - end);

    return sio_str(p + start, end - start);
}


static const char *
sio_key_secret(sio_str_t secret)
{
    size_t  i;

    for (i = 0; i < secret.len; i++) {
        if (secret.data[i] <= ' ' || secret.data[i] >= 0x7f) {
            return "invalid character in a key";
        }
    }

    return secret.len > SIO_KEY_MAX ? "a key is longer than 256 characters"
                                    : NULL;
}


static const char *
sio_key_param(sio_key_t *key, sio_str_t word)
{
    size_t      i;
    sio_str_t   list, item, *to;

    struct {
        sio_str_t   name;
        sio_str_t  *to;
    } params[] = {
        { sio_string("name="), &key->name },
        { sio_string("namespace="), &key->namespaces },
        { sio_string("event="), &key->events },
        { sio_string("call="), &key->calls },
        { sio_null_string, NULL }
    };

    if (sio_str_eq(word, sio_cstr("signed"))) {
        key->signed_ = 1;
        return NULL;
    }

    for (i = 0; params[i].to; i++) {
        if (word.len > params[i].name.len
            && memcmp(word.data, params[i].name.data, params[i].name.len) == 0)
        {
            break;
        }
    }

    to = params[i].to;

    if (to == NULL) {
        return "behind a key stand name=, namespace=, event=, call= and"
               " signed";
    }

    if (to->len) {
        return "a parameter is given twice";
    }

    *to = sio_str(word.data + params[i].name.len,
                  word.len - params[i].name.len);

    if (to == &key->name) {
        return to->len > SIO_KEY_NAME_MAX
               ? "a name is longer than 64 characters" : NULL;
    }

    list = *to;

    while (sio_key_item(&list, &item) == SIO_OK) {

        if (item.len == 0) {
            return "an item of a list is empty";
        }

        if (to == &key->namespaces && item.data[0] != '/'
            && item.data[0] != '*')
        {
            return "a namespace begins with a slash";
        }
    }

    return NULL;
}


int
sio_key_item(sio_str_t *list, sio_str_t *item)
{
    size_t          len;
    const uint8_t  *p;

    if (list->data == NULL) {
        return SIO_DONE;
    }

    p = list->len ? memchr(list->data, ',', list->len) : NULL;
    len = p ? (size_t) (p - list->data) : list->len;

    *item = sio_str(list->data, len);
    *list = p ? sio_str(p + 1, list->len - len - 1) : sio_str(NULL, 0);

    return SIO_OK;
}


int
sio_key_allows(sio_str_t list, sio_str_t name)
{
    sio_str_t  item;

    if (list.len == 0) {
        return 1;
    }

    while (sio_key_item(&list, &item) == SIO_OK) {
        if (sio_name_glob(item, name) == SIO_OK) {
            return 1;
        }
    }

    return 0;
}


int
sio_signature_parse(sio_str_t text, sio_signature_t *signature)
{
    sio_str_t  item;

    memset(signature, 0, sizeof(sio_signature_t));

    if (sio_key_item(&text, &item) != SIO_OK || item.len < 3
        || memcmp(item.data, "t=", 2) != 0
        || sio_signature_time(sio_str(item.data + 2, item.len - 2), signature)
           != SIO_OK)
    {
        return SIO_ERROR;
    }

    while (sio_key_item(&text, &item) == SIO_OK) {

        if (item.len != 3 + 2 * SIO_SIGNATURE_LEN
            || memcmp(item.data, "v1=", 3) != 0
            || signature->n == SIO_SIGNATURES
            || sio_signature_mac(sio_str(item.data + 3, item.len - 3),
                                 signature)
               != SIO_OK)
        {
            return SIO_ERROR;
        }
    }

    return signature->n ? SIO_OK : SIO_ERROR;
}


static int
sio_signature_time(sio_str_t text, sio_signature_t *signature)
{
    size_t    i, digits;

    signature->time = text;
    digits = 0;

    for (i = 0; i < text.len && text.data[i] != '.'; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || ++digits > 12) {
            return SIO_ERROR;
        }

        signature->seconds = signature->seconds * 10 + (text.data[i] - '0');
    }

    if (digits == 0 || text.len - i > 10) {
        return SIO_ERROR;
    }

    for (i++; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return SIO_ERROR;
        }
    }

    return SIO_OK;
}


static int
sio_signature_mac(sio_str_t text, sio_signature_t *signature)
{
    size_t    i;
    uint8_t   ch, value, *mac;

    mac = signature->mac[signature->n++];

    for (i = 0; i < text.len; i++) {
        ch = text.data[i] | 0x20;

        if (ch >= '0' && ch <= '9' && text.data[i] == ch) {
            value = ch - '0';

        } else if (ch >= 'a' && ch <= 'f') {
            value = ch - 'a' + 10;

        } else {
            return SIO_ERROR;
        }

        mac[i / 2] = (uint8_t) (mac[i / 2] << 4 | value);
    }

    return SIO_OK;
}
