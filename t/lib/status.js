'use strict';

// Facts from socketio_status.

const { until } = require('./wait');

// { sessions, sockets, rooms } of all workers together.

async function counts(ngx) {
  const { total } = await ngx.status();
  const { polling, websocket } = total.sessions;

  return { sessions: polling + websocket, sockets: total.sockets,
           rooms: total.rooms };
}

// When these counts are such: { sessions: 3 }.

function countsAre(ngx, wanted, options) {
  let last;

  return until(async () => {
    last = await counts(ngx);
    return Object.keys(wanted).every((name) => last[name] === wanted[name]);
  }, { what: `counts are ${JSON.stringify(wanted)}`, ...options })
    .catch((error) => {
      throw new Error(`${error.message}; they are ${JSON.stringify(last)}`);
    });
}

// Whoever vanished between two requests is missed after a heartbeat.

function gone(ngx, options) {
  return countsAre(ngx, { sessions: 0, sockets: 0, rooms: 0 },
    { timeout: 80000, ...options });
}

module.exports = { counts, countsAre, gone };
