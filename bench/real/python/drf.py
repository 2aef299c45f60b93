"""A small HTTP API behind Django REST framework's throttling, set up as its documentation does, in memory.

`go run ./bench real` drives it through the gateway. Every answer is noted in a file, so that what was accepted and
refused is the server's own word: when it was given in seconds since 1970, what it took in seconds, its status, and the
webhook's id ("-": none).

    python3 drf.py --listen 127.0.0.1:9000 --log access.log --rate 300/min

It counts the calls of the time before each, exactly, and tells nothing but Retry-After on refusals, in whole seconds.
"""

import argparse
import signal
import socketserver
import sys
import time
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.urls import path


class Quiet(WSGIRequestHandler):
    """Prints nothing."""

    def log_message(self, format, *args):
        """Leave it to the application, which knows the webhook's id."""


class Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """Answers calls at once, each on a thread."""

    daemon_threads = True
    request_queue_size = 128


urlpatterns = []


def application(rate, log):
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of a test",
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"anon": rate},
            "UNAUTHENTICATED_USER": None,
        },
    )
    django.setup()
    from django.core.wsgi import get_wsgi_application
    from rest_framework.decorators import api_view
    from rest_framework.response import Response

    urlpatterns.append(path("hook", api_view(["POST"])(lambda request: Response("ok"))))
    answer = get_wsgi_application()

    def noted(environ, start_response):
        began = time.time()

        def note(status, headers, exc_info=None):
            now = time.time()
            webhook = environ.get("HTTP_WEBHOOK_ID", "-")
            log.write(f"{now:.6f} {now - began:.6f} {status[:3]} {webhook}\n")
            return start_response(status, headers, exc_info)

        return answer(environ, note)

    return noted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", required=True)
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, port = options.listen.split(":")
    with open(options.log, "a", buffering=1, encoding="ascii") as log:
        app = application(options.rate, log)
        make_server(host, int(port), app, server_class=Threaded, handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main()
