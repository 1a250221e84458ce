/*
 * Events that wait: copies in order, and what they cost.
 */


#include "unit.h"
#include "logic/sio_backlog.h"


static sio_packet_t event(const char *data, int64_t id);
static void test_copy(void);
static void test_order(void);
static void test_memory(void);


int
main(void)
{
    unit_plan();

    test_copy();
    test_order();
    test_memory();

    return unit_done();
}


static sio_packet_t
event(const char *data, int64_t id)
{
    sio_packet_t  pkt;

    memset(&pkt, 0, sizeof(sio_packet_t));

    pkt.type = SIO_EVENT;
    pkt.data = sio_cstr(data);
    pkt.id = id;

    return pkt;
}


static void
test_copy(void)
{
    char           text[] = "[\"a\",{\"_placeholder\":true,\"num\":0}]";
    char           bytes[] = "\001\002\003";
    sio_kept_t    *kept;
    sio_packet_t   pkt;
    sio_binary_t   attachments;

    pkt = event(text, 7);

    attachments.n = 3;
    attachments.item[0] = sio_str(bytes, 3);
    attachments.item[1] = sio_str(NULL, 0);
    attachments.item[2] = sio_str(bytes + 1, 2);

    kept = sio_kept_create(&unit_mem, &pkt, &attachments);

    memset(text, 'x', sizeof(text) - 1);
    memset(bytes, 'x', 3);

    is_str(kept->data, "[\"a\",{\"_placeholder\":true,\"num\":0}]",
           "the payload is a copy");
    is_int(kept->id, 7, "with the ack's id");
    is_int(kept->attachments->n, 3, "and all attachments");
    is_mem(kept->attachments->item[0].data, kept->attachments->item[0].len,
           "\001\002\003", 3, "the first is a copy");
    is_int(kept->attachments->item[1].len, 0, "an empty one is empty");
    is_mem(kept->attachments->item[2].data, kept->attachments->item[2].len,
           "\002\003", 2, "the last is a copy");
    ok(kept->bytes >= sizeof(text) - 1 + 5, "the cost holds all of it");

    sio_free(&unit_mem, kept);

    pkt = event("[\"b\"]", SIO_NO_ID);
    kept = sio_kept_create(&unit_mem, &pkt, NULL);

    ok(kept->attachments == NULL, "a text event has no attachments");
    is_int(kept->id, SIO_NO_ID, "nor an id");

    sio_free(&unit_mem, kept);
    unit_mem_none_left("copies are freed");
}


static void
test_order(void)
{
    sio_kept_t     *kept;
    sio_packet_t    pkt;
    sio_backlog_t   backlog;

    sio_backlog_init(&backlog);
    ok(sio_backlog_pop(&backlog) == NULL, "an empty backlog gives nothing");

    pkt = event("[1]", 1);
    sio_backlog_push(&backlog, sio_kept_create(&unit_mem, &pkt, NULL));
    pkt = event("[2]", 2);
    sio_backlog_push(&backlog, sio_kept_create(&unit_mem, &pkt, NULL));

    is_int(backlog.n, 2, "events are counted");
    is_int(backlog.bytes, 2 * (sizeof(sio_kept_t) + 3), "and their bytes");

    kept = sio_backlog_pop(&backlog);
    is_str(kept->data, "[1]", "the first comes first");
    sio_free(&unit_mem, kept);

    pkt = event("[3]", 3);
    sio_backlog_push(&backlog, sio_kept_create(&unit_mem, &pkt, NULL));

    kept = sio_backlog_pop(&backlog);
    is_str(kept->data, "[2]", "then the second");
    sio_free(&unit_mem, kept);

    kept = sio_backlog_pop(&backlog);
    is_str(kept->data, "[3]", "then what was added meanwhile");
    sio_free(&unit_mem, kept);

    is_int(backlog.n + backlog.bytes, 0, "nothing is left");

    pkt = event("[4]", 4);
    sio_backlog_push(&backlog, sio_kept_create(&unit_mem, &pkt, NULL));
    is_int(backlog.n, 1, "a backlog that was empty is filled again");

    sio_backlog_free(&backlog, &unit_mem);
    is_int(backlog.n + backlog.bytes, 0, "it is freed with what is in it");
    unit_mem_none_left("nothing leaks");
}


static void
test_memory(void)
{
    unsigned      n;
    sio_kept_t   *kept;
    sio_packet_t  pkt;

    pkt = event("[1]", 1);

    for (n = 1; unit_mem_fail(n); n++) {
        kept = sio_kept_create(&unit_mem, &pkt, NULL);
        ok((kept == NULL) == (n == 1), "no memory, no copy");
        sio_free(&unit_mem, kept);
    }

    unit_mem_none_left("nothing is left of it");
}
