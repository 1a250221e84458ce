'use strict';

// Socket.IO on a bare HTTP server.

const http = require('node:http');
const { serve, allowed } = require('./app');

const server = http.createServer((request, response) => {
  if (!allowed(request)) {
    response.writeHead(401).end();
    return;
  }

  let body = '';

  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    const { event, to, data } = JSON.parse(body);
    const answer = '{"ok":true}';

    io.to(to).emit(event, data);
    response.writeHead(200, { 'content-type': 'application/json',
      'content-length': answer.length }).end(answer);
  });
});

const io = serve(server);

server.keepAliveTimeout = 0;
