/*
 * Cluster messages, as captured from Node's sharded and streams adapters:
 * what is decoded is written with the same bytes again.
 */


#include "unit.h"
#include "codec/sio_cluster.h"


#define TAIL  ",\"uid\":\"0b55bd2312e6ce81\",\"nsp\":\"/\"}"


static size_t
bytes(const char *text, uint8_t *dst)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(text + 2 * n, "%2x", &byte) == 1; n++) {
        dst[n] = (uint8_t) byte;
    }

    return n;
}


/* What a message says, in one line. */

static const char *
said(const sio_cluster_t *m)
{
    int                             n;
    unsigned                        i;
    const sio_request_t            *r;
    const sio_adapter_broadcast_t  *b;
    static char                     text[4096];

#define put(...)                                                              \
    n += snprintf(text + n, sizeof(text) - n, __VA_ARGS__)
#define put_str(name, s)                                                      \
    if ((s).len) {                                                            \
        put(" %s=%.*s", name, (int) (s).len, (const char *) (s).data);        \
    }

    n = 0;
    r = &m->request;
    b = &r->broadcast;

    put("%d", (int) m->type);
    put_str("id", r->id.len ? r->id : m->response.id);
    put_str("event", b->event);
    put_str("args", b->args);

    for (i = 0; i < b->opts.nrooms; i++) {
        put_str("to", b->opts.rooms[i]);
    }

    for (i = 0; i < b->opts.nexcept; i++) {
        put_str("except", b->opts.except[i]);
    }

    for (i = 0; i < r->nrooms; i++) {
        put_str("room", r->rooms[i]);
    }

    put_str("data", r->data);
    put_str("sockets", m->response.sockets);
    put_str("value", m->response.data);

    if (m->response.count) {
        put(" count=%d", (int) m->response.count);
    }

    if (b->timeout) {
        put(" timeout=%d", (int) b->timeout);
    }

    put("%s%s", b->volatile_ ? " volatile" : "", r->close ? " close" : "");

    for (i = 0; i < m->attachments.n; i++) {
        put(" binary=%d", (int) m->attachments.item[i].len);
    }

    return text;
}


static const struct {
    const char  *json;
    const char  *said;
    unsigned     ours;           /* we write it byte for byte */
} messages[] = {
    { "{\"type\":1" TAIL, "1", 1 },
    { "{\"type\":2" TAIL, "2", 1 },
    { "{\"type\":13" TAIL, "13", 1 },
    { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"hello\","
      "\"world\"]},\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}}}" TAIL,
      "3 event=hello args=\"world\"", 1 },
    { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"q\"]},"
      "\"requestId\":\"f9e9565c39185888\",\"opts\":{\"rooms\":[],"
      "\"except\":[],\"flags\":{\"timeout\":500}}}" TAIL,
      "3 id=f9e9565c39185888 event=q timeout=500", 1 },
    { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"v\",1,[2]]},"
      "\"opts\":{\"rooms\":[\"a\",\"b\"],\"except\":[\"c\"],"
      "\"flags\":{\"volatile\":true}}}" TAIL,
      "3 event=v args=1,[2] to=a to=b except=c volatile", 1 },
    { "{\"nsp\":\"/\",\"uid\":\"x\",\"data\":{\"opts\":{\"rooms\":[12],"
      "\"flags\":{\"volatile\":false,\"compress\":true}},"
      "\"packet\":{\"nsp\":\"/\",\"data\":[7,null],\"type\":2}},\"type\":3}",
      "3 event=7 args=null to=12", 0 },
    { "{\"type\":4,\"data\":{\"opts\":{\"rooms\":[\"room1\"],\"except\":[],"
      "\"flags\":{}},\"rooms\":[\"r2\"]}" TAIL,
      "4 to=room1 room=r2", 1 },
    { "{\"type\":5,\"data\":{\"opts\":{\"rooms\":[\"a\"],\"except\":[\"b\"],"
      "\"flags\":{}},\"rooms\":[\"r2\",\"r3\"]}" TAIL,
      "5 to=a except=b room=r2 room=r3", 1 },
    { "{\"type\":6,\"data\":{\"opts\":{\"rooms\":[\"x\"],\"except\":[],"
      "\"flags\":{}},\"close\":true}" TAIL,
      "6 to=x close", 1 },
    { "{\"type\":7,\"data\":{\"opts\":{\"rooms\":[],\"except\":[],"
      "\"flags\":{}},\"requestId\":\"aa\"}" TAIL,
      "7 id=aa", 1 },
    { "{\"type\":8,\"data\":{\"requestId\":\"aa\",\"sockets\":[{\"id\":"
      "\"x\"}]}" TAIL,
      "8 id=aa sockets=[{\"id\":\"x\"}]", 1 },
    { "{\"type\":9,\"data\":{\"packet\":[\"sse\",1]}" TAIL,
      "9 data=[\"sse\",1]", 1 },
    { "{\"type\":9,\"data\":{\"requestId\":\"aa\",\"packet\":[\"sse\",1]}"
      TAIL,
      "9 id=aa data=[\"sse\",1]", 1 },
    { "{\"type\":10,\"data\":{\"requestId\":\"aa\",\"packet\":\"pong\"}" TAIL,
      "10 id=aa value=\"pong\"", 1 },
    { "{\"type\":10,\"data\":{\"requestId\":\"aa\"}" TAIL,
      "10 id=aa value=null", 0 },
    { "{\"type\":11,\"data\":{\"requestId\":\"aa\",\"clientCount\":1}" TAIL,
      "11 id=aa count=1", 1 },
    { "{\"type\":12,\"data\":{\"requestId\":\"aa\",\"packet\":\"ack-cb\"}"
      TAIL,
      "12 id=aa value=\"ack-cb\"", 1 }
};


static void
test_messages(void)
{
    size_t          i, len;
    uint8_t        *p;
    sio_buf_t       buf;
    sio_adapter_t   a, b;
    sio_cluster_t   m, again;

    sio_adapter_init(&a, &unit_mem, 100000);
    sio_adapter_init(&b, &unit_mem, 100000);
    sio_buf_init(&buf, &unit_mem, 100000);

    for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        len = strlen(messages[i].json);
        p = guard_copy(messages[i].json, len);

        is_int(sio_cluster_decode(&a, sio_str(p, len), &m), SIO_OK, "%s",
               messages[i].json);
        is_str(sio_cstr(said(&m)), messages[i].said, "says what it says");
        is_str(m.nsp, "/", "namespace");

        sio_buf_reset(&buf);
        is_int(sio_cluster_encode(&b, &buf, &m, 0), SIO_OK, "written again");

        if (messages[i].ours) {
            is_str(sio_buf_str(&buf), messages[i].json, "the same bytes");
            ok(sio_cluster_is_own(sio_buf_str(&buf),
                                  sio_cstr("0b55bd2312e6ce81"),
                                  sio_cstr("/")), "known by its end");
            ok(!sio_cluster_is_own(sio_buf_str(&buf),
                                   sio_cstr("0b55bd2312e6ce8"),
                                   sio_cstr("/")), "not for another's");
        }

        sio_buf_reset(&buf);
        is_int(sio_cluster_encode(&b, &buf, &m, 1), SIO_OK, "in MessagePack");
        is_int(sio_cluster_is_own(sio_buf_str(&buf),
                                  sio_cstr("0b55bd2312e6ce81"),
                                  sio_cstr("/")),
               m.uid.len == 16, "known by its end");
        is_int(sio_cluster_decode(&b, sio_buf_str(&buf), &again), SIO_OK,
               "read");
        is_str(sio_cstr(said(&again)), messages[i].said, "the same");

        guard_free(p, len);
    }

    sio_adapter_free(&a);
    sio_adapter_free(&b);
    sio_buf_free(&buf);
}


static void
test_binary(void)
{
    size_t          i, len;
    uint8_t         data[512], *p;
    sio_buf_t       buf;
    sio_adapter_t   a, b;
    sio_cluster_t   m;

    len = bytes("84a47479706503a46461746182a67061636b657482a47479706502a464"
                "61746192a362696ec403010203a46f70747383a5726f6f6d7390a66578"
                "6365707490a5666c61677380a3756964b0306235356264323331326536"
                "63653831a36e7370a12f", data);

    sio_adapter_init(&a, &unit_mem, 100000);
    sio_adapter_init(&b, &unit_mem, 100000);
    sio_buf_init(&buf, &unit_mem, 100000);

    is_int(sio_cluster_decode(&a, sio_str(data, len), &m), SIO_OK,
           "a broadcast with binary");
    is_str(sio_cstr(said(&m)),
           "3 event=bin args={\"_placeholder\":true,\"num\":0} binary=3",
           "says what it says");
    is_mem(m.request.broadcast.attachments.item[0].data, 3, "\1\2\3", 3,
           "attachment");
    ok(sio_cluster_is_own(sio_str(data, len), sio_cstr("0b55bd2312e6ce81"),
                          sio_cstr("/")), "known by its end");
    ok(!sio_cluster_is_own(sio_str(data, len), sio_cstr("0b55bd2312e6ce81"),
                           sio_cstr("/x")), "of its namespace alone");

    is_int(sio_cluster_encode(&b, &buf, &m, 0), SIO_OK, "written again");
    is_mem(buf.data, buf.len, data, len, "the same bytes");

    for (i = 0; i < len; i++) {
        p = guard_copy(data, i);

        if (sio_cluster_decode(&a, sio_str(p, i), &m) != SIO_ERROR) {
            ok(0, "cut off after %zu", i);
        }

        (void) sio_cluster_is_own(sio_str(p, i),
                                  sio_cstr("0b55bd2312e6ce81"),
                                  sio_cstr("/"));
        guard_free(p, i);
    }

    sio_adapter_free(&a);
    sio_adapter_free(&b);
    sio_buf_free(&buf);
}


static void
test_entries(void)
{
    size_t         i;
    sio_buf_t      buf;
    sio_adapter_t  a, b;
    sio_cluster_t  m;

    static const struct {
        const char  *type;
        const char  *data;
        int          rc;
        const char  *said;
    } entries[] = {
        { "3", "{\"packet\":{\"type\":2,\"data\":[\"hello\",1]},\"opts\":{"
          "\"rooms\":[\"room1\"],\"except\":[],\"flags\":{}}}", SIO_OK,
          "3 event=hello args=1 to=room1" },
        { "3", "gqZwYWNrZXSCpHR5cGUCpGRhdGGSo2JpbsQCCQikb3B0c4Olcm9vbXOQpmV4"
          "Y2VwdJClZmxhZ3OA", SIO_OK,
          "3 event=bin args={\"_placeholder\":true,\"num\":0} binary=2" },
        { "4", "{\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}},"
          "\"rooms\":[\"x\"]}", SIO_OK, "4 room=x" },
        { "13", "", SIO_OK, "13" },
        { "3", "", SIO_ERROR, NULL },
        { "3", "?", SIO_ERROR, NULL },
        { "3", "gg==", SIO_ERROR, NULL },
        { "", "{}", SIO_DECLINED, NULL },
        { "0", "{}", SIO_DECLINED, NULL },
        { "3x", "{}", SIO_ERROR, NULL },
        { "1000", "{}", SIO_DECLINED, NULL },
        { "-3", "{}", SIO_ERROR, NULL },
        { "3.0", "{}", SIO_ERROR, NULL },
        { "14", "{}", SIO_DECLINED, NULL },
        { "4", "{\"rooms\":[\"x\"]}", SIO_ERROR, NULL }
    };

    sio_cluster_entry_t  e;

    sio_adapter_init(&a, &unit_mem, 100000);
    sio_adapter_init(&b, &unit_mem, 100000);
    sio_buf_init(&buf, &unit_mem, 100000);

    for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        e.type = sio_cstr(entries[i].type);
        e.data = sio_cstr(entries[i].data);
        e.uid = sio_cstr("u");
        e.nsp = sio_cstr("/");

        is_int(sio_cluster_entry_decode(&a, &e, &m), entries[i].rc,
               "type \"%s\": %s", entries[i].type, entries[i].data);

        if (entries[i].rc != SIO_OK) {
            continue;
        }

        is_str(sio_cstr(said(&m)), entries[i].said, "says what it says");

        sio_buf_reset(&buf);
        is_int(sio_cluster_data_encode(&b, &buf, &m), SIO_OK,
               "written again");
        is_str(sio_buf_str(&buf), entries[i].data, "the same bytes");
    }

    sio_adapter_free(&a);
    sio_adapter_free(&b);
    sio_buf_free(&buf);
}


#define OPTS  "\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}}"


static void
test_wrong(void)
{
    size_t         i;
    sio_adapter_t  a;
    sio_cluster_t  m;

    static const struct {
        const char  *text;
        int          rc;
    } cases[] = {
        { "", SIO_ERROR },
        { "{", SIO_ERROR },
        { "{}", SIO_ERROR },
        { "[]", SIO_ERROR },
        { "{\"type\":\"3\"}", SIO_ERROR },
        { "{\"type\":0}", SIO_DECLINED },
        { "{\"type\":14}", SIO_DECLINED },
        { "{\"type\":-1}", SIO_DECLINED },
        { "{\"type\":1,\"uid\":[]}", SIO_ERROR },
        { "{\"type\":3}", SIO_ERROR },
        { "{\"type\":3,\"data\":[]}", SIO_ERROR },
        { "{\"type\":3,\"data\":{" OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"e\"]}}}",
          SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[]},"
          OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":{}},"
          OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":3,\"data\":[\"e\"]},"
          OPTS "}}", SIO_DECLINED },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,"
          "\"data\":[\"disconnect\"]}," OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"e\","
          "{\"_placeholder\":true,\"num\":0}]}," OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"e\","
          "{\"_placeholder\":true,\"num\":\"0\"}]}," OPTS "}}", SIO_ERROR },
        { "{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[[]]},"
          OPTS "}}", SIO_ERROR },
        { "{\"type\":4,\"data\":{\"rooms\":[\"a\"]}}", SIO_ERROR },
        { "{\"type\":4,\"data\":{\"opts\":[],\"rooms\":[\"a\"]}}",
          SIO_ERROR },
        { "{\"type\":4,\"data\":{\"opts\":{\"rooms\":[{}]}}}", SIO_ERROR },
        { "{\"type\":9,\"data\":{\"packet\":\"x\"}}", SIO_ERROR },
        { "{\"type\":11,\"data\":{\"clientCount\":1}}", SIO_ERROR },
        { "{\"type\":11,\"data\":{\"requestId\":\"x\"}}", SIO_ERROR },
        { "{\"type\":8,\"data\":{\"requestId\":\"x\",\"sockets\":{}}}",
          SIO_ERROR },
        { "{\"type\":1}\xff", SIO_ERROR },
        { "\x84", SIO_ERROR },
        { "\x91\x01", SIO_ERROR }
    };

    /* binary elsewhere than in the packet */

    static const uint8_t  elsewhere[] =
        "\x82\xa4type\x03\xa4" "data\x83\xa6packet\x82\xa4type\x02\xa4"
        "data\x91\xa1" "e\xa4opts\x80\xa1x\xc4\x01z";

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(sio_cluster_decode(&a, sio_cstr(cases[i].text), &m),
               cases[i].rc, "no message: %s", cases[i].text);
    }

    is_int(sio_cluster_decode(&a, sio_str(elsewhere, sizeof(elsewhere) - 1),
                              &m), SIO_ERROR, "an attachment without a place");

    sio_adapter_free(&a);
}


static void
test_failures(void)
{
    int                  n, rc;
    sio_buf_t            buf;
    sio_adapter_t        a, b;
    sio_cluster_t        m;
    sio_cluster_entry_t  e;

    e.type = sio_cstr("3");
    e.uid = sio_cstr("u");
    e.nsp = sio_cstr("/");
    e.data = sio_cstr("gqZwYWNrZXSCpHR5cGUCpGRhdGGSo2JpbsQCCQikb3B0c4Olcm9vb"
                      "XOQpmV4Y2VwdJClZmxhZ3OA");

    for (n = 1; unit_mem_fail(n); n++) {
        sio_adapter_init(&a, &unit_mem, 100000);
        sio_adapter_init(&b, &unit_mem, 100000);
        sio_buf_init(&buf, &unit_mem, 100000);

        rc = sio_cluster_entry_decode(&a, &e, &m);

        if (rc == SIO_OK) {
            rc = sio_cluster_data_encode(&b, &buf, &m);
        }

        if (rc == SIO_OK) {
            rc = sio_cluster_encode(&b, &buf, &m, 1);
        }

        if (rc != SIO_OK && rc != SIO_NOMEM) {
            ok(0, "allocation %d failed otherwise: %d", n, rc);
        }

        sio_adapter_free(&a);
        sio_adapter_free(&b);
        sio_buf_free(&buf);
    }

    ok(n > 1, "every allocation failed once");
}


int
main(void)
{
    unit_plan();

    test_messages();
    test_binary();
    test_entries();
    test_wrong();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}
