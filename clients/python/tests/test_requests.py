import json
import unittest
import urllib.error

from aspire_sse import EventTooLarge, HttpError, RetriesExhausted, StreamBroken, request
from tests.server import Clock, Server, cases, endless, quick, redirect, stream

ENDS = {
    HttpError: "refused",
    ValueError: "refused",
    StreamBroken: "broken",
    RetriesExhausted: "exhausted",
    EventTooLarge: "too large",
}


def answer(given):
    if isinstance(given, int):
        return given
    if isinstance(given, str):
        return given.encode()
    if "cut" in given:
        return lambda handler: stream(handler, given["cut"].encode(), cut=True)
    if "length" in given:
        return b"data: " + b"x" * given["length"] + b"\n\n"
    if "endless" in given:
        return endless(given["endless"])
    return redirect(given["redirect"], given.get("to", "/result"))


def headers(credential):
    calls = []

    def call():
        calls.append(1)
        if credential == "fails first" and len(calls) == 1:
            raise RuntimeError("no token yet")
        token = "two\nlines" if credential == "cannot be sent" else str(len(calls))
        return {"Authorization": f"Bearer {token}"}

    return call if credential else None


class RequestTests(unittest.TestCase):
    def test_it_does_what_all_clients_do(self):
        for case in cases("requests"):
            with self.subTest(case["name"]), Clock(), Server(*map(answer, case["answers"])) as server:
                client = quick(
                    server.url,
                    method=case.get("method"),
                    json={} if "method" in case else None,
                    headers=case.get("headers") or headers(case.get("credential")),
                    max_retries=case.get("maxRetries", 50),
                    max_event_chars=case.get("maxEvent", 1024 * 1024),
                )
                events, end = [], "done"
                try:
                    for received in client:
                        if received.event == "message":
                            events.append(received.data)
                        if len(events) == case.get("closeAfter"):
                            client.close()
                except tuple(ENDS) as e:
                    end = ENDS[type(e)]
                self.assertEqual(case.get("end", "done"), end)
                self.assertEqual(case.get("events", []), events)
                self.assertEqual(case["requests"], [method for method, _, _ in server.requests])
                if "lastId" in case:
                    self.assertEqual(case["lastId"], client.last_event_id)
                if "lastIds" in case:
                    self.assertEqual(case["lastIds"], [last for _, last, _ in server.requests])

    def test_a_request_that_writes_is_not_turned_into_one_that_reads(self):
        def history(handler):
            body = json.dumps({"events": [{"id": "other"}]}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status), Server(redirect(status, "/there"), history) as server:
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    request("POST", server.url, {"topic": "a"})
                self.assertEqual((status, 1), (refused.exception.code, len(server.requests)))
        with Server(redirect(302, "/there"), history) as server:
            self.assertEqual("other", request("GET", server.url)["events"][0]["id"])

    def test_a_redirect_to_another_origin_gets_none_of_the_callers_headers(self):
        seen = []

        def answer(handler):
            seen.append({name: handler.headers[name] for name in ("Authorization", "X-Api-Key", "Accept")})
            handler.send_response(204)
            handler.end_headers()

        sent = {"Authorization": "Bearer t", "X-Api-Key": "k"}
        with Server(answer) as other, Server(redirect(302, "/there"), redirect(302, other.url)) as server:
            request("GET", server.url, headers=sent)
        with Server(redirect(302, "/there"), answer) as server:
            request("GET", server.url, headers=sent)
        self.assertEqual({"Authorization": None, "X-Api-Key": None, "Accept": "application/json"}, seen[0])
        self.assertEqual({**sent, "Accept": "application/json"}, seen[1])


if __name__ == "__main__":
    unittest.main()
