'use strict';

// One HTTP request, its whole answer: { status, headers, body, json() }.
// Without an agent it has a connection of its own.  sent() is called when the
// system has taken all of it.  retry: so many times more, if the server closed
// the connection instead of reading the request, as one that shuts down may.

const http = require('node:http');

function request(url, options = {}) {
  const { method = 'GET', headers = {}, body, agent = false,
          timeout = 60000, sent, retry = 0 } = options;

  return new Promise((done, fail) => {
    const req = http.request(url, { method, headers, agent, timeout });

    req.on('error', (error) => {
      if (retry && error.code === 'ECONNRESET') {
        request(url, { ...options, retry: retry - 1 }).then(done, fail);
      } else {
        fail(error);
      }
    });
    req.on('timeout', () => req.destroy(new Error(
      `${method} ${url}: no answer in ${timeout} ms`)));

    req.on('response', (res) => {
      const parts = [];

      res.on('error', fail);
      res.on('data', (part) => parts.push(part));
      res.on('end', () => {
        const body = Buffer.concat(parts).toString();

        done({ status: res.statusCode, headers: res.headers, body,
               json: () => JSON.parse(body) });
      });
    });

    if (body !== undefined && !('content-length' in headers)
        && !('transfer-encoding' in headers)) {
      req.setHeader('content-length', Buffer.byteLength(body));
    }

    req.end(body, sent);
  });
}

module.exports = { request };
