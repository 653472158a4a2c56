"""A receiver of Postrider's webhooks, with nothing but Python 3.9:

    WEBHOOK_SECRET=whsec_… WEBHOOK_INBOX=/var/lib/webhooks PORT=4000 python3 receiver.py

It verifies, notes the event, answers, and handles it then. What is noted when the
process dies is handled by the next one.
"""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from inbox import Inbox
from verify import parse_secrets, verified

# The largest event is 1 MiB and what surrounds it.
MAX_BODY = 2 << 20

KEYS = parse_secrets(os.environ.get("WEBHOOK_SECRET", ""))
INBOX = Inbox(os.environ.get("WEBHOOK_INBOX", "inbox"))


def handle(event):
    """Does the work, and may take its time over it: the answer has been given."""
    time.sleep(int(os.environ.get("WORK_MS", "0")) / 1000)  # your work
    line = f"handled {event['type']} {event['id']}\n"
    print(line, end="", flush=True)  # at once: other threads write, too


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are used again
    timeout = 30  # a sender that stands still is cut off

    def do_POST(self):
        status = 500  # it comes again
        try:
            status = self.receive()
        finally:
            self.send_response(status)
            if status >= 400:
                self.send_header("Connection", "close")  # what was not read is thrown away
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

    def receive(self):
        """Returns the status to answer with."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return 411
        if int(length) > MAX_BODY:
            return 413
        body = self.rfile.read(int(length))  # the bytes as they came
        if not verified(self.headers, body, KEYS, time.time()):
            return 401
        INBOX.note(self.headers["webhook-id"], body)  # what X-Webhook-ID says, but signed
        return 204


def main():
    threading.Thread(target=INBOX.run, args=(lambda body: handle(json.loads(body)),), daemon=True).start()
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "4000"))
    ThreadingHTTPServer(address, Receiver).serve_forever()


if __name__ == "__main__":
    main()
