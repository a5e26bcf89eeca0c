import unittest

from aspire_sse import EventTooLarge, Parser
from tests.server import cases


def parse(*chunks: bytes):
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)], parser


class ParserTests(unittest.TestCase):
    def test_it_parses_as_all_clients_do_however_the_bytes_are_cut(self):
        for case in cases("parsing"):
            stream = case["stream"].encode()
            cuts = [[stream[:cut], stream[cut:]] for cut in range(len(stream) + 1)]
            for chunks in [*cuts, [stream[i : i + 1] for i in range(len(stream))]]:
                with self.subTest(case["name"], chunks=chunks):
                    events, parser = parse(*chunks)
                    self.assertEqual(case["events"], [[e.event, e.data, e.id] for e in events])
                    self.assertEqual((case["lastId"], case.get("retry")), (parser.last_event_id, parser.retry))

    def test_a_retry_of_any_length_is_a_long_time(self):
        for digits in (400, 5_000):
            _, parser = parse(b"retry: " + b"9" * digits + b"\n\n")
            self.assertGreater(parser.retry, 86_400_000)

    def test_a_long_line_in_small_chunks_is_joined_once(self):
        data = b"x" * 4096
        events, parser = parse(b"data: ", *[data] * 100, b"\n\ndata: 2\n", b"\n")
        self.assertEqual([100 * 4096, 1], [len(e.data) for e in events])
        # One part for each chunk: no chunk copies those before it.
        self.assertEqual([], list(parser.feed(b"data: a")) + list(parser.feed(b"b")))
        self.assertEqual(["", "data: a", "b"], parser._pending)

    def test_a_line_has_a_limit(self):
        parser = Parser(max_event_chars=100)
        with self.assertRaises(EventTooLarge):
            for _ in range(20):
                list(parser.feed(b"data: 1234"))


if __name__ == "__main__":
    unittest.main()
