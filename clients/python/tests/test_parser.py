import unittest

from aspire_sse import Event, Parser


def parse(*chunks: bytes):
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)], parser


class ParserTests(unittest.TestCase):
    def test_every_line_end_ends_a_line(self):
        for end in (b"\n", b"\r", b"\r\n"):
            events, _ = parse(end.join([b"id: 1", b"event: e", b"data: a", b"data:b", b"", b"data", b"", b""]))
            self.assertEqual([Event("e", "a\nb", "1"), Event("message", "", "1")], events)

    def test_bytes_may_be_cut_anywhere(self):
        stream = "\ufeffid: x\r\nevent: e\r\ndata: こん\r\ndata: 😀\r\n\r\n: c\r\n\r\ndata: 2\r\n\r\n".encode()
        whole, _ = parse(stream)
        self.assertEqual(["こん\n😀", "2"], [e.data for e in whole])
        self.assertEqual(whole, parse(*(stream[i : i + 1] for i in range(len(stream))))[0])
        for cut in range(len(stream)):
            self.assertEqual(whole, parse(stream[:cut], stream[cut:])[0])

    def test_an_id_moves_with_its_frame_and_not_before(self):
        events, parser = parse(b"id: 1\n\nid: 2\ndata: cut off")
        self.assertEqual(([], "1"), (events, parser.last_event_id))

    def test_an_id_with_nul_and_a_retry_that_is_no_number_are_ignored(self):
        _, parser = parse(b"id: a\0b\nretry: 1x\n\n")
        self.assertEqual(("", None), (parser.last_event_id, parser.retry))

    def test_an_empty_id_clears_the_last(self):
        events, parser = parse(b"id: 1\ndata: a\n\nid\ndata: b\n\n")
        self.assertEqual(["1", ""], [e.id for e in events])

    def test_a_long_line_in_small_chunks_is_joined_once(self):
        data = b"x" * 4096
        events, parser = parse(b"data: ", *[data] * 100, b"\n\ndata: 2\n", b"\n")
        self.assertEqual([100 * 4096, 1], [len(e.data) for e in events])
        # One part for each chunk: no chunk copies those before it.
        self.assertEqual([], list(parser.feed(b"data: a")) + list(parser.feed(b"b")))
        self.assertEqual(["", "data: a", "b"], parser._pending)

    def test_a_line_has_a_limit(self):
        parser = Parser(max_event_chars=100)
        with self.assertRaises(ValueError):
            for _ in range(20):
                list(parser.feed(b"data: 1234"))


if __name__ == "__main__":
    unittest.main()
