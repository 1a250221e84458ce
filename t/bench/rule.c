/*
 * What two checks cost: a rule that relays, and one that checks two things
 * before, on the same event, in turns.  Each is timed in many short rounds of
 * CPU time; the fastest round of each is compared, because noise only adds.
 *
 *     expect $.text string 1..2000; check in $.roomId; relay to $.roomId;
 *
 * Prints both, and fails if the difference is above 1.5 microseconds.
 */


#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/unit.h"
#include "../unit/sio_rule_fixture.h"


#define ROUNDS      400
#define EVENTS      500                  /* of a round */
#define BOUND_NSEC  1500


static int
bench_emit(sio_run_t *run, const sio_emission_t *emission)
{
    return emission->args.len ? SIO_OK : SIO_ERROR;
}


static double
bench_round(const sio_rule_ops_t *ops, sio_str_t data)
{
    unsigned         i;
    struct timespec  from, to;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);

    for (i = 0; i < EVENTS; i++) {
        rx_run_init(fx_socket(rx.conn, "/"));
        (void) sio_run_payload(&rx.run, data);

        rx.run.rule = sio_rules_find(&rx.rules, ops, rx.run.event,
                                     sio_cstr(""), rx.run.captures);
        rx.run.ops = ops;

        if (sio_rule_run(&rx.run) != SIO_OK) {
            fprintf(stderr, "refused\n");
            exit(1);
        }
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);

    return ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec))
           / EVENTS;
}


int
main(void)
{
    double          nsec, bare, checked;
    unsigned        i;
    const char     *error;
    sio_rule_ops_t  ops;

    rx_init(&unit_mem);

    ops = rx_ops;
    ops.emit = bench_emit;

    error = rx_on("bare", "relay to $.roomId;");

    if (*error == '\0') {
        error = rx_on("safe", "expect $.text string 1..2000;"
                      " check in $.roomId; relay to $.roomId;");
    }

    if (*error) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }

    bare = 1e9;
    checked = 1e9;

    for (i = 0; i < ROUNDS; i++) {
        nsec = bench_round(&ops, sio_cstr("[\"bare\",{\"roomId\":\"lobby\","
                                          "\"text\":\"How do you do?\"}]"));
        bare = nsec < bare ? nsec : bare;

        nsec = bench_round(&ops, sio_cstr("[\"safe\",{\"roomId\":\"lobby\","
                                          "\"text\":\"How do you do?\"}]"));
        checked = nsec < checked ? nsec : checked;
    }

    printf("relay: %.0f nsec, with two checks: %.0f nsec, more: %.0f nsec\n",
           bare, checked, checked - bare);

    rx_cleanup();

    return checked - bare > BOUND_NSEC;
}
