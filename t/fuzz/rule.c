/*
 * Rules.  The first byte chooses:
 *
 *   0   the rest is the text of a rule, which is compiled, and run if it
 *       compiles
 *   1   the rest is packets, one a line, for a fixed set of rules that uses
 *       all verbs and kinds of values
 *
 * Whatever is sent is valid: JSON arguments, placeholders that match the
 * attachments, names that are not reserved, names of rooms.  No run ends but
 * by its end or an error with a code, and errors are valid JSON.
 */


#include "../unit/sio_rule_fixture.h"


#define check(test)  if (!(test)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const struct {
    const char  *pattern;
    const char  *rule;
} fuzz_rules[] = {
    { "v", "emit x to all with '{\"a\":$.a,\"b\":[$.a.b[1],$[1].x,$data,$args]"
           ",\"$.k\":\"<$.a|$user|$args|$[1]>\",\"$.l$.k\":$.n}' $args $.a;" },
    { "n", "emit $.e to a:$.r $.r user:$.u except self b:$.x;" },
    { "r", "relay to $.r volatile;" },
    { "j", "join $.r g:$[1]; leave $.r; check in $[1]; relay to all;" },
    { "s", "set a $.a; set b '<$.b>'; emit y to self with $socket.a"
           " $socket.b '{\"$socket.b\":$socket.a.k}';" },
    { "c", "check $.a = $.b; check $.a != 5; check $[1] ~ '^(a+)+$';"
           " check $[1] !~ b; ack $.a $args;" },
    { "x", "expect $.s string 1..64 '~^[\\w-]+$' optional;"
           " expect $.n number -1.5..1e9; expect $.i integer 0..10 optional;"
           " expect $.a array 1..3 optional; expect $.o object ..3 optional;"
           " expect $.b binary ..100 optional; expect $.t boolean optional;"
           " expect $.e in a b 3 true optional; ack null $.n;" },
    { "w", "when $.a = 1 { when $.b = 2 { reject two '$.c'; } otherwise {"
           " emit w to all with $.c; } } otherwise { ack $now $now_ms $uuid"
           " $event $auth.token $remote_addr; } set w $.w;" },
    { "~^re:(\\w+):(?<id>.*)$", "emit re to d:$id with $1 '\"$id\"';" },
    { "g:*:x", "reject own '$event $.a $args';" },
    { "m", "expect $.l[*] any; expect $.m[*].id string ..9 optional;"
           " check $.l[*] != 5; check x$.l[*] !~ y; join g:$.l[*];"
           " emit m to user:$.l[*] $.r[*].id except $.x[*] self with $.m[*].id"
           " '{\"l\": $.l[*]}' $[*]; ack $sent.delivered $sent.rejected[1];"
           " when $.l[*] = 1 { leave $.l[*]; } check in $.l[*];" },
    { "l", "limit 1r/s key=a:$.k; dedup $.k:$.a; check online $.k;"
           " count n $.k; emit c to n:$n throttle=1s with $n;"
           " emit b to user:$.k mailbox=$.a with $.b; mailbox flush;"
           " mailbox drop $.k;" },
    { "d", "disconnect;" },
    { "*", "ack $args;" }
};

#define FUZZ_PLACEHOLDER(n)  "{\"_placeholder\":true,\"num\":" n "}"

#define FUZZ_RULES  (sizeof(fuzz_rules) / sizeof(fuzz_rules[0]))


static void
fuzz_check_args(sio_str_t args, const sio_binary_t *attachments)
{
    unsigned           n;
    uint64_t           wanted;
    sio_buf_t          buf;
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    limits.max_depth = SIO_JSON_DEPTH_MAX;
    limits.max_keys = (unsigned) -1;

    sio_buf_init(&buf, &fx_mem, 1 << 24);

    check(sio_event_encode(&buf, sio_cstr("x"), args) == SIO_OK);
    check(sio_json_validate(sio_buf_str(&buf), &limits, &info, NULL)
          == SIO_OK);

    n = attachments ? attachments->n : 0;
    wanted = ((uint64_t) 1 << n) - 1;

    check(n <= SIO_ATTACHMENTS);
    check(!info.bad_placeholder);
    check((info.placeholder_nums & ~wanted) == 0);

    /* what is met in a placeholder that a later member replaces is lost */

    check(info.placeholders == 0 || n > 0);

    sio_buf_free(&buf);
}


static int
fuzz_emit(sio_run_t *run, const sio_emission_t *emission)
{
    unsigned  i;

    check(!sio_packet_reserved(emission->event));
    check(!emission->self || emission->target.nrooms == 0);
    check(emission->target.nrooms + emission->target.nexcept
          <= SIO_EMIT_ROOMS_MAX);
    check(!emission->mailbox || sio_room_name_valid(emission->mailbox_key));

    /* an empty list must not become everybody */

    check(!sio_str_eq(rx.run.event, sio_cstr("m"))
          || emission->target.nrooms > 0);

    if (emission->sent) {
        emission->sent->delivered = sio_cstr("[\"a\"]");
    }

    for (i = 0; i < emission->target.nrooms; i++) {
        check(sio_room_name_valid(emission->target.rooms[i]));
    }

    for (i = 0; i < emission->target.nexcept; i++) {
        check(sio_room_name_valid(emission->target.except[i]));
    }

    fuzz_check_args(emission->args, emission->attachments);

    return SIO_OK;
}


static int
fuzz_ack(sio_run_t *run, sio_str_t args, const sio_binary_t *attachments)
{
    check(run->ack_id != SIO_NO_ID);

    fuzz_check_args(args, attachments);

    return SIO_OK;
}


static int
fuzz_join(sio_run_t *run, sio_str_t room)
{
    check(sio_room_name_valid(room));
    check(!sio_room_reserved(room));

    return sio_room_join(run->socket, room);
}


static void
fuzz_packet(sio_str_t text)
{
    int                    rc;
    sio_buf_t              buf;
    sio_str_t              json;
    sio_packet_t           pkt;
    sio_rule_ops_t         ops;
    sio_json_info_t        info;

    if (sio_packet_decode(text, &fx.limits.packet, &pkt) != SIO_OK
        || (pkt.type != SIO_EVENT && pkt.type != SIO_BINARY_EVENT))
    {
        return;
    }

    ops = rx_ops;
    ops.emit = fuzz_emit;
    ops.ack = fuzz_ack;
    ops.join = fuzz_join;

    rx_run_init(fx_socket(rx.conn, "/"));
    rx.run.ops = &ops;
    rx.run.ack_id = pkt.id;

    if (pkt.type == SIO_BINARY_EVENT) {
        rx.attachments.n = pkt.attachments;
        rx.run.attachments = &rx.attachments;
    }

    check(sio_run_payload(&rx.run, pkt.data) == SIO_OK);

    rx.run.rule = sio_rules_find(&rx.rules, &ops, rx.run.event, sio_cstr(""),
                                 rx.run.captures);
    if (rx.run.rule == NULL) {
        return;
    }

    rc = sio_rule_run(&rx.run);

    check(rc == SIO_OK || rc == SIO_ERROR);
    check((rc == SIO_ERROR) == (rx.run.code != SIO_CODE_NONE));
    check(rx.run.code != SIO_CODE_INTERNAL);

    if (rc == SIO_ERROR) {
        sio_buf_init(&buf, &fx_mem, 1 << 24);
        check(sio_rule_error(&rx.run, &buf) == SIO_OK);
        check(sio_json_validate(sio_buf_str(&buf), &fx.limits.packet.json,
                                &info, &json) == SIO_OK);
        check(sio_json_type(json) == SIO_JSON_OBJECT);
        sio_buf_free(&buf);
    }
}


static void
fuzz_packets(const char *text)
{
    size_t       i, len;
    const char  *end;

    for (i = 0; i < FUZZ_RULES; i++) {
        check(*rx_on(fuzz_rules[i].pattern, fuzz_rules[i].rule) == '\0');
    }

    for ( /* void */ ; *text; text += len) {
        end = strchr(text, '\n');
        len = end ? (size_t) (end - text) : strlen(text);

        fuzz_packet(sio_str(text, len));

        len += (end != NULL);
    }
}


static void
fuzz_compile(const char *text)
{
    int     rc;
    size_t  i;

    static const char  *packets[] = {
        "2[\"e\"]",
        "27[\"e\",{\"a\":1,\"b\":[\"x\",null],\"r\":\"lobby\"},\"two\"]",
        "52-7[\"e\"," FUZZ_PLACEHOLDER("1") ",[" FUZZ_PLACEHOLDER("0") "]]"
    };

    rc = rx_compile(SIO_SOURCE_EVENT, "~^(?<id>e)$", "", text);

    check((rc == SIO_OK) == (rx.c.error[0] == '\0') || rc == SIO_NOMEM);

    if (rc != SIO_OK) {
        return;
    }

    for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        fuzz_packet(sio_cstr(packets[i]));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *text;
    unsigned   i;

    if (size == 0) {
        return 0;
    }

    text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';

    rx_init(&fx_mem);

    for (i = 0; i < SIO_ATTACHMENTS; i++) {
        rx.attachments.item[i] = sio_str(&"0123456789"[i], 1);
    }

    if (data[0] == '0') {
        fuzz_compile(text);

    } else if (data[0] == '1') {
        fuzz_packets(text);
    }

    rx_cleanup();
    free(text);

    return 0;
}
