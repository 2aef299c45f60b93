"""A small HTTP API behind Flask-Limiter, set up as its documentation does, in memory.

`go run ./bench real` drives it through the gateway. Every answer is noted in a file, so that what was accepted and
refused is the server's own word: when it was given in seconds since 1970, what it took in seconds, its status, and the
webhook's id ("-": none).

    python3 server.py --listen 127.0.0.1:9000 --log access.log --limit "100 per 10 second" --strategy fixed-window

Windows of fixed-window are aligned to the clock. X-RateLimit-* with epoch seconds, and Retry-After on refusals.
"""

import argparse
import signal
import sys
import time

from flask import Flask, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as servers before such an application do, and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code="-", size="-"):
        """Leave it to the application, which knows the webhook's id."""


def application(limit, strategy, log):
    app = Flask(__name__)

    @app.before_request
    def begin():  # before the limiter's own
        g.began = time.time()

    Limiter(
        get_remote_address,
        app=app,
        application_limits=[limit],
        headers_enabled=True,
        storage_uri="memory://",
        strategy=strategy,
    )

    @app.after_request
    def note(response):
        now = time.time()
        webhook = request.headers.get("webhook-id", "-")
        log.write(f"{now:.6f} {now - g.began:.6f} {response.status_code} {webhook}\n")
        return response

    @app.post("/hook")
    def hook():
        request.get_data()
        return "ok\n"

    return app


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--limit", required=True)
    parser.add_argument("--strategy", required=True)
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, port = options.listen.split(":")
    with open(options.log, "a", buffering=1, encoding="ascii") as log:
        app = application(options.limit, options.strategy, log)
        make_server(host, int(port), app, threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    main()
