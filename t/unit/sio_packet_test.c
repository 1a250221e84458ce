/*
 * Socket.IO packets: every packet of the public protocol suites, everything
 * that is refused, every truncation, there and back.
 */


#include "unit.h"
#include "codec/sio_packet.h"


#define PH0  "{\"_placeholder\":true,\"num\":0}"
#define PH1  "{\"_placeholder\":true,\"num\":1}"


static int decode(const char *text, size_t len, sio_packet_t *pkt);
static int round_trip(const sio_packet_t *pkt, const char *text);
static void test_accepted(void);
static void test_refused(void);
static void test_ids(void);
static void test_namespaces(void);
static void test_attachments(void);
static void test_truncated(void);
static void test_reserved(void);
static void test_limits(void);
static void test_head(void);
static void test_encode(void);
static void test_names(void);


static const sio_packet_limits_t  limits = { { 32, 1000 }, 10, 256 };


int
main(void)
{
    unit_plan();

    test_accepted();
    test_refused();
    test_ids();
    test_namespaces();
    test_attachments();
    test_truncated();
    test_reserved();
    test_limits();
    test_head();
    test_encode();
    test_names();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


/* The slices are compared before the copy goes, by round_trip(). */

static int
decode(const char *text, size_t len, sio_packet_t *pkt)
{
    int       rc;
    uint8_t  *p;

    p = guard_copy(text, len);
    rc = sio_packet_decode(sio_str(p, len), &limits, pkt);

    if (rc == SIO_OK && !round_trip(pkt, text)) {
        rc = SIO_DONE;
    }

    if (rc != SIO_OK && rc != SIO_DONE && pkt->error == NULL) {
        rc = SIO_AGAIN;
    }

    /* the same slices of text that stays */

    if (rc == SIO_OK) {
        rc = sio_packet_decode(sio_str(text, len), &limits, pkt);
    }

    guard_free(p, len);

    return rc;
}


static int
round_trip(const sio_packet_t *pkt, const char *text)
{
    int           same;
    sio_buf_t     buf;
    sio_packet_t  again;

    sio_buf_init(&buf, &unit_mem, 100000);

    same = sio_packet_encode(&buf, pkt) == SIO_OK
           && buf.data[0] == '4'
           && sio_packet_decode(sio_str(buf.data + 1, buf.len - 1), &limits,
                                &again) == SIO_OK
           && again.type == pkt->type
           && again.id == pkt->id
           && again.attachments == pkt->attachments
           && sio_str_eq(again.nsp, pkt->nsp)
           && sio_str_eq(again.data, pkt->data);

    sio_buf_free(&buf);

    return same;
}


static void
test_accepted(void)
{
    size_t        i;
    sio_packet_t  pkt;

    static const struct {
        const char    *text;
        sio_packet_e   type;
        unsigned       attachments;
        const char    *nsp;
        long long      id;
        const char    *data;
    } cases[] = {
        { "0", SIO_CONNECT, 0, "/", -1, "" },
        { "0{}", SIO_CONNECT, 0, "/", -1, "{}" },
        { "0{\"token\":\"123\"}", SIO_CONNECT, 0, "/", -1,
          "{\"token\":\"123\"}" },
        { "0/", SIO_CONNECT, 0, "/", -1, "" },
        { "0/,", SIO_CONNECT, 0, "/", -1, "" },
        { "0/custom", SIO_CONNECT, 0, "/custom", -1, "" },
        { "0/custom,", SIO_CONNECT, 0, "/custom", -1, "" },
        { "0/custom,{\"token\":\"abc\"}", SIO_CONNECT, 0, "/custom", -1,
          "{\"token\":\"abc\"}" },
        { "0/random", SIO_CONNECT, 0, "/random", -1, "" },
        { "0/custom?token=abc", SIO_CONNECT, 0, "/custom", -1, "" },
        { "0/custom?token=abc,{}", SIO_CONNECT, 0, "/custom", -1, "{}" },
        { "0/?a", SIO_CONNECT, 0, "/", -1, "" },
        { "0/admin/\xc3\xa9t\xc3\xa9,", SIO_CONNECT, 0,
          "/admin/\xc3\xa9t\xc3\xa9", -1, "" },
        { "1", SIO_DISCONNECT, 0, "/", -1, "" },
        { "1/custom", SIO_DISCONNECT, 0, "/custom", -1, "" },
        { "1/custom,", SIO_DISCONNECT, 0, "/custom", -1, "" },
        { "2[\"message\",\"message to main namespace\"]", SIO_EVENT, 0, "/",
          -1, "[\"message\",\"message to main namespace\"]" },
        { "2[\"message\",1,\"2\",{\"3\":[true]}]", SIO_EVENT, 0, "/", -1,
          "[\"message\",1,\"2\",{\"3\":[true]}]" },
        { "2[\"a\"]", SIO_EVENT, 0, "/", -1, "[\"a\"]" },
        { "2[\"\"]", SIO_EVENT, 0, "/", -1, "[\"\"]" },
        { "2[1]", SIO_EVENT, 0, "/", -1, "[1]" },
        { "2[-1.5e3,\"x\"]", SIO_EVENT, 0, "/", -1, "[-1.5e3,\"x\"]" },
        { "2[ \"a\" , 1 ]", SIO_EVENT, 0, "/", -1, "[ \"a\" , 1 ]" },
        { "2 [\"a\"]\n", SIO_EVENT, 0, "/", -1, "[\"a\"]" },
        { "2[\n\t\"a\"]", SIO_EVENT, 0, "/", -1, "[\n\t\"a\"]" },
        { "2/custom,[\"a\"]", SIO_EVENT, 0, "/custom", -1, "[\"a\"]" },
        { "2/custom,12[\"a\"]", SIO_EVENT, 0, "/custom", 12, "[\"a\"]" },
        { "2456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", SIO_EVENT, 0,
          "/", 456, "[\"message-with-ack\",1,\"2\",{\"3\":[false]}]" },
        { "20[\"a\"]", SIO_EVENT, 0, "/", 0, "[\"a\"]" },
        { "3456[1,\"2\",{\"3\":[false]}]", SIO_ACK, 0, "/", 456,
          "[1,\"2\",{\"3\":[false]}]" },
        { "30[]", SIO_ACK, 0, "/", 0, "[]" },
        { "3/admin,0[\"connect\"]", SIO_ACK, 0, "/admin", 0,
          "[\"connect\"]" },
        { "52-[\"message\"," PH0 "," PH1 "]", SIO_BINARY_EVENT, 2, "/", -1,
          "[\"message\"," PH0 "," PH1 "]" },
        { "52-789[\"message-with-ack\"," PH0 "," PH1 "]", SIO_BINARY_EVENT, 2,
          "/", 789, "[\"message-with-ack\"," PH0 "," PH1 "]" },
        { "51-/admin,[\"a\",{\"b\":[" PH0 "]}]", SIO_BINARY_EVENT, 1,
          "/admin", -1, "[\"a\",{\"b\":[" PH0 "]}]" },
        { "51-[\"a\"," PH0 "," PH0 "]", SIO_BINARY_EVENT, 1, "/", -1,
          "[\"a\"," PH0 "," PH0 "]" },
        { "52-[\"a\"," PH1 "," PH0 "]", SIO_BINARY_EVENT, 2, "/", -1,
          "[\"a\"," PH1 "," PH0 "]" },
        { "62-789[" PH0 "," PH1 "]", SIO_BINARY_ACK, 2, "/", 789,
          "[" PH0 "," PH1 "]" },
        { "61-/admin,456[" PH0 "]", SIO_BINARY_ACK, 1, "/admin", 456,
          "[" PH0 "]" },
        { "2[\"a\",{\"_placeholder\":false,\"num\":0}]", SIO_EVENT, 0, "/",
          -1, "[\"a\",{\"_placeholder\":false,\"num\":0}]" },
        { "2[\"a\",\"_placeholder\"]", SIO_EVENT, 0, "/", -1,
          "[\"a\",\"_placeholder\"]" },
        { "2[\"Connect\"]", SIO_EVENT, 0, "/", -1, "[\"Connect\"]" },
        { "2[\"connect \"]", SIO_EVENT, 0, "/", -1, "[\"connect \"]" },
        { "2[\"message\",\"connect\"]", SIO_EVENT, 0, "/", -1,
          "[\"message\",\"connect\"]" },
        { "2[\"a\\\"b\"]", SIO_EVENT, 0, "/", -1, "[\"a\\\"b\"]" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(decode(cases[i].text, strlen(cases[i].text), &pkt), SIO_OK,
               "accepted, and the same again: packet %zu", i);
        is_int(pkt.type, cases[i].type, "%s: type", cases[i].text);
        is_int(pkt.attachments, cases[i].attachments, "attachments");
        is_str(pkt.nsp, cases[i].nsp, "namespace");
        is_int(pkt.id, cases[i].id, "id");
        is_str(pkt.data, cases[i].data, "data");
    }
}


static void
test_refused(void)
{
    size_t        i;
    sio_packet_t  pkt;

    static const struct {
        const char  *text;
        const char  *error;        /* NULL: what JSON validation says */
    } cases[] = {
        { "", "empty packet" },
        { "abc", "unknown packet type" },
        { "7", "unknown packet type" },
        { "9[\"a\"]", "unknown packet type" },
        { "/", "unknown packet type" },
        { "4{\"message\":\"x\"}", "connect error from a client" },
        { "4", "connect error from a client" },
        { "0,", NULL },
        { "0abc", NULL },
        { "0{", NULL },
        { "0 ", NULL },
        { "0null", "payload is not an object" },
        { "0\"a\"", "payload is not an object" },
        { "0[]", "payload is not an object" },
        { "0/custom,1.5", NULL },
        { "0{}x", NULL },
        { "1{}", "payload of a disconnect" },
        { "1/custom,\"x\"", "payload of a disconnect" },
        { "1 ", "payload of a disconnect" },
        { "2", "no payload" },
        { "27", "no payload" },
        { "2/custom", "no payload" },
        { "2/custom,", "no payload" },
        { "2{}", "payload is not an array" },
        { "2null", "payload is not an array" },
        { "2\"a\"", "payload is not an array" },
        { "2[]", "no event name" },
        { "2[ ]", "no event name" },
        { "2[null]", "no event name" },
        { "2[true]", "no event name" },
        { "2[{}]", "no event name" },
        { "2[[\"a\"]]", "no event name" },
        { "2abc[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", NULL },
        { "2[\"a\"", NULL },
        { "2[\"a\"]]", NULL },
        { "2[\"a\",]", NULL },
        { "2[\"\xff\"]", NULL },
        { "2[\"\x01\"]", NULL },
        { "2-1[\"a\"]", NULL },
        { "2+1[\"a\"]", NULL },
        { "21.5[\"a\"]", NULL },
        { "2custom,[\"a\"]", NULL },
        { "3[]", "no ack id" },
        { "3/custom,[]", "no ack id" },
        { "31", "no payload" },
        { "31{}", "payload is not an array" },
        { "31\"a\"", "payload is not an array" },
        { "2[\"a\"," PH0 "]", "bad placeholder" },
        { "31[" PH0 "]", "bad placeholder" },
        { "0" PH0, "bad placeholder" },
        { "2[\"a\",{\"\\u005fplaceholder\":true,\"num\":0}]",
          "bad placeholder" },
        { "2[\"a\",{\"_placeholder\":true}]", "bad placeholder" },
        { "5[\"a\"," PH0 "]", "no number of attachments" },
        { "51", "no number of attachments" },
        { "51[\"a\"," PH0 "]", "no number of attachments" },
        { "5-[\"a\"," PH0 "]", "no number of attachments" },
        { "5/custom,1-[\"a\"," PH0 "]", "no number of attachments" },
        { "5a-[\"a\"," PH0 "]", "no number of attachments" },
        { "5-1-[\"a\"," PH0 "]", "no number of attachments" },
        { "51e0-[\"a\"," PH0 "]", "no number of attachments" },
        { "5 1-[\"a\"," PH0 "]", "no number of attachments" },
        { "50-[\"a\"]", "bad number of attachments" },
        { "50-[\"a\"," PH0 "]", "bad number of attachments" },
        { "511-[\"a\"," PH0 "]", "bad number of attachments" },
        { "599999999999999999999999-[\"a\"]", "bad number of attachments" },
        { "518446744073709551617-[\"a\"," PH0 "]",
          "bad number of attachments" },
        { "51-", "no payload" },
        { "51-{}", "payload is not an array" },
        { "51-[" PH0 "]", "no event name" },
        { "51-[\"a\"]", "bad placeholder" },
        { "52-[\"a\"," PH0 "]", "bad placeholder" },
        { "52-[\"a\"," PH0 "," PH0 "]", "bad placeholder" },
        { "51-[\"a\"," PH1 "]", "bad placeholder" },
        { "51-[\"a\"," PH0 "," PH1 "]", "bad placeholder" },
        { "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
          "bad placeholder" },
        { "51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]",
          "bad placeholder" },
        { "51-[\"a\"," PH0 ",{\"_placeholder\":true,\"num\":64}]",
          "bad placeholder" },
        { "51-[\"a\"," PH0 ",{\"_placeholder\":true}]", "bad placeholder" },
        { "61-[" PH0 "]", "no ack id" },
        { "61-1{\"a\":" PH0 "}", "payload is not an array" },
        { "61-1", "no payload" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(decode(cases[i].text, strlen(cases[i].text), &pkt), SIO_ERROR,
               "refused: %s", cases[i].text);

        if (cases[i].error) {
            is_str(sio_cstr(pkt.error), cases[i].error, "because: %s",
                   cases[i].error);
        }
    }

    is_int(decode("2[\"a\0b\"]", 8, &pkt), SIO_ERROR, "refused: a zero byte");
    is_int(decode("0/a\0b,", 6, &pkt), SIO_ERROR, "also in a namespace");
}


static void
test_ids(void)
{
    sio_packet_t  pkt;

    is_int(decode("29007199254740991[\"a\"]", 22, &pkt), SIO_OK,
           "the greatest id");
    is_int(pkt.id, SIO_ID_MAX, "is whole");

    is_int(decode("29007199254740992[\"a\"]", 22, &pkt), SIO_ERROR,
           "one more is refused");
    is_str(sio_cstr(pkt.error), "bad ack id", "as an id");

    is_int(decode("218446744073709551617[\"a\"]", 26, &pkt), SIO_ERROR,
           "2^64 + 1 is not 1");
    is_int(decode("299999999999999999999999999999999999999[\"a\"]", 44, &pkt),
           SIO_ERROR, "nor are 38 digits an id");

    is_int(decode("2007[\"a\"]", 9, &pkt), SIO_OK, "leading zeros");
    is_int(pkt.id, 7, "do not count");
}


static void
test_namespaces(void)
{
    char          text[300];
    sio_packet_t  pkt;

    memset(text, 'x', sizeof(text));
    text[0] = '0';
    text[1] = '/';

    is_int(decode(text, 1 + 256, &pkt), SIO_OK, "256 bytes of namespace");
    is_int(pkt.nsp.len, 256, "are taken");
    is_int(decode(text, 1 + 257, &pkt), SIO_ERROR, "257 are refused");
    is_str(sio_cstr(pkt.error), "bad namespace", "as a namespace");

    text[200] = '?';
    is_int(decode(text, sizeof(text), &pkt), SIO_OK, "a query is not counted");
    is_int(pkt.nsp.len, 199, "and is cut off");

    is_int(decode("0/a\xff,", 5, &pkt), SIO_ERROR, "bad UTF-8 is refused");
    is_int(decode("0/a\xc3,", 5, &pkt), SIO_ERROR, "half a character too");
    is_int(decode("0/a\n,", 5, &pkt), SIO_ERROR, "and a control character");
    is_int(decode("0/a\x7f", 4, &pkt), SIO_ERROR, "and DEL");
    is_int(decode("0/a\xc2\x85", 5, &pkt), SIO_ERROR, "and U+0085");
    is_int(decode("0/a\xc2\xa0", 5, &pkt), SIO_OK, "but not U+00A0");
}


static void
test_attachments(void)
{
    int           n, len;
    char          text[1000];
    unsigned      k;
    sio_packet_t  pkt;

    for (n = 1; n <= 11; n++) {
        len = snprintf(text, sizeof(text), "5%d-[\"a\"", n);

        for (k = 0; k < (unsigned) n; k++) {
            len += snprintf(text + len, sizeof(text) - len,
                            ",{\"num\":%u,\"_placeholder\":true}", k);
        }

        len += snprintf(text + len, sizeof(text) - len, "]");

        is_int(decode(text, len, &pkt), n <= 10 ? SIO_OK : SIO_ERROR,
               "%d attachments", n);
    }

    is_int(decode("501-[\"a\"," PH0 "]", 14 + sizeof(PH0) - 5, &pkt), SIO_OK,
           "a leading zero");
    is_int(pkt.attachments, 1, "does not count");
}


static void
test_truncated(void)
{
    size_t         i, len, fine;
    sio_packet_t   pkt;

    static const char *const  cases[] = {
        "52-/custom,789[\"message\"," PH0 "," PH1 "]",
        "2/custom,12[\"a\\u0062\\\\\",{\"b\":[1e5,null]}]",
        "3/custom,12[\"a\",-1.5]"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fine = 0;

        for (len = 0; len < strlen(cases[i]); len++) {
            fine += decode(cases[i], len, &pkt) != SIO_ERROR;
        }

        is_int(fine, 0, "every truncation is refused: %s", cases[i]);
        is_int(decode(cases[i], len, &pkt), SIO_OK, "the whole is fine");
    }
}


static void
test_reserved(void)
{
    int           len;
    size_t        i, j, refused;
    char          text[200];
    sio_packet_t  pkt;

    static const char *const  names[] = {
        "connect", "connect_error", "disconnect", "disconnecting",
        "newListener", "removeListener"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(sio_packet_reserved(sio_cstr(names[i])), "%s is reserved",
           names[i]);
        ok(!sio_packet_reserved(sio_str(names[i], strlen(names[i]) - 1))
           || strcmp(names[i], "connect_error") == 0, "less of it is not");

        len = snprintf(text, sizeof(text), "2[\"%s\",1]", names[i]);
        is_int(decode(text, len, &pkt), SIO_ERROR, "the event is refused");
        is_str(sio_cstr(pkt.error), "reserved event name", "by its name");

        /* each of its characters escaped in turn */

        refused = 0;

        for (j = 0; j < strlen(names[i]); j++) {
            len = snprintf(text, sizeof(text), "2[ \"%.*s\\u00%02X%s\"]",
                           (int) j, names[i], (unsigned) names[i][j],
                           names[i] + j + 1);
            refused += decode(text, len, &pkt) == SIO_ERROR;
        }

        is_int(refused, strlen(names[i]), "also with an escape");
    }

    ok(!sio_packet_reserved(sio_cstr("")), "the empty name is not reserved");
    ok(!sio_packet_reserved(sio_cstr("message")), "nor is message");

    is_int(decode("51-[\"disconnect\"," PH0 "]", 19 + sizeof(PH0) - 2, &pkt),
           SIO_ERROR, "a binary event is refused likewise");
}


/* The same without the payload, whatever it is. */

static void
test_head(void)
{
    sio_packet_t  pkt;

    is_int(sio_packet_head(sio_cstr("2/a,7[not JSON"), &limits, &pkt), SIO_OK,
           "a head");
    is_int(pkt.type, SIO_EVENT, "its type");
    is_str(pkt.nsp, "/a", "its namespace");
    is_int(pkt.id, 7, "its id");
    is_int(pkt.data.len, 0, "no payload");
    is_int(sio_packet_head(sio_cstr("53-[\"x\"]"), &limits, &pkt), SIO_OK,
           "one with attachments");
    is_int(pkt.attachments, 3, "so many");
    is_int(sio_packet_head(sio_cstr("2"), &limits, &pkt), SIO_OK,
           "nothing behind it");
    is_int(sio_packet_head(sio_cstr(""), &limits, &pkt), SIO_ERROR, "empty");
    is_int(sio_packet_head(sio_cstr("4{}"), &limits, &pkt), SIO_ERROR,
           "a server's packet");
    is_int(sio_packet_head(sio_cstr("5[1]"), &limits, &pkt), SIO_ERROR,
           "no attachments");
    is_int(sio_packet_head(sio_cstr("3[]"), &limits, &pkt), SIO_ERROR,
           "an ack of nothing");
}


static void
test_limits(void)
{
    sio_packet_t         pkt;
    sio_packet_limits_t  lim;

    lim = limits;
    lim.max_attachments = 1;

    is_int(sio_packet_decode(sio_cstr("52-[\"a\"," PH0 "," PH1 "]"), &lim,
                             &pkt),
           SIO_ERROR, "more attachments than allowed");

    lim.max_attachments = 100;

    is_int(sio_packet_decode(sio_cstr("511-[\"a\"," PH0 "," PH1 "]"), &lim,
                             &pkt),
           SIO_ERROR, "never more than ours");

    lim = limits;
    lim.json.max_depth = 2;

    is_int(sio_packet_decode(sio_cstr("2[\"a\",[1]]"), &lim, &pkt), SIO_OK,
           "depth 2");
    is_int(sio_packet_decode(sio_cstr("2[\"a\",[[1]]]"), &lim, &pkt),
           SIO_ERROR, "depth 3 of 2");

    lim = limits;
    lim.json.max_keys = 1;

    is_int(sio_packet_decode(sio_cstr("2[\"a\",{\"a\":1}]"), &lim, &pkt),
           SIO_OK, "one key");
    is_int(sio_packet_decode(sio_cstr("2[\"a\",{\"a\":1,\"b\":2}]"), &lim,
                             &pkt),
           SIO_ERROR, "two keys of one");
}


static void
test_encode(void)
{
    size_t        i, max, len;
    unsigned      n;
    sio_buf_t     buf;
    sio_packet_t  pkt;

    static const struct {
        sio_packet_t   pkt;
        const char    *text;
    } cases[] = {
        { { SIO_CONNECT, 0, sio_string("/"), SIO_NO_ID,
            sio_string("{\"sid\":\"x\"}"), NULL }, "40{\"sid\":\"x\"}" },
        { { SIO_CONNECT, 0, sio_string("/custom"), SIO_NO_ID,
            sio_string("{\"sid\":\"x\"}"), NULL },
          "40/custom,{\"sid\":\"x\"}" },
        { { SIO_CONNECT, 0, sio_null_string, SIO_NO_ID,
            sio_null_string, NULL }, "40" },
        { { SIO_CONNECT_ERROR, 0, sio_string("/random"), SIO_NO_ID,
            sio_string("{\"message\":\"Invalid namespace\"}"), NULL },
          "44/random,{\"message\":\"Invalid namespace\"}" },
        { { SIO_DISCONNECT, 0, sio_string("/custom"), SIO_NO_ID,
            sio_null_string, NULL }, "41/custom," },
        { { SIO_EVENT, 7, sio_string("/"), 0, sio_string("[\"a\"]"), NULL },
          "420[\"a\"]" },
        { { SIO_ACK, 0, sio_string("/"), SIO_ID_MAX, sio_string("[]"), NULL },
          "439007199254740991[]" },
        { { SIO_BINARY_EVENT, 2, sio_string("/"), SIO_NO_ID,
            sio_string("[\"a\"]"), NULL }, "452-[\"a\"]" },
        { { SIO_BINARY_ACK, 10, sio_string("/x"), 789, sio_string("[]"),
            NULL }, "4610-/x,789[]" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);

        sio_buf_init(&buf, &unit_mem, len);

        is_int(sio_packet_encode(&buf, &cases[i].pkt), SIO_OK,
               "encoded, in just enough memory");
        is_str(sio_buf_str(&buf), cases[i].text, "%s", cases[i].text);

        sio_buf_free(&buf);

        sio_buf_init(&buf, &unit_mem, len);
        (void) sio_buf_append_char(&buf, 'x');

        is_int(sio_packet_encode(&buf, &cases[i].pkt), SIO_DECLINED,
               "a byte too little declines");
        is_str(sio_buf_str(&buf), "x", "and changes nothing");

        sio_buf_free(&buf);
    }

    pkt = cases[8].pkt;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);

        if (sio_packet_encode(&buf, &pkt) != SIO_OK) {
            is_int(buf.len, 0, "allocation %u fails", n);
        }

        sio_buf_free(&buf);
    }

    /* decoded slices with white space go out as they came */

    max = 1000;
    sio_buf_init(&buf, &unit_mem, max);

    (void) decode("2/a?b=c,007 [ \"x\" ] ", 20, &pkt);
    is_int(sio_packet_encode(&buf, &pkt), SIO_OK, "decoded and encoded");
    is_str(sio_buf_str(&buf), "42/a,7[ \"x\" ]", "is plain");

    sio_buf_free(&buf);
}


static void
test_names(void)
{
    ok(sio_name_valid(sio_cstr("a"), 1), "a name of the greatest length");
    ok(!sio_name_valid(sio_cstr("ab"), 1), "one too long");
    ok(!sio_name_valid(sio_cstr(""), 9), "an empty one");
    ok(!sio_name_valid(sio_cstr("a\x1f"), 9), "a control character");
    ok(!sio_name_valid(sio_str("a\0", 2), 9), "a zero");
    ok(!sio_name_valid(sio_cstr("a\xc2"), 9), "half a character");
    ok(!sio_name_valid(sio_cstr("\xc0\x80"), 9), "an overlong zero");
    ok(sio_name_valid(sio_cstr("\xf0\x9f\x98\x80 ~"), 9), "any other text");
}
