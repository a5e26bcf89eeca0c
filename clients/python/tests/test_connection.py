import json
import os
import socket
import ssl
import threading
import unittest
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from unittest import mock

from aspire_sse import HttpError, RetriesExhausted, SSEClient
from tests.server import TIMEOUT, Server, endless, logged, quick, stream


class ConnectionTests(unittest.TestCase):
    def test_spaces_and_text_beyond_ascii_in_a_url_are_encoded(self):
        paths = []

        def answer(handler):
            paths.append(handler.path)
            stream(handler, b"data: a\n\n")

        with Server(answer) as server:
            list(quick(f"{server.url}/é%20ü?prompt=Which cats…#part", max_retries=0))
        self.assertEqual(["/stream/%C3%A9%20%C3%BC?prompt=Which%20cats%E2%80%A6"], paths)

    def test_a_url_or_a_delay_that_cannot_work_is_refused_at_once(self):
        for url in ("ftp://localhost/", "localhost", "http://user:secret@localhost/"):
            with self.subTest(url), self.assertRaises(ValueError):
                SSEClient(url)
        for seconds in (0, -1, float("nan"), float("inf")):
            for option in ("initial_delay", "max_delay", "idle_timeout", "connect_timeout"):
                with self.subTest(option, seconds=seconds), self.assertRaises(ValueError):
                    SSEClient("http://localhost/", **{option: seconds})

    def test_each_failed_attempt_is_logged_and_the_last_one_is_the_cause_of_the_end(self):
        said = []
        with Server(503) as server, logged(said.append):
            with self.assertRaises(RetriesExhausted) as end:
                list(quick(server.url, max_retries=2))
        self.assertEqual(2, len([message for message in said if "HTTP 503" in message and "next attempt" in message]))
        self.assertEqual(503, end.exception.__cause__.status)
        self.assertIn("2 reconnections in a row delivered no event. Last: HTTP 503", str(end.exception))

    def test_a_refusal_whose_body_does_not_end_keeps_what_has_come(self):
        with Server(endless(404)) as server, self.assertRaises(HttpError) as refused:
            list(quick(server.url, idle_timeout=5))
        self.assertEqual(404, refused.exception.status)
        self.assertEqual({"title": "Unknown topic."}, json.loads(refused.exception.problem))

    def test_a_response_of_another_type_names_it(self):
        with Server(endless(200)) as server, self.assertRaises(HttpError) as refused:
            list(quick(server.url))
        self.assertIn("'application/problem+json'", str(refused.exception))

    def test_early_hints_come_before_the_response(self):
        def answer(handler):
            for _ in range(2):
                handler.send_response_only(103)
                handler.send_header("Link", "</style.css>; rel=preload")
                handler.end_headers()
            stream(handler, b"data: a\n\n")

        with Server(answer) as server:
            self.assertEqual(["a"], [e.data for e in quick(server.url, max_retries=0)])

    def test_retry_after_may_be_a_date(self):
        now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        waits = []

        def busy(handler):
            handler.send_response(503)
            handler.send_header("Retry-After", format_datetime(now + timedelta(minutes=1)))
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with Server(busy, 204) as server, mock.patch("aspire_sse.backoff.datetime") as clock:
            clock.now.return_value = now
            client = quick(server.url)
            with mock.patch.object(client._backoff, "delay", side_effect=lambda _, after: waits.append(after) or 0.0):
                self.assertEqual([], list(client))
        self.assertEqual([60], waits)

    def test_the_proxies_of_the_environment_are_used(self):
        seen = []

        def proxy(handler):
            seen.append((handler.path, handler.headers["Host"], handler.headers["Proxy-Authorization"]))
            stream(handler, b"data: a\n\n")

        with Server(proxy) as server:
            via = server.url.replace("http://", "http://user:pass%20word@").replace("/stream", "")
            with mock.patch.dict(os.environ, {"http_proxy": via, "no_proxy": ""}):
                events = list(quick("http://nowhere.invalid:81/stream?a=b", max_retries=0))
        self.assertEqual(["a"], [e.data for e in events])
        target = ("http://nowhere.invalid:81/stream?a=b", "nowhere.invalid:81")
        self.assertEqual([(*target, "Basic dXNlcjpwYXNzIHdvcmQ=")], seen)

    def test_https_goes_through_a_tunnel_of_the_proxy(self):
        listener = socket.create_server(("127.0.0.1", 0))
        asked = []

        def serve():
            with listener.accept()[0] as connection:
                asked.append(connection.recv(65536).split(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        proxy = f"127.0.0.1:{listener.getsockname()[1]}"
        with listener, mock.patch.dict(os.environ, {"https_proxy": proxy, "no_proxy": ""}):
            with self.assertRaises(RetriesExhausted):
                list(quick("https://nowhere.invalid/stream", max_retries=0))
            thread.join(TIMEOUT)
        self.assertEqual([b"CONNECT nowhere.invalid:443"], [line.rsplit(b" ", 1)[0] for line in asked])

    def test_the_tls_settings_are_those_of_the_caller(self):
        context = ssl.create_default_context()
        with mock.patch.object(context, "wrap_socket", side_effect=ssl.SSLError("seen")) as wrap, Server(204) as server:
            with self.assertRaises(RetriesExhausted):
                list(quick(server.url.replace("http://", "https://"), context=context, max_retries=0))
        self.assertEqual(1, wrap.call_count)

    def test_a_handler_of_every_event_gets_one_named_so_once(self):
        with Server(b"event: *\ndata: a\n\n") as server:
            seen = []
            quick(server.url, max_retries=0).on("*", lambda e: seen.append(e.data)).run()
            self.assertEqual(["a"], seen)


if __name__ == "__main__":
    unittest.main()
