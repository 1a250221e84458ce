'use strict';

// The configuration of a test's nginx.  Options:
//
//   workers    1 by default
//   app        inside of socketio_app campus { }
//   locations  instead of the four usual ones
//   server, http, main   more text for those blocks
//   connections  of a worker: 4096 by default
//   host       the address to listen at
//   inside     the command, in words, that runs nginx: a network namespace's
//   debug      error_log at debug
//   whole      all of it, instead of what is above: a file as it is, in which
//              the module, the process and the temporary files are the test's
//   ports      names of further free ports: ['tls']; @tls@ in a text is its
//              number, and ngx.ports.tls

const fs = require('node:fs');

const usual = `
        location /socket.io/   { socketio campus; }
        location /api/         { socketio_api campus;
                                 allow 127.0.0.1; deny all; }
        location = /status     { socketio_status campus; }
        location = /healthz    { socketio_health campus; }`;

// Room for many clients, where the system allows it; valgrind does not.

function files() {
  const limits = fs.readFileSync('/proc/self/limits', 'utf8');
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits);

  return hard === 'unlimited' ? 20000 : Math.min(Number(hard), 20000);
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path ${name};`).join(' ');

const expanded = (text, ports) =>
  text.replace(/@(\w+)@/g, (whole, name) => ports[name] ?? whole);

function adapted(text, workers, module_path) {
  const main = `
${module_path ? `load_module ${module_path};` : ''}
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes ${workers};
error_log logs/error.log info;
pid nginx.pid;
`;

  return main + text
    .replace(/^(?:load_module|worker_processes|error_log|pid)\s.*$/gm, '')
    .replace(/^http \{$/m, (http) => `${http} ${temporary}${
      /^ {4}access_log/m.test(text) ? '' : ' access_log logs/access.log;'}`);
}

function configuration(options, module_path) {
  const { app = 'namespace / { authenticate none; }', locations = usual,
          workers = 1, debug = false, main = '', http = '', server = '',
          connections = 4096, host = '127.0.0.1', port, ports = {} } = options;
  const zone = /^\s*zone\s/m.test(app) ? '' : 'zone 8m;';

  if (options.whole) {
    return expanded(adapted(options.whole, workers, module_path),
                    { port, ...ports });
  }

  return expanded(`
${module_path ? `load_module ${module_path};` : ''}
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes ${workers};
${process.env.SOCKETIO_VALGRIND ? '' : `worker_rlimit_nofile ${files()};`}
error_log logs/error.log ${debug ? 'debug' : 'info'};
pid nginx.pid;
${main}
events {
    worker_connections ${connections};
}

http {
    access_log            logs/access.log;
    ${temporary}
    ${http}
    socketio_app campus {
        ${zone}
        ${app}
    }

    server {
        listen ${host}:${port};
        ${server}
        ${locations}
    }
}
`, ports);
}

module.exports = { configuration };
