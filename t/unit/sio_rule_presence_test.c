/*
 * on online, on offline: rules about a user, without a socket.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_run(void);
static void test_refused(void);


int
main(void)
{
    unit_plan();

    test_run();
    test_refused();

    return unit_done();
}


static void
test_run(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on_online("emit user:online to friends:$user all:$namespace"
                       " except user:$user with '{\"id\": $user}';"), "",
          "on online");
    fx_is(rx_presence(&rx.online, "amy"), "emit user:online({\"id\":\"amy\"})"
          " to friends:amy,all:/ except user:amy;", "it has the user");

    fx_is(rx_on_offline("when $user = amy { emit bye to all with $user; }"
                        " otherwise { emit gone to all with $now_ms; }"), "",
          "on offline");
    fx_is(rx_presence(&rx.offline, "amy"), "emit bye(\"amy\") all;",
          "the user is compared");
    fx_is(rx_presence(&rx.offline, "bob"), "emit gone(1795255200000) all;",
          "and another one");

    fx_is(rx_on_online("emit x to all;"), "", "no arguments");
    fx_is(rx_presence(&rx.online, "amy"), "emit x() all;", "go out");

    fx_is(rx_on_online("check $user = root; emit x to all;"), "", "a check");
    fx_is(rx_presence(&rx.online, "amy"), "error {\"code\":\"forbidden\","
          "\"message\":\"not allowed\"};", "that fails ends it");

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_refused(void)
{
    char    text[128];
    size_t  i;

    static const struct {
        const char  *rule;
        const char  *error;
    } errors[] = {
        { "join x;", "\"join\" cannot be used in " },
        { "leave x;", "\"leave\" cannot be used in " },
        { "set a 1;", "\"set\" cannot be used in " },
        { "ack null;", "\"ack\" cannot be used in " },
        { "relay to x;", "\"relay\" cannot be used in " },
        { "reject x;", "\"reject\" cannot be used in " },
        { "disconnect;", "\"disconnect\" cannot be used in " },
        { "check in x;", "\"in\" cannot be checked in " },
        { "emit x to self;", "\"self\" cannot be used in " },
        { "emit x to all except self;", "\"self\" cannot be used in " },
        { "emit x to $.a;", "\"$.a\" has no value in " },
        { "emit x to a with $args;", "\"$args\" has no value in " },
        { "emit $event to a;", "\"$event\" has no value in " },
        { "emit x to $socket;", "\"$socket\" has no value in " },
        { "emit x to $socket.a;", "\"$socket.a\" has no value in " },
        { "emit x to $auth.a;", "\"$auth.a\" has no value in " },
        { "emit x to $transport;", "\"$transport\" has no value in " },
        { "emit x to $reason;", "\"$reason\" has no value in " },
        { "emit x to $remote_addr;", "\"$remote_addr\" has no value in " }
    };

    rx_init(&unit_mem);

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        snprintf(text, sizeof(text), "%s\"on online\": it has no socket",
                 errors[i].error);
        fx_is(rx_on_online(errors[i].rule), text, "online: %s",
              errors[i].rule);

        snprintf(text, sizeof(text), "%s\"on offline\": it has no socket",
                 errors[i].error);
        fx_is(rx_on_offline(errors[i].rule), text, "offline: %s",
              errors[i].rule);
    }

    rx_cleanup();
}
