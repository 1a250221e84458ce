/* sio_map: against an array as model, growth, walks, failing memory. */


#include "unit.h"
#include "logic/sio_map.h"


#define ITEMS  5000


typedef struct {
    unsigned        number;
    sio_map_node_t  node;
    char            key[16];
    unsigned        in:1;
    unsigned        seen;
} item_t;


static const sio_hash_key_t  key = { 1, 2 };
static item_t                items[ITEMS];


static sio_str_t
item_key(item_t *item)
{
    return sio_cstr(item->key);
}


static void
items_init(void)
{
    unsigned  i;

    memset(items, 0, sizeof(items));

    for (i = 0; i < ITEMS; i++) {
        items[i].number = i;
        (void) snprintf(items[i].key, sizeof(items[i].key), "key-%u", i);
    }
}


static unsigned
items_wrong(sio_map_t *map)
{
    unsigned         i, wrong;
    sio_map_node_t  *node;

    wrong = 0;

    for (i = 0; i < ITEMS; i++) {
        node = sio_map_find(map, item_key(&items[i]));

        if (items[i].in) {
            wrong += (node == NULL
                      || sio_map_data(node, item_t, node) != &items[i]);
        } else {
            wrong += (node != NULL);
        }
    }

    return wrong;
}


static void
test_model(void)
{
    unsigned   i, n, round, expected;
    sio_map_t  map;

    items_init();
    sio_map_init(&map, &unit_mem, &key);

    ok(sio_map_find(&map, sio_cstr("key-1")) == NULL, "an empty table");

    expected = 0;
    n = 12345;

    for (round = 0; round < 20000; round++) {
        n = n * 1103515245 + 12345;
        i = (n >> 8) % ITEMS;

        if (items[i].in) {
            sio_map_remove(&map, &items[i].node);
            items[i].in = 0;
            expected--;

        } else if (sio_map_insert(&map, &items[i].node, item_key(&items[i]))
                   == SIO_OK)
        {
            items[i].in = 1;
            expected++;
        }
    }

    is_int(map.count, expected, "the count is the model's");
    is_int(items_wrong(&map), 0, "finds what is in, nothing else");
    ok(map.mask >= map.count / 2, "the table has grown");

    sio_map_free(&map);
    unit_mem_none_left("sio_map_free gives the table back");
}


static void
test_walk(void)
{
    unsigned         i, wrong;
    uint32_t         cursor;
    sio_map_t        map;
    sio_map_node_t  *node, *saved;

    items_init();
    sio_map_init(&map, &unit_mem, &key);

    cursor = 0;
    saved = NULL;
    ok(sio_map_next(&map, &cursor, &saved) == NULL, "walk: an empty table");

    for (i = 0; i < 1000; i++) {
        (void) sio_map_insert(&map, &items[i].node, item_key(&items[i]));
        items[i].in = 1;
    }

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&map, &cursor, &saved)) != NULL) {
        i = sio_map_data(node, item_t, node)->number;
        items[i].seen++;

        if (i % 3 == 0) {
            sio_map_remove(&map, node);
            items[i].in = 0;

            /* The memory of a node removed may be gone. */

            memset(node, 0xee, sizeof(sio_map_node_t));
        }
    }

    wrong = 0;

    for (i = 0; i < ITEMS; i++) {
        wrong += (items[i].seen != (i < 1000));
    }

    is_int(wrong, 0, "walk: each node once, though some are removed");
    is_int(items_wrong(&map), 0, "walk: the removed are gone, others stay");

    sio_map_free(&map);
}


static void
test_keys(void)
{
    item_t      a, b, c;
    sio_map_t   map;

    sio_map_init(&map, &unit_mem, &key);

    (void) sio_map_insert(&map, &a.node, sio_str("x\0y", 3));
    (void) sio_map_insert(&map, &b.node, sio_str("x\0z", 3));
    (void) sio_map_insert(&map, &c.node, sio_str("", 0));

    ok(sio_map_find(&map, sio_str("x\0y", 3)) == &a.node, "a key with NUL");
    ok(sio_map_find(&map, sio_str("x\0z", 3)) == &b.node, "another one");
    ok(sio_map_find(&map, sio_str("x", 1)) == NULL, "a prefix is not a key");
    ok(sio_map_find(&map, sio_str(NULL, 0)) == &c.node, "the empty key");

    sio_map_free(&map);
}


static void
test_memory(void)
{
    unsigned   i, failed;
    sio_map_t  map;

    items_init();
    sio_map_init(&map, &unit_mem, &key);

    (void) unit_mem_fail(1);
    is_int(sio_map_insert(&map, &items[0].node, item_key(&items[0])),
           SIO_NOMEM, "no memory for the first node");
    is_int(map.count, 0, "nothing was put in");

    failed = 0;

    for (i = 0; i < 1000; i++) {

        if (map.buckets) {
            unit_mem_ctx.allocs = 0;
            unit_mem_ctx.fail_at = 1;
        }

        failed += (sio_map_insert(&map, &items[i].node, item_key(&items[i]))
                   != SIO_OK);
        items[i].in = 1;
    }

    unit_mem_ctx.fail_at = 0;

    is_int(failed, 0, "growing that fails is not an error");
    is_int(items_wrong(&map), 0, "the small table holds all");

    (void) sio_map_insert(&map, &items[1000].node, item_key(&items[1000]));
    items[1000].in = 1;
    is_int(items_wrong(&map), 0, "and grows when there is memory again");

    sio_map_free(&map);
    unit_mem_none_left("no leak");
}


int
main(void)
{
    unit_plan();
    test_model();
    test_walk();
    test_keys();
    test_memory();
    return unit_done();
}
