/*
 * load MODE --port N [options]
 *
 * Puts a load on a server, measures what that costs the server, and prints
 * one line of JSON.  Without arguments it tells what there is.
 */


#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"


load_options_t  load_options = {
    .path = "/socket.io/?EIO=4&transport=websocket",
    .event = "b",
    .to = "nobody",
    .connections = 100,
    .window = 1,
    .size = 200,
    .seconds = 3
};

load_result_t   load_result;


static void
load_usage(void)
{
    const load_mode_t  *mode;

    fprintf(stderr,
            "usage: load MODE --port N [--pids N,N...] [--connections N]\n"
            "            [--seconds N] [--size BYTES] [--window N] [--rate N]\n"
            "            [--path PATH] [--key KEY] [--event NAME] [--to ROOM]\n"
            "            [--plain]\n"
            "\n");

    for (mode = load_socket_modes; mode->name; mode++) {
        fprintf(stderr, "    %-10s %s\n", mode->name, mode->what);
    }

    for (mode = load_http_modes; mode->name; mode++) {
        fprintf(stderr, "    %-10s %s\n", mode->name, mode->what);
    }

    exit(2);
}


static unsigned
load_number(const char *text, unsigned max)
{
    char           *end;
    unsigned long   value;

    value = strtoul(text, &end, 10);

    if (end == text || *end || value > max) {
        load_fail("\"%s\" is no number up to %u", text, max);
    }

    return (unsigned) value;
}


static void
load_pids(char *text)
{
    char  *pid;

    for (pid = strtok(text, ","); pid; pid = strtok(NULL, ",")) {
        if (load_options.npids == LOAD_PIDS) {
            load_fail("too many processes");
        }

        load_options.pids[load_options.npids++] = load_number(pid, 1u << 30);
    }
}


static void
load_option(const char *name, char *value)
{
    if (strcmp(name, "--port") == 0) {
        load_options.port = load_number(value, 65535);

    } else if (strcmp(name, "--pids") == 0) {
        load_pids(value);

    } else if (strcmp(name, "--connections") == 0) {
        load_options.connections = load_number(value, 1000000);

    } else if (strcmp(name, "--seconds") == 0) {
        load_options.seconds = atof(value);

    } else if (strcmp(name, "--size") == 0) {
        load_options.size = load_number(value, 60000);

    } else if (strcmp(name, "--window") == 0) {
        load_options.window = load_number(value, 1024);

    } else if (strcmp(name, "--rate") == 0) {
        load_options.rate = load_number(value, 1000000);

    } else if (strcmp(name, "--path") == 0) {
        load_options.path = value;

    } else if (strcmp(name, "--key") == 0) {
        load_options.key = value;

    } else if (strcmp(name, "--event") == 0) {
        load_options.event = value;

    } else if (strcmp(name, "--to") == 0) {
        load_options.to = value;

    } else {
        load_usage();
    }
}


static void
load_print(void)
{
    uint64_t              per;
    const load_result_t  *r;

    r = &load_result;
    per = r->deliveries ? r->deliveries : r->ops;

    printf("{\"mode\":\"%s\",\"ops\":%llu,\"deliveries\":%llu,"
           "\"lost\":%llu,\"repeated\":%llu,\"disordered\":%llu,"
           "\"errors\":%llu,",
           load_options.mode, (unsigned long long) r->ops,
           (unsigned long long) r->deliveries, (unsigned long long) r->lost,
           (unsigned long long) r->repeated,
           (unsigned long long) r->disordered,
           (unsigned long long) r->errors);

    printf("\"seconds\":%.3f,\"cpu\":%.3f,\"own\":%.3f,\"usec\":%.3f,"
           "\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"bytes\":%.1f}\n",
           r->wall / 1e9, r->cpu / 1e9, r->own / 1e9,
           per ? r->cpu / 1e3 / per : 0.0,
           load_percentile(0.5) / 1e6, load_percentile(0.99) / 1e6,
           load_percentile(1) / 1e6,
           load_options.connections
               ? (double) r->bytes / load_options.connections : 0.0);
}


int
main(int argc, char **argv)
{
    int                 i;
    struct rlimit       files;
    const load_mode_t  *mode;

    if (argc < 2) {
        load_usage();
    }

    load_options.mode = argv[1];

    for (i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--plain") == 0) {
            load_options.plain = 1;

        } else if (i + 1 < argc) {
            load_option(argv[i], argv[i + 1]);
            i++;

        } else {
            load_usage();
        }
    }

    if (load_options.port == 0 || load_options.connections == 0) {
        load_usage();
    }

    (void) getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &files);

    signal(SIGPIPE, SIG_IGN);

    for (mode = load_socket_modes; mode->name; mode++) {
        if (strcmp(mode->name, load_options.mode) == 0) {
            mode->run();
            load_print();
            return 0;
        }
    }

    for (mode = load_http_modes; mode->name; mode++) {
        if (strcmp(mode->name, load_options.mode) == 0) {
            mode->run();
            load_print();
            return 0;
        }
    }

    load_usage();
}
