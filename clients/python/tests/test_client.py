import threading
import unittest
from unittest import mock

from aspire_sse import HttpError, RetriesExhausted, SSEClient, StreamBroken
from aspire_sse.backoff import Backoff
from tests.server import TIMEOUT, Clock, Server, logged, quick, redirect, stream


class ClientTests(unittest.TestCase):
    def test_it_resumes_after_the_last_id_until_there_is_no_more(self):
        first = b"id: 1\ndata: a\n\nid: 2\n\n"
        second = b"id: 3\ndata: b\n\nid: 4\ndata: cut"
        with Server(first, lambda h: stream(h, second, cut=True), 204) as server:
            self.assertEqual(["a", "b"], [e.data for e in quick(server.url)])
            self.assertEqual([None, "2", "3"], [last for _, last, _ in server.requests])

    def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(self):
        with Server(503, 500, b"data: a\n\n", 204) as server:
            self.assertEqual(["a"], [e.data for e in quick(server.url)])
        with Server(404) as server:
            with self.assertRaises(HttpError) as refused:
                list(quick(server.url))
            self.assertEqual((404, 1), (refused.exception.status, len(server.requests)))

    def test_retries_have_an_end(self):
        with Server(503) as server:
            with self.assertRaises(RetriesExhausted):
                list(quick(server.url, max_retries=3))
            self.assertEqual(4, len(server.requests))

    def test_a_safe_request_without_ids_is_repeated_until_there_is_no_more(self):
        with Server(b"data: a\n\n", lambda h: stream(h, b"data: b\n\n", cut=True), b"data: c\n\n", 204) as server:
            self.assertEqual(["a", "b", "c"], [e.data for e in quick(server.url, max_retries=1)])
            self.assertEqual(4, len(server.requests))

    def test_without_retries_the_end_of_the_only_connection_is_no_error(self):
        for answer, events in ((b"data: a\n\n", 1), (b"id: 1\ndata: a\n\n", 1), (204, 0)):
            with self.subTest(answer=answer), Server(answer) as server:
                self.assertEqual(events, len(list(quick(server.url, max_retries=0))))
                self.assertEqual(1, len(server.requests))

    def test_the_server_says_how_long_to_wait(self):
        with Server(b"retry: 60000\nid: 1\ndata: a\n\n", 204) as server:
            client = quick(server.url)
            with mock.patch.object(client._closed, "wait") as wait:
                list(client)
        self.assertEqual(1, wait.call_count)
        self.assertGreaterEqual(wait.call_args.args[0], 60)

    def test_the_servers_times_are_the_minimum_and_have_a_limit(self):
        backoff = Backoff(initial=1, longest=30)
        self.assertLessEqual(backoff.delay(1, 7), 10.5)
        self.assertGreaterEqual(backoff.delay(1, 7), 7)
        self.assertLessEqual(backoff.delay(1, 86_400), 450)
        backoff.retry = 2.0
        for failures in range(1, 8):
            self.assertGreaterEqual(backoff.delay(failures, 0), 2)
        backoff.retry = 0.0
        self.assertEqual(0, backoff.delay(1, 0))
        self.assertGreater(max(backoff.delay(2, 0) for _ in range(100)), 0.5)

    def test_work_without_ids_is_never_started_twice(self):
        with Server(b"event: token\ndata: 1\n\ndata: [DONE]\n\n") as server:
            self.assertEqual(["1", "[DONE]"], [e.data for e in quick(server.url, json={"text": "x"})])
            self.assertEqual([("POST", None, b'{"text": "x"}')], server.requests)
        with Server(lambda h: stream(h, b"data: 1\n\n", cut=True)) as server:
            with self.assertRaises(StreamBroken):
                list(quick(server.url, json={}))
            self.assertEqual(1, len(server.requests))

    def test_work_whose_answer_was_lost_is_not_started_again(self):
        def lose(handler):
            handler.close_connection = True

        for answer, error in ((lose, StreamBroken), (502, HttpError)):
            with self.subTest(error=error), Server(answer) as server:
                with self.assertRaises(error):
                    list(quick(server.url, json={}))
                self.assertEqual(1, len(server.requests))

    def test_work_that_the_server_cannot_have_begun_is_requested_again(self):
        with Server(429, 503, b"data: a\n\n") as server:
            self.assertEqual(["a"], [e.data for e in quick(server.url, json={})])
        with self.assertRaises(RetriesExhausted):
            list(quick(server.url, json={}, max_retries=2))  # nobody listens there now

    def test_work_that_ended_with_a_redirect_to_its_result_is_not_started_again(self):
        nobody = "http://127.0.0.1:1/"
        for status in (301, 302, 303):
            with self.subTest(status=status), Server(redirect(status, nobody)) as server:
                with self.assertRaises(StreamBroken):
                    list(quick(server.url, json={}, max_retries=2))
                self.assertEqual(["POST"], [method for method, _, _ in server.requests])
        for status in (408, 429, 503):
            with self.subTest(status=status), Server(redirect(303, "/result"), status) as server:
                with self.assertRaises(HttpError):
                    list(quick(server.url, json={}, max_retries=2))
                self.assertEqual(["POST", "GET"], [method for method, _, _ in server.requests])
        with Server(redirect(307, nobody)) as server:
            with self.assertRaises(RetriesExhausted):
                list(quick(server.url, json={}, max_retries=2))
            self.assertEqual(3, len(server.requests))

    def test_connected_is_no_progress(self):
        with Clock(), Server(lambda h: stream(h, b"id: 1\nevent: connected\ndata: {}\n\n", cut=True)) as server:
            with self.assertRaises(RetriesExhausted):
                list(quick(server.url, max_retries=3))
            self.assertEqual(4, len(server.requests))

    def test_a_connection_of_more_than_five_seconds_is_progress(self):
        connected = b"event: connected\ndata: {}\n\n"
        for seconds, requests in ((5, 2), (5.1, 6)):
            with self.subTest(seconds=seconds), Clock() as clock:
                with Server(*[connected] * 5, 204) as server:
                    try:
                        for _ in quick(server.url, max_retries=1):
                            clock.seconds += seconds
                    except RetriesExhausted:
                        pass
                    self.assertEqual(requests, len(server.requests))

    def test_an_id_beyond_ascii_is_sent_as_utf8(self):
        with Server("id: …é\ndata: a\n\n".encode(), 204) as server:
            list(quick(server.url))
            self.assertEqual("…é", server.requests[1][1].encode("latin-1").decode())

    def test_the_callers_own_headers_replace_the_streams_whatever_their_case(self):
        seen = []

        def see(handler):
            seen.append([handler.headers.get_all(name) for name in ("Accept", "Cache-Control", "Content-Type")])
            stream(handler, b"data: a\n\n")

        own = {"ACCEPT": "*/*", "cache-control": "max-age=0", "content-type": "text/plain"}
        with Server(see) as server:
            list(quick(server.url, json={}, headers=own))
        self.assertEqual([[["*/*"], ["max-age=0"], ["application/json"]]], seen)

    def test_redirects_are_followed_and_keep_the_callers_headers_at_their_origin(self):
        seen = []
        sent = {"Authorization": "Bearer t", "X-Api-Key": "k", "cookie": "c", "X-Tenant": "a", "Accept-Language": "ja"}

        def seeing(answer):
            def see(handler):
                headers = {name: handler.headers[name] for name in sent if name in handler.headers}
                seen.append((handler.command, handler.path, headers))
                answer(handler)

            return see

        last = seeing(lambda h: stream(h, b"data: a\n\n"))
        with Server(last) as other, Server(
            seeing(redirect(307, "/é")), seeing(redirect(301, other.url))
        ) as server:
            client = quick(server.url, json={}, headers=sent)
            self.assertEqual(["a"], [e.data for e in client])
            self.assertEqual([("POST", "/stream", sent), ("POST", "/%C3%A9", sent), ("GET", "/stream", {})], seen)
            self.assertEqual(b"{}", server.requests[1][2])
        with Server(redirect(302, "/stream")) as server:
            with self.assertRaises(HttpError):
                list(quick(server.url))
            self.assertEqual(11, len(server.requests))

    def test_a_way_back_from_another_origin_gets_no_header_either(self):
        seen = []

        def back(handler):
            redirect(307, server.url + "/back")(handler)

        def end(handler):
            seen.append((handler.path, handler.headers.get("X-Api-Key")))
            stream(handler, b"data: a\n\n")

        with Server(back) as other, Server(redirect(307, other.url), end) as server:
            client = quick(server.url, headers={"X-Api-Key": "k"}, max_retries=0)
            self.assertEqual(["a"], [e.data for e in client])
        self.assertEqual([("/stream/back", None)], seen)

    def test_headers_are_asked_for_at_each_connection(self):
        tokens = iter(("first", "second"))
        seen = []

        def answer(handler):
            seen.append(handler.headers["Authorization"])
            stream(handler, b"id: 1\ndata: a\n\n")

        with Server(answer, answer, 204) as server:
            client = quick(server.url, headers=lambda: {"Authorization": next(tokens, "third")})
            self.assertEqual(["a", "a"], [e.data for e in client])
            self.assertEqual(["first", "second"], seen)

    def test_a_function_that_returns_no_headers_after_a_sign_out_sends_none(self):
        credentials = iter(({"Authorization": "first"}, None, None))
        seen = []

        def answer(handler):
            seen.append(handler.headers["Authorization"])
            stream(handler, b"id: 1\ndata: a\n\n")

        with Server(answer, answer, 204) as server:
            client = quick(server.url, headers=lambda: next(credentials))
            self.assertEqual(["a", "a"], [e.data for e in client])
            self.assertEqual(["first", None], seen)

    def test_the_watchdog_takes_a_silent_connection_for_dead(self):
        hold = threading.Event()
        held = []

        def hang(handler):
            stream(handler, b"id: 1\ndata: a\n\n", cut=True)
            held.append(hold.wait(TIMEOUT))

        events = []
        with Server(hang, b"id: 2\ndata: b\n\n", 204) as server:
            client = quick(server.url, idle_timeout=3600)
            for event in client:
                events.append(event.data)
                if event.data == "a":
                    self.assertEqual(3600, client._socket.gettimeout())
                    # The clock of a socket cannot be moved, but its hour of silence can be over at once.
                    client._socket.settimeout(0.001)
            self.assertEqual([], held)  # the server had not closed the connection
            hold.set()
            self.assertEqual([None, "1", "2"], [last for _, last, _ in server.requests])
        self.assertEqual(["a", "b"], events)

    def test_silence_is_no_progress_however_long_it_was(self):
        hold = threading.Event()

        def hang(handler):
            stream(handler, b"event: connected\ndata: {}\n\n", cut=True)
            hold.wait(TIMEOUT)

        with Clock() as clock, Server(hang, hang, 204) as server:
            client = quick(server.url, max_retries=1)
            with self.assertRaises(RetriesExhausted):
                for _ in client:
                    clock.seconds += 3600
                    client._socket.settimeout(0.001)
            hold.set()
            self.assertEqual(2, len(server.requests))

    def test_handlers_get_their_events_and_close_ends_the_reading(self):
        with Server(b"id: 1\nevent: a\ndata: 1\n\nid: 2\ndata: 2\n\nevent: a\ndata: 3\n\ndata: 4\n\n") as server:
            named, unnamed, every = [], [], []
            client = quick(server.url)
            client.on("a", lambda e: named.append(e.data))
            client.on("message", lambda e: unnamed.append(e.data))
            client.on("*", lambda e: every.append(e.data))
            client.on("a", lambda e: e.data == "3" and client.close())
            client.run()
            self.assertEqual((["1", "3"], ["2"], ["1", "2", "3"]), (named, unnamed, every))

    def test_close_from_another_thread_ends_a_read(self):
        hold = threading.Event()
        held = []

        def hang(handler):
            stream(handler, b"id: 1\ndata: a\n\n", cut=True)
            held.append(hold.wait(TIMEOUT))

        with Server(hang) as server:
            client = quick(server.url)
            reader = iter(client)
            next(reader)
            threading.Timer(0.1, client.close).start()
            self.assertEqual([], list(reader))
            self.assertEqual([], held)  # the server had not closed the connection
            hold.set()

    def test_close_from_another_thread_ends_the_wait_before_a_reconnection(self):
        waits = threading.Event()
        with Server(b"retry: 60000\nid: 1\ndata: a\n\n") as server, logged(lambda _: waits.set()):
            client = quick(server.url)
            events = []
            reading = threading.Thread(target=lambda: events.extend(client), daemon=True)
            reading.start()
            self.assertTrue(waits.wait(TIMEOUT))
            client.close()
            reading.join(TIMEOUT)
            self.assertEqual((1, False, 1), (len(events), reading.is_alive(), len(server.requests)))

    def test_an_event_named_as_the_end_ends_without_asking_again(self):
        with Server(b"id: 1\ndata: a\n\nid: 2\nevent: complete\ndata: {}\n\n") as server:
            self.assertEqual(2, len(list(quick(server.url, ends=["complete"]))))
            self.assertEqual(1, len(server.requests))


if __name__ == "__main__":
    unittest.main()
