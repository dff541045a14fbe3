"""A receiver of deliveries: it checks each signature, drops what has come before, and prints each entry.

    SECRET=whsec_... python3 receiver.py 8874
"""

import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
seen = set()  # Keep it where your own data is, in the same transaction, for as long as deliveries are retried.


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        id, at = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
        digest = hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)
        mine = "v1," + base64.b64encode(digest).decode()
        signatures = self.headers.get("webhook-signature", "").split()
        is_good = any([hmac.compare_digest(mine, one) for one in signatures]) and abs(time.time() - int(at)) < 300
        if is_good and id not in seen:
            for entry in json.loads(body)["data"]["entry"]:
                print(entry["action"], entry["path"], flush=True)
            seen.add(id)
        self.send_response(204 if is_good else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()
