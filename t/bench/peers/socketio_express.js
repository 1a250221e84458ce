'use strict';

// Socket.IO beside Express, as its documentation begins.

const express = require('express');
const http = require('node:http');
const { serve, allowed } = require('./app');

const app = express();

app.use(express.json());
app.post('/api/emit', (request, response) => {
  if (!allowed(request)) {
    response.sendStatus(401);
    return;
  }

  const { event, to, data } = request.body;

  io.to(to).emit(event, data);
  response.json({ ok: true });
});

const server = http.createServer(app);
const io = serve(server);

server.keepAliveTimeout = 0;
