"""A real server for the tests, and the cases that hold for all clients."""

import contextlib
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

from aspire_sse import SSEClient


TIMEOUT = 60  # seconds until a test gives up a condition; no test that passes waits so long

_log = logging.getLogger("aspire_sse")
_log.addHandler(logging.NullHandler())
_log.propagate = False


@contextlib.contextmanager
def logged(tell):
    """Tells each message of the client."""
    handler = logging.Handler()
    handler.emit = lambda record: tell(record.getMessage())
    before = _log.level
    _log.addHandler(handler)
    _log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.setLevel(before)


class Clock:
    """A clock of the client that stands still unless the test moves its seconds."""

    def __init__(self):
        self.seconds = 1000.0
        self._patch = mock.patch("aspire_sse.client.time", self)

    def monotonic(self):
        return self.seconds

    def __enter__(self):
        self._patch.start()
        return self

    def __exit__(self, *_):
        self._patch.stop()


def cases(name):
    """Reads the cases that hold for all three clients (clients/cases)."""
    return json.loads((Path(__file__).parents[2] / "cases" / f"{name}.json").read_text("utf-8"))


class Server:
    """Answers the n-th request with the n-th response; a callable gets the handler."""

    def __init__(self, *answers):
        self.requests = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                last = ", ".join(self.headers.get_all("Last-Event-ID", ())) or None
                server.requests.append((self.command, last, body))
                answer = answers[min(len(server.requests), len(answers)) - 1]
                if callable(answer):
                    return answer(self)
                if isinstance(answer, int):
                    self.send_response(answer)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return None
                stream(self, answer)
                return None

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/stream"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()


def stream(handler, body: bytes, cut=False):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
    if not cut:
        handler.wfile.write(b"0\r\n\r\n")
    handler.wfile.flush()
    handler.close_connection = True


def endless(status):
    """A refusal with problem details and a body that has no end."""

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/problem+json")
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(b'{"title":"Unknown topic."}')
            while True:
                handler.wfile.write(b" ")
                time.sleep(0.1)

    return answer


def redirect(status, to):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Location", to.encode().decode("latin-1"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def quick(url, **options):
    return SSEClient(url, **{"initial_delay": 0.01, "max_delay": 0.05, **options})
