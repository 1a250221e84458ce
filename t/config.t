#!/usr/bin/env node
'use strict';

// What nginx -t says to a wrong configuration: each mistake with its message,
// file and line.  The wrong line is the one that ends with "# !".

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');

const space = (lines) => `namespace / { authenticate none; ${lines}\n}`;
const rule = (lines, on = 'on x') => space(`\n${on} {\n ${lines} # !\n}`);
const connect = (lines) => rule(lines, 'on connect');
const api = (lines) => rule(lines, 'api x');

const inRule = [
  ['an unknown verb', 'jion x;', 'unknown directive "jion"'],
  ['too few arguments', 'join;', 'too few arguments in "join", its form is: '
    + 'join ROOM...'],
  ['too many arguments', 'set a b c;', 'too many arguments in "set"'],
  ['disconnect takes none', 'disconnect now;',
    'too many arguments in "disconnect"'],
  ['emit to nobody', 'emit x with 1 2;', '"emit" does not say to whom'],
  ['to without a room', 'emit x to with 1;', '"emit" does not say to whom'],
  ['a reserved event', 'emit disconnect to all;',
    '"disconnect" is an event name that Socket.IO reserves'],
  ['another reserved event', 'emit connect_error to x;',
    '"connect_error" is an event name that Socket.IO reserves'],
  ['an event without a name', 'emit "" to x;', 'the name of the event has'],
  ['to twice', 'emit x to a to b;', '"to" stands there twice'],
  ['with twice', 'emit x to a with 1 with 2;', '"with" stands there twice'],
  ['with nothing', 'emit x to a with;', '"with" has no template'],
  ['except nobody', 'emit x to a except;', '"except" names nobody'],
  ['except all', 'emit x to a except all;', '"except all" leaves nobody'],
  ['self and its exception', 'emit x to self except self;',
    '"to self" has no "except"'],
  ['all and a room', 'emit x to all a;', '"all" stands alone behind "to"'],
  ['self and a room', 'emit x to self a;', '"self" stands alone behind "to"'],
  ['a misspelt parameter', 'emit x to a with 1 volatil;',
    'in the template "volatil"'],
  ['a parameter of later versions', 'emit x to a with 1 nonsense=1;', null],
  ['an empty room', 'join "";', 'the name of a room is empty'],
  ['a room that is no name', `join ${'x'.repeat(257)};`,
    'is not a name for a room: 1 to 256 bytes without control characters'],
  ['a room of a user', 'join user:$.id;',
    '"user:$.id": the rooms of users are joined by authentication alone'],
  ['a literal room of a user', 'join a user:7;', '"user:7": the rooms of'],
  ['to leave a room of a user', 'leave user:7;', '"user:7": the rooms of'],
  ['the room of an id', 'join abcdefghij0123456789;',
    '"abcdefghij0123456789" looks like the id of a socket'],
  ['relay with a name', 'relay chat to x;',
    '"relay" keeps the name of the event, for "chat" use "emit"'],
  ['relay to self', 'relay to self;', '"relay" goes to others'],
  ['a bad template', `ack '{"a": }';`, `in the template "{"a": }"`],
  ['an open template', `ack '{"a": 1';`, `in the template "{"a": 1"`],
  ['a template that is no JSON', 'ack yes;', 'in the template "yes"'],
  ['an unknown value in a template', `ack '{"a": $nobody}';`,
    'unknown value "$nobody": neither'],
  ['a misspelt value', 'ack $usr;', 'unknown value "$usr"'],
  ['an unknown value in a room', 'join x:$nothing_at_all;',
    'unknown value "$nothing_at_all"'],
  ['a group that is not there', 'join $1;',
    '"$1": the pattern of this rule has no such group'],
  ['a member of what has none', 'ack $user.name;',
    '"$user" has no members, for text behind it write "${user}"'],
  ['a value of another rule', 'ack $reason;',
    '"$reason" has no value in this rule'],
  ['an index too large', 'ack $[1234567];', 'the index in "$[1234567]"'],
  ['a path into all arguments', 'ack $args.x;', '"$args" is a list'],
  ['check without a condition', 'check $.a;', 'too few arguments in "check"'],
  ['an unknown operator', 'check $.a == 1;', '"==" is not an operator'],
  ['less than', 'check $.a < 1;', '"<" is not an operator'],
  ['no operator', 'check $.a $.b;', '"$.a" is not a condition'],
  ['too much to compare', 'check $.a = 1 2;', '"2" is too much behind "="'],
  ['two literals', 'check a = b;', '"a" and "b" are both literal'],
  ['to equal null', 'check $.a = null;', 'nothing equals null'],
  ['a literal to match', 'check a ~ b;', '"a" is not a value of an event'],
  ['a bad expression', 'check $.a ~ "(";', 'in "(" at ""'],
  ['a list in the name of an event', 'emit $.a[*] to b;',
    '"$.a[*]": "[*]" has no meaning here, only in names of rooms, in'],
  ['two lists in a room', 'join $.a[*]:$.b[*];', 'a second "[*]" in'],
  ['a list on the right', 'check $.a = $.b[*];', '"$.b[*]": "[*]" has no'],
  ['online is about a user', 'check online user:$.a;',
    '"user:$.a" is a room, "online" is about a user: online $.a'],
  ['a rate without its unit', 'limit 10;', '"10" is not a rate: 1 to 1000000'
    + ' in a second or a minute, as 10r/s or 30r/m'],
  ['a burst that is none', 'limit 1r/s burst=x;', '"burst=x" is not one'],
  ['two bursts', 'limit 1r/s burst=0 burst=0;', '"burst" stands there twice'],
  ['two keys', 'limit 1r/s key=$.a key=$.b;', '"key" stands there twice'],
  ['no key', 'limit 1r/s key=;', '"key=" has no value'],
  ['throttled twice', 'emit x to a throttle=1s throttle=1s;',
    '"throttle" stands there twice'],
  ['volatile twice', 'emit x to a volatile with 1 volatile;',
    '"volatile" stands there twice'],
  ['two mailboxes', 'emit x to user:a mailbox mailbox=b;',
    '"mailbox" stands there twice'],
  ['a limit with more', 'limit 1r/s nodelay;', 'unexpected "nodelay": behind'],
  ['a literal to know again', 'dedup x;', '"x" is literal: "dedup" takes'],
  ['a window of no time', 'dedup $.a window=soon;',
    '"soon" is not a time of 1ms to 30d, as 500ms, 10s or 1m30s'],
  ['throttle without a time', 'emit x to a throttle;',
    'the parameter "throttle" takes a value'],
  ['a name to count that is taken', 'count user lobby;',
    '"$user" is a value already, take another name'],
  ['sent before it is', 'ack $sent.delivered;',
    '"$sent.delivered": no "emit ... to user:ID" stands before it'],
  ['a misspelt list of users', 'emit x to user:a; ack $sent.deliverd;',
    'did you mean "delivered"?'],
  ['a mailbox of a room', 'emit x to a mailbox;',
    `a mailbox is a user's: with "mailbox" all rooms behind "to" are user:ID`],
  ['a mailbox and an exception', 'emit x to user:a except self mailbox;',
    '"mailbox" takes no "except"'],
  ['a volatile mailbox', 'emit x to user:a mailbox volatile;',
    'what is "volatile" is not kept in a mailbox'],
  ['a mailbox of relay', 'relay to user:a mailbox;',
    '"relay" has no mailbox, use: emit $event to user:ID mailbox'],
  ['an unknown mailbox verb', 'mailbox empty;', '"mailbox empty" is unknown'],
  ['drop without a key', 'mailbox drop;', '"mailbox drop" has no key'],
  ['check in no room', 'check in;', 'too few arguments in "check"'],
  ['check in two rooms', 'check in a b;', 'too many arguments behind "in"'],
  ['a value in a list', 'check $.a in b;',
    'for a list of values: expect $.a in A B C'],
  ['expect a literal', 'expect a string;', '"a" is literal'],
  ['expect nothing', 'expect $.a;', 'too few arguments in "expect"'],
  ['an unknown type', 'expect $.a strnig;',
    'unknown type "strnig", did you mean "string"?'],
  ['a range of no type', 'expect $.a boolean 1..2;',
    '"boolean" has no range'],
  ['an empty range', 'expect $.a string 3..2;', 'the range "3..2" is empty'],
  ['a negative length', 'expect $.a string -1..2;',
    '"-1..2" is not a range for "string"'],
  ['a fraction of an integer', 'expect $.a integer 1.5..2;',
    '"1.5..2" is not a range for "integer"'],
  ['two ranges', 'expect $.a number 1..2 3..4;', 'a second range "3..4"'],
  ['no range at all', 'expect $.a number ..;', 'unexpected ".."'],
  ['an expression for a number', 'expect $.a number ~x;',
    '"~x" is for strings alone'],
  ['a bad expression of a string', 'expect $.a string "~[";', 'at'],
  ['two expressions', 'expect $.a string ~a ~b;',
    'a second expression "~b"'],
  ['a list of nothing', 'expect $.a in;', '"in" has no values'],
  ['a value in the list', 'expect $.a in b $.c;',
    '"$.c" cannot be one of the values'],
  ['a code that is none', 'reject "not allowed";',
    '"not allowed" is not a code'],
  ['set without a name', 'set a.b 1;', '"a.b" is not a name'],
  ['set a number', 'set 1a 1;', '"1a" is not a name'],
  ['behind reject', 'reject forbidden; join x;',
    'unreachable: nothing runs behind "reject"'],
  ['behind disconnect', 'disconnect; ack 1;',
    'unreachable: nothing runs behind "disconnect"'],
  ['otherwise without when', 'otherwise {',
    '"otherwise" must stand right behind the block of a "when"'],
  ['when without a condition', 'when {', null],
  ['when with half a condition', 'when $.a = {', null],
  ['a rule in a rule', 'on y {', '"on" directive is not allowed here, it '
    + 'stands in a "namespace" block'],
  ['a namespace in a rule', 'namespace /x {',
    '"namespace" directive is not allowed here, it stands in a '
    + '"socketio_app" block'],
  ['a throttled join', 'join x throttle=1s;',
    '"throttle=1s" is no room, it stands behind "emit" or "relay"'],
  ['a later verb', 'query x y;', 'unknown directive "query"'],
];

const inOthers = [
  ['self in api', api('emit x to self;'), '"self" cannot be used in an "api"'],
  ['except self in api', api('emit x to all except self;'),
    '"self" cannot be used in an "api" rule: it has no socket'],
  ['join in api', api('join x;'), '"join" cannot be used in an "api" rule'],
  ['relay in api', api('relay to x;'), '"relay" cannot be used in'],
  ['the user in api', api(`emit x to all with '{"a": $user}';`),
    '"$user" has no value in an "api" rule'],
  ['an nginx variable in api', api('emit x to $remote_addr;'),
    '"$remote_addr" has no value in an "api" rule'],
  ['check in a room in api', api('check in x;'),
    '"in" cannot be checked in an "api" rule'],
  ['ack in connect', connect('ack null;'),
    '"ack" cannot be used in "on connect"'],
  ['relay in connect', connect('relay to x;'),
    '"relay" cannot be used in "on connect"'],
  ['arguments in connect', connect('join $.room;'),
    '"$.room" has no value in "on connect"'],
  ['join in disconnect', rule('join x;', 'on disconnect'),
    '"join" cannot be used in "on disconnect"'],
  ['self in disconnect', rule('emit x to self;', 'on disconnect'),
    '"to self" reaches nobody in "on disconnect"'],
  ['reject in disconnect', rule('reject x;', 'on disconnect'),
    '"reject" cannot be used in "on disconnect"'],
  ['self in online', rule('emit x to all except self;', 'on online'),
    '"self" cannot be used in "on online": it has no socket'],
  ['join in offline', rule('join x;', 'on offline'),
    '"join" cannot be used in "on offline": it has no socket'],
  ['a group beyond the ninth', rule('join $10;', 'on "~^(.)(.)(.)(.)(.)(.)(.)'
    + '(.)(.)(.)"'), '"$10" is a group beyond the ninth'],
];

const patterns = [
  ['the same event twice', 'on x { ack 1; }\n on x { # !\n ack 2; }',
    'a second rule for "x"'],
  ['the same glob twice', 'on x:* { ack 1; }\n on x:* { # !\n ack 2; }',
    'a second rule for "x:*", the first one is at '],
  ['the same expression twice', 'on ~^x { ack 1; }\n on ~^x { # !\n ack 2; }',
    'a second rule for "~^x"'],
  ['any event twice', 'on * { ack 1; }\n on * { # !\n ack 2; }',
    'a second rule for "*"'],
  ['connect twice', 'on connect { join x; }\n on connect { # !\n join x; }',
    'duplicate rule "on connect"'],
  ['disconnect twice', 'on disconnect { }\n on disconnect { # !\n }',
    'duplicate rule "on disconnect"'],
  ['online twice', 'on online { }\n on online { # !\n }',
    'duplicate rule "on online"'],
  ['online without presence', 'on offline { # !\n }',
    '"on offline" needs "presence" in socketio_app "campus"'],
  ['a target without rooms', 'target everyone; # !\n',
    'invalid number of arguments in "target" directive'],
  ['a target of a socket', 'target me self; # !\n',
    '"self" cannot be used in an "api" rule'],
  ['a target with a bad room', 'target me room:$user; # !\n',
    '"$user" has no value in an "api" rule'],
  ['a target twice', 'target a x;\n target a y; # !\n',
    'a second rule for "*" of target "a"'],
  ['a target and its rule', 'api a * { }\n target a y; # !\n',
    'a second rule for "*" of target "a"'],
  ['api twice', 'api t x { }\n api t x { # !\n }', 'a second rule for "x"'],
  ['a reserved event', 'on disconnecting { # !\n }',
    '"disconnecting" is an event name that Socket.IO reserves'],
  ['an event without a name', 'on "" { # !\n }', 'the name of the event is'],
  ['a bad expression', 'on "~(x" { # !\n }', 'in "(x" at ""'],
  ['two patterns', 'on a b { # !\n }',
    'invalid number of arguments in "on" directive'],
  ['no event of the API', 'api { # !\n }',
    'invalid number of arguments in "api" directive'],
  ['a second authenticate', 'authenticate none; # !\n',
    '"authenticate" directive is duplicate'],
  ['a verb outside of a rule', 'join x; # !\n',
    '"join" directive is not allowed here, it stands in a rule'],
  ['a mailbox in a namespace', 'mailbox; # !\n',
    '"mailbox" directive is not allowed here, it stands in a "socketio_app"'],
  ['a dry run in a namespace', 'socketio_dry_run on; # !\n',
    'is not allowed here, it stands beside "socketio" in a "location"'],
  ['an unknown option', 'autenticate none; # !\n',
    'unknown directive "autenticate"'],
  ...['webhook_key_file x', 'mailbox', 'presence'].map((text) =>
    [`of an app: ${text}`, `${text}; # !\n`, 'stands in a "socketio_app" bl']),
  ...['transports polling', 'ping_interval 1s', 'ping_timeout 1s',
    'upgrade_timeout 1s', 'connect_timeout 1s', 'max_payload 1', 'origin *',
    'max_packets 1', 'cookie a', 'buffer 1m', 'deflate on', 'limit off',
    'limit_conn off', 'limit_status 503', 'limit_log_level info',
    'limit_dry_run on', 'slow_consumer drop'].map((text) =>
    [`of a location: ${text}`, `socketio_${text}; # !\n`,
      'is not allowed here, it stands beside "socketio" in a "location"']),
  ['recovery in a namespace', 'recovery 2m; # !\n',
    '"recovery" directive is not allowed here, it stands in a "socketio_app"'],
];

const inApp = [
  ['a recovery without end', 'recovery 0; # !\n namespace / { }',
    'invalid time "0", it must be 1s to 1d, for example "recovery 2m"'],
  ['a recovery for too long', 'recovery 25h; # !\n namespace / { }',
    'invalid time "25h"'],
  ['two recoveries', 'recovery 1m;\n recovery 2m; # !\n namespace / { }',
    '"recovery" directive is duplicate'],
  ['the same namespace twice', 'namespace / { }\n namespace / { # !\n }',
    'duplicate namespace "/"'],
  ['a namespace without a slash', 'namespace chat { # !\n }',
    'invalid namespace "chat"'],
  ['a namespace with a comma', 'namespace /a,b { # !\n }',
    'invalid namespace "/a,b"'],
  ['a bad expression', 'namespace "~(" { # !\n }',
    'invalid namespace expression: '],
  ['an unknown authentication', 'namespace / {\n authenticate magic; # !\n }',
    'unknown authentication "magic"'],
  ['none with a parameter', 'namespace / {\n authenticate none x=y; # !\n }',
    'invalid parameter "x=y"'],
  ['insecure without a user', 'namespace / {\n authenticate insecure; # !\n }',
    '"authenticate insecure" must have one parameter "user=VALUE"'],
  ['insecure with an unknown value',
    'namespace / {\n authenticate insecure user=$.x; # !\n }',
    '"$.x" has no value in "on connect"'],
  ['variable without one', 'namespace / {\n authenticate variable; # !\n }',
    '"authenticate variable" must have one parameter, an nginx variable'],
  ['two variables',
    'namespace / {\n authenticate variable $remote_user $uri; # !\n }',
    '"authenticate variable" must have one parameter'],
  ['a variable without its sign',
    'namespace / {\n authenticate variable remote_user; # !\n }',
    '"authenticate variable" must have one parameter'],
  ['a value of the rule language as a variable',
    'namespace / {\n authenticate variable $auth.name; # !\n }',
    '"$auth.name" is not the name of an nginx variable'],
  ['an unknown variable',
    'namespace / {\n authenticate variable $remote_usr; # !\n }',
    'unknown variable "$remote_usr": there is no such nginx variable'],
  ['an event outside of a namespace', 'on x { # !\n }',
    '"on" directive is not allowed here'],
  ['a zone of no size', 'zone 8q; # !\n', 'invalid zone size "8q"'],
  ['a zone too small', 'zone 64k; # !\n', 'zone size "64k" is too small'],
  ['a second zone', 'zone 8m;\n zone 8m; # !\n', '"zone" directive is duplic'],
  ['an unknown option', 'zoom 8m; # !\n', 'unknown directive "zoom"'],
  ['a later option', 'postgres "host=127.0.0.1"; # !\n',
    'unknown directive "postgres"'],
  ['a second redis', 'redis 127.0.0.1;\n redis 127.0.0.1; # !\n',
    '"redis" directive is duplicate'],
  ['redis at no port', 'redis 127.0.0.1:x; # !\n', 'invalid port'],
  ['redis with a path', 'redis 127.0.0.1:1/x; # !\n',
    'invalid host in the address of redis "127.0.0.1:1/x"'],
  ['a host nobody knows', 'redis no.such.host.invalid; # !\n',
    'host not found in the address of redis'],
  ['a database that is no number', 'redis 127.0.0.1 db=x; # !\n',
    'invalid database "x" of redis'],
  ['the same in a URL', 'redis redis://127.0.0.1/x; # !\n',
    'invalid database "x" of redis'],
  ['a password without a colon', 'redis redis://x@127.0.0.1; # !\n',
    'no ":" before the password'],
  ['a database in the address, too', 'redis redis://127.0.0.1/1 db=2; # !\n',
    '"password_file=" of "redis" is in its address, too'],
  ['also one that is 0', 'redis redis://:x@127.0.0.1/0 db=5; # !\n',
    '"password_file=" of "redis" is in its address, too'],
  ['a user in the address, too', 'redis redis://x:y@127.0.0.1 user=z; # !\n',
    '"password_file=" of "redis" is in its address, too'],
  ['a user without a password', 'redis 127.0.0.1 user=x; # !\n',
    '"password_file=FILE" is missing'],
  ['no such file', 'redis 127.0.0.1 password_file=no/such; # !\n',
    'no/such" failed'],
  ['TLS', 'redis rediss://127.0.0.1; # !\n', 'cannot use TLS'],
  ['an unknown adapter', 'redis 127.0.0.1 adapter=x; # !\n',
    'invalid adapter "x" of redis, it is "classic", "sharded" or "streams"'],
  ['an unknown mode', 'redis 127.0.0.1 adapter=sharded '
    + 'subscription_mode=x; # !\n', 'invalid subscription_mode "x" of redis'],
  ['a mode of another adapter', 'redis 127.0.0.1 subscription_mode=static; '
    + '# !\n', '"subscription_mode" of "redis" needs "adapter=sharded"'],
  ['a stream of another adapter', 'redis 127.0.0.1 stream=x; # !\n',
    '"stream" and "maxlen" of "redis" need "adapter=streams"'],
  ['a stream of nothing', 'redis 127.0.0.1 adapter=streams maxlen=0; # !\n',
    'invalid maxlen "0" of redis'],
  ['a hasty heartbeat', 'redis 127.0.0.1 heartbeat=99ms; # !\n',
    'invalid heartbeat "99ms" of redis, it is a time of 100ms to 10m'],
  ['a heartbeat at some time', 'redis 127.0.0.1 heartbeat=soon; # !\n',
    'invalid heartbeat "soon" of redis'],
  ['an unknown parameter', 'redis 127.0.0.1 x=y; # !\n',
    'invalid parameter "x=y" of "redis"'],
  ['a second mailbox', 'mailbox;\n mailbox max=1; # !\n',
    '"mailbox" directive is duplicate'],
  ['a mailbox for no time', 'mailbox ttl=0s; # !\n',
    'invalid time "ttl=0s", it must be 1s to 10y, for example "ttl=30d"'],
  ['a mailbox for some time', 'mailbox ttl=soon; # !\n', 'invalid time "ttl='],
  ['a mailbox for ever', 'mailbox ttl=11y; # !\n', 'invalid time "ttl=11y"'],
  ['a mailbox for nothing', 'mailbox max=0; # !\n',
    'invalid number "max=0", it must be 1 to 10000'],
  ['a mailbox without a bound', 'mailbox max=10001; # !\n',
    'invalid number "max=10001"'],
  ['a mailbox of several', 'mailbox max=many; # !\n', 'invalid number "max='],
  ['a mailbox elsewhere', 'mailbox store=disk; # !\n',
    'unknown store "store=disk", it must be "store=zone" or "store=redis"'],
  ['a mailbox in Redis without one', 'mailbox store=redis; # !\n',
    '"store=redis" needs "redis" in socketio_app "campus"'],
  ['a mailbox of two sizes', 'mailbox max=1 max=2; # !\n',
    '"max=" stands there twice'],
  ['a mailbox of a time beyond all', 'mailbox ttl=18446744073709552; # !\n',
    'invalid time "ttl=18446744073709552"'],
  ['a presence of two graces', 'presence grace=1s keep=1d grace=1s; # !\n',
    '"grace=" stands there twice'],
  ['two presences', 'presence;\n presence; # !\n',
    '"presence" directive is duplicate'],
  ['a redis of two databases', 'redis 127.0.0.1 db=1 db=1; # !\n',
    '"db=" stands there twice'],
  ['a redis without its prefix', 'redis 127.0.0.1 prefix=; # !\n',
    '"prefix=" has no value'],
  ['a zero byte', 'redis 127.0.0.1 prefix=a\0b; # !\n',
    'a zero byte in the value of "prefix="'],
  ['an unknown parameter of mailbox', 'mailbox size=1m; # !\n',
    'invalid parameter "size=1m", it must be "ttl=TIME", "max=NUMBER" or '
    + '"store=zone|redis"'],
  ['emit with a mailbox where there is none', 'namespace / {\n'
    + ' on x {\n emit x to user:a mailbox; # !\n }\n on y {\n'
    + ' mailbox flush; } }', 'socketio_app "campus" has no mailboxes, a rule '
    + 'with one needs "mailbox" beside "zone"'],
  ['drop where there is none', 'namespace / {\n on x {\n'
    + ' mailbox drop "k:$.id"; # !\n } }', '"campus" has no mailboxes'],
];

const location = (lines) => ({ locations:
  `location / {\n${lines} # !\n }` });

const elsewhere = [
  ['an unknown app', location('socketio compas;'),
    'unknown socketio app "compas"'],
  ['an unknown app of the API', location('socketio_api x; deny all;'),
    'unknown socketio app "x"'],
  ['an unknown app of the status', location('socketio_status x;'),
    'unknown socketio app "x"'],
  ['no app', location('socketio;'),
    'invalid number of arguments in "socketio" directive'],
  ['two apps in a location', location('socketio campus; socketio campus;'),
    '"socketio" directive is duplicate'],
  ['a status format', location('socketio_status campus format=xml;'),
    'invalid parameter "format=xml"'],
  ['an unknown transport', location('socketio_transports carrier;'),
    'invalid value "carrier"'],
  ['a time that is none', location('socketio_ping_interval soon;'),
    '"socketio_ping_interval" directive invalid value'],
  ['a timeout that is none', location('socketio_ping_timeout x;'),
    '"socketio_ping_timeout" directive invalid value'],
  ['a payload that is none', location('socketio_max_payload many;'),
    '"socketio_max_payload" directive invalid value'],
  ['a number of packets', location('socketio_max_packets -1;'),
    '"socketio_max_packets" directive invalid'],
  ['a packet too few', location('socketio_max_packets 0;'),
    '"socketio_max_packets" directive must be between 1 and 2147483647'],
  ['a payload too large', location('socketio_max_payload 33m;'),
    '"socketio_max_payload" directive must be between 1 and 32m'],
  ['no buffer', location('socketio_buffer 0;'),
    '"socketio_buffer" directive must be between 1 and 1g'],
  ...['ping_interval', 'ping_timeout', 'upgrade_timeout', 'connect_timeout']
    .flatMap((name) => ['0', '2d'].map((time) => [`${name} ${time}`,
      location(`socketio_${name} ${time};`),
      `"socketio_${name}" directive must be between 1ms and 1d`])),
  ['a time of all servers', { http: 'socketio_ping_timeout 0; # !\n' },
    '"socketio_ping_timeout" directive must be between 1ms and 1d'],
  ['a dry run of no kind', location('socketio_dry_run maybe;'),
    'invalid value "maybe" in "socketio_dry_run" directive'],
  ['transports twice', location('socketio_transports polling;\n'
    + 'socketio_transports websocket;'),
  '"socketio_transports" directive is duplicate'],
  ['a bad origin', location('socketio_origin "~(";'), ''],
  ...['https://', '""', 'https://a.example/', 'a.example/chat', '*.a.example',
    'https://a.example,https://b.example', 'https://b\u00fccher.example']
    .map((origin) => [`no origin: ${origin}`,
      location(`socketio_origin ${origin};`), '" is no origin, as https://a']),
  ...['*', 'null', 'https://a.example', '~^https://a$'].map((origin) =>
    [`the same origin: ${origin}`, location(
      `socketio_origin ${origin} b.example; socketio_origin ${origin};`),
    `"${origin}" stands there twice`]),
  ['deflate with two levels', location('socketio_deflate level=1 level=2;'),
    '"level=" stands there twice'],
  ['limits with two rates', location('socketio_limit rate=1r/s rate=2r/s;'),
    '"rate=" stands there twice'],
  ['limits that close twice', location('socketio_limit rate=1r/s close close;'),
    'unexpected "close"'],
  ['two keys of a limit', location('socketio_limit_conn 5 key=$uri key=$uri;'),
    '"key=" stands there twice'],
  ['the API beside the app', location('socketio campus; socketio_api campus;'),
    '"socketio_api" directive stands in a location that another directive'],
  ['health beside status', location('socketio_status campus; '
    + 'socketio_health campus;'), '"socketio_health" directive stands in'],
  ['the app behind a proxy', location('proxy_pass http://127.0.0.1:1; '
    + 'socketio campus;'), '"socketio" directive stands in a location that'],
  ['the app before a proxy', location('socketio campus; '
    + 'proxy_pass http://127.0.0.1:1;'),
  'another directive answers the location of this one in'],
  ['a key file of two names', location('socketio_api campus; '
    + 'socketio_api_key_file a.key\0b;'), 'a zero byte in the name of "'],
  ['no key file', location('socketio_api campus; '
    + 'socketio_api_key_file nowhere;'), 'can\'t open'],
  ['the same app twice', { http: 'socketio_app campus { zone 8m; }',
    app: '# !\n' }, 'duplicate socketio_app "campus"', -2],
  ['an app without a name', { http: 'socketio_app "" { # !\n zone 8m; }' },
    '"" is no name for an app: 1 to 256 bytes of UTF-8'],
  ['an app of control characters', { http: 'socketio_app a\u0001 { # !\n '
    + 'zone 8m; }' }, 'is no name for an app'],
  ['an app without a zone', { http: 'socketio_app x {\n } # !\n' },
    'socketio_app "x" must have "zone"'],
  ['an app in a server', { server: 'socketio_app x { # !\n }' },
    '"socketio_app" directive is not allowed here'],
];

// The line of the mistake, as nginx counts.

function line(text, shift = 0) {
  return text.slice(0, text.indexOf('# !')).split('\n').length + shift;
}

function wrong(kind, name, options, expected, shift) {
  test(`${kind}: ${name}`, (t) => {
    const { ok, output, text } = Nginx.check(options);
    const [emerg = output] = output.split('\n').filter((text) =>
      /\[emerg\]/.test(text));

    t.ok(!ok, `it is taken: ${output}`);
    t.ok(emerg.includes(expected || ''), `it says: ${emerg}`);
    t.match(emerg, /\[emerg\] (?:[a-z"]|PCRE2)/);
    t.ok(new RegExp(`nginx\\.conf:${line(text, shift)}$`).test(emerg),
         `not line ${line(text, shift)}: ${emerg}`);
  });
}

inRule.forEach(([name, text, expected]) =>
  wrong('rule', name, { app: rule(text) }, expected));
inOthers.forEach(([name, app, expected]) =>
  wrong('rule', name, { app }, expected));
patterns.forEach(([name, text, expected]) =>
  wrong('namespace', name, { app: space(`\n${text}`) }, expected));
inApp.forEach(([name, app, expected]) =>
  wrong('app', name, { app }, expected));
elsewhere.forEach(([name, options, expected, shift]) =>
  wrong('http', name, options, expected, shift));

test('nginx -t says what a zone holds', (t) => {
  t.match(Nginx.check({ app: 'zone 64m;' }).log, new RegExp(
    '\\[notice\\].*zone "campus" of 64m holds about 2\\d{5} sessions .*'
    + '6\\d{5} rooms .*1\\d{5} short records .*2\\dm of messages'));
});

test('a right configuration is taken, with includes everywhere', (t) => {
  const { ok, output } = Nginx.check({ files: {
    'app.conf': 'include namespace.conf;',
    'namespace.conf': 'namespace / { include rules.conf; }',
    'rules.conf': 'authenticate none; on x { include verbs.conf; }',
    'verbs.conf': 'join $.a; when $.a = 1 { ack 1; } otherwise { ack 2; }',
  }, app: 'include app.conf;' });
  t.ok(ok, output);
});

test('includes take globs, in every block', (t) => {
  const { ok, output } = Nginx.check({ files: {
    '1.app': 'namespace /one { include *.rules; }',
    '2.app': 'namespace ~^/two-\\d+$ { include *.rules; }',
    'a.rules': 'on a { include *.verbs; }',
    'b.rules': 'target everyone all; on b { when in x { include *.verbs; } }',
    'x.verbs': 'join x;',
    'y.verbs': 'ack null;',
    'other': 'nonsense;',
  }, app: 'include *.app; include none-*.such;' });
  t.ok(ok, output);
});

test('a file that is included twice is told from two rules', (t) => {
  const check = (app) => Nginx.check({ files: {
    'a.rules': '\non x { ack 1; }', 'b.rules': 'on x { ack 2; }',
  }, app }).output;

  t.match(check('namespace / { include a.rules; include a.rules; }'),
    /a second rule for "x": the file is included twice in \S+a\.rules:2\n/);
  t.match(check('namespace / { include a.rules; include b.rules; }'),
    /"x", the first one is at \S+a\.rules:2 in \S+b\.rules:1\n/);
  t.match(check('include a.rules;'),
    /it stands in a "namespace" block of a "socketio_app"/);
});

test('a mistake deep in includes is found in its file and line', (t) => {
  const { ok, output } = Nginx.check({ files: {
    'app.conf': '\ninclude namespace.conf;',
    'namespace.conf': 'namespace / {\n\n include rules-*.conf; }',
    'rules-1.conf': 'on x {\n join a;\n include verbs.conf;\n}',
    'verbs.conf': 'check in a;\n\n\n when $.a = b {\n  jion $.b;\n }',
  }, app: 'include app.conf;' });
  t.ok(!ok);
  t.match(output, /\[emerg\] unknown directive "jion".*verbs\.conf:5\n/);
});

test('an unknown variable of an included rule is found there', (t) => {
  const { ok, output } = Nginx.check({
    files: { 'rules.conf': '\non x {\n join room:$htpp_x;\n}' },
    app: 'namespace / { include rules.conf; }' });
  t.ok(!ok);
  t.match(output, /unknown value "\$htpp_x".*rules\.conf:3\n/);
});

test('a mistake in an included file is found there', (t) => {
  const { ok, output } = Nginx.check({ files: { 'rules.conf': '\n\njoin;' },
    app: 'namespace / { on x { include rules.conf; } }' });
  t.ok(!ok);
  t.match(output, /too few arguments.*rules\.conf:3\n/);
});

test('variables that clients set are warned of as users', (t) => {
  for (const [name, warned] of [['arg_user', true], ['cookie_user', true],
    ['remote_user', false], ['http_x_user', false]]) {
    const { ok, output } = Nginx.check({
      app: `namespace / { authenticate variable $${name}; }` });
    t.ok(ok, output);
    t.is(/\[warn\].*believes what clients say.*nginx\.conf:\d+/.test(output),
      warned, name);
  }
});

test('insecure authentication and an open API are warned of', (t) => {
  const { ok, output } = Nginx.check({
    app: 'namespace / { authenticate insecure user=$auth.name; }',
    locations: 'location /api/ { socketio_api campus; }' });
  t.ok(ok, output);
  t.match(output, /\[warn\].*"authenticate insecure".*nginx\.conf:\d+/);
  t.match(output, /\[warn\].*socketio_api.*nginx\.conf:\d+/);
});
