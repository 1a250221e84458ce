"""An application in Python, for t/forward.t: python3 application.py PORT

It answers by the name of the event.  KEY in the environment is the key that
calls are signed with; a call that is not is refused.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


KEY = os.environ.get("KEY", "").encode()


def verify(header, body, key, now=None):
    """As docs/forward.md has it for applications in Python."""
    parts = [part.partition("=") for part in (header or "").split(",")]
    sent = next((value for name, _, value in parts if name == "t"), "")

    if not sent.isdigit() or abs((now or time.time()) - int(sent)) > 300:
        return False

    expected = hmac.new(key, sent.encode() + b"." + body, hashlib.sha256)

    return any(
        name == "v1" and hmac.compare_digest(value, expected.hexdigest())
        for name, _, value in parts
    )


def answer(call):
    event, data = call["event"], call["data"]

    if event == "connect":
        if data and data.get("banned"):
            return 403, {"code": "banned", "message": "not you", "until": 7}
        return 200, {"join": "python", "set": {"lang": "python"}}

    if event == "echo":
        return 200, {"ack": [None] + call["args"]}

    if event == "say":
        return 200, {
            "emit": {"event": "said", "to": "python", "data": data},
            "ack": [None, call["user"]],
        }

    if event == "slow":
        time.sleep(data)
        return 200, {"ack": [None, data]}

    if event == "crash":
        os._exit(1)

    if event == "fail":
        raise RuntimeError("as it happens")

    return 204, None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(200, {"ok": True})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))

        if KEY and not verify(self.headers["X-Socketio-Signature"], body, KEY):
            self.reply(401, {"code": "forbidden", "message": "not signed"})
            return

        try:
            self.reply(*answer(json.loads(body)))
        except RuntimeError:
            self.reply(500, {"message": "error"})

    def reply(self, status, value):
        text = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)

        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))

        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
