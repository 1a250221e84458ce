// The demo of nginx-socketio: its parts, and the beginning.
//
// The events and their checks are the rules of conf/nginx.conf.
//
// ?name=, ?room= and ?transport=upgrade|websocket|polling preset what can be
// chosen on the page.

import { start } from './connection.js';
import { view } from './page.js';
import './chat.js';
import './people.js';
import './groups.js';
import './document.js';
import './backend.js';

view('chat');
start();
