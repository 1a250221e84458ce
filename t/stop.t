#!/usr/bin/env node
'use strict';

// nginx ends while clients do not read what waits for them: at once or
// gracefully, nothing is left and nothing is freed twice (BUILD=sanitize).

const { test } = require('./lib/tap');
const { RawWs } = require('./lib/raw');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

const app = `presence grace=5s; mailbox;
  namespace / {
    authenticate insecure user=$auth.name;
    on connect    { join all; }
    on online     { emit came to all with $user; }
    on offline    { emit went to all with $user; }
    on disconnect { emit left to all with $user; }
  }`;

// Small buffers of the system: what is not read waits in nginx.

const server = `listen 127.0.0.1:@small@ sndbuf=16k;
  location /unread/ { socketio campus; socketio_buffer 64m; }`;

for (const workers of [1, 4]) {
  for (const signal of ['SIGTERM', 'SIGQUIT']) {
    test(`${signal} while nobody reads, workers: ${workers}`, async (t) => {
      const site = await Site.start({ workers, app, server, ports: ['small'],
        main: 'worker_shutdown_timeout 1s;' });

      for (let n = 0; n < 12; n++) {
        const ws = await RawWs.connect(site.ngx.ports.small,
          { path: '/unread/' });

        ws.socket.on('error', () => {});
        await ws.sendText(`40{"name":"u${n % 5}"}`);
        await until(async () => await site.count('sockets') === n + 1);
        ws.socket.pause();
      }

      const polling = await site.polling(1, { path: '/socket.io/' });

      await polling.post('40{"name":"p"}');
      for (let n = 0; n < 20; n++) {
        await site.ngx.emit({ event: 'x', data: 'y'.repeat(100000) });
      }
      await site.ngx.emit({ event: 'm', user: 'away', data: 1,
                            mailbox: true });
      t.ok(await site.count('bytes_out') < 12 * 20 * 100000,
        'much of it waits');

      process.kill(site.ngx.master, signal);
      await until(() => site.ngx.ended, { what: 'the end', timeout: 60000 });
      t.deepIs(site.ngx.complaints(), []);
    }, { timeout: 120000 });
  }
}
