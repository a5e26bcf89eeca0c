import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../src/index.js";

// Derived from the web platform tests (eventsource/): input, expected events, last id.
const cases: [
  name: string,
  input: string | Uint8Array,
  events: [type: string, data: string, id?: string][],
  lastEventId?: string,
  retry?: number,
][] = [
  [
    "field names are exact and case-sensitive, CR, LF and CRLF end lines, one space is taken away",
    "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
    [["message", "\0\n 2\n1\n3\n\n4"]],
  ],
  [
    "comments and unknown fields, with or without a colon, are ignored; a bare data field is an empty line",
    "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
    [["message", "test\n\ntest"]],
  ],
  [
    "data in several lines, an empty one, a name",
    "data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
    [
      ["message", "msg\nmsg"],
      ["message", ""],
      ["message", "end"],
    ],
  ],
  [
    "a block without a blank line is not dispatched",
    "data:\n\ndata\ndata\n\ndata:test",
    [
      ["message", ""],
      ["message", "\n"],
    ],
  ],
  [
    "an event cut off by the end counts no more, nor does its id",
    "retry:1000\ndata:test1\n\nid:test\ndata:test2",
    [["message", "test1"]],
    "",
    1000,
  ],
  [
    "one byte order mark is taken away",
    "\uFEFFdata:1\n\ndata:2\n\n",
    [
      ["message", "1"],
      ["message", "2"],
    ],
  ],
  [
    "a second byte order mark makes the first field unknown",
    "\uFEFF\uFEFFdata:1\n\ndata:2\n\ndata:3\n\n",
    [
      ["message", "2"],
      ["message", "3"],
    ],
  ],
  [
    "comments of any length are ignored",
    `data:1\r:\0\n:\r\ndata:2\n:${"x".repeat(100_000)}\rdata:3\n:data:fail\r:${"é".repeat(1000)}\ndata:4\n\n`,
    [["message", "1\n2\n3\n4"]],
  ],
  ["line ends may be mixed", "data:test\r\ndata\ndata:test\r\n\r", [["message", "test\n\ntest"]]],
  ["only one U+0020 is taken away", "data:\ttest\rdata: \ndata:test\n\n", [["message", "\ttest\n\ntest"]]],
  ["text is UTF-8", "data:okこんにちは😀…\n\n", [["message", "okこんにちは😀…"]]],
  ["NUL is allowed in data", "data:\0\n\n\n\n", [["message", "\0"]]],
  [
    "the name counts for one event",
    "event:test\ndata:x\n\ndata:x\n\n",
    [
      ["test", "x"],
      ["message", "x"],
    ],
  ],
  ["an empty name is message", "event: \ndata:data\n\n", [["message", "data"]]],
  ["a name without data dispatches nothing and does not stay", "event:test\n\ndata:x\n\n", [["message", "x"]]],
  [
    "an id lasts until another, and may be any text",
    "id: …\ndata:1\n\ndata:2\n\nid:3\ndata:3\n\n",
    [
      ["message", "1", "…"],
      ["message", "2", "…"],
      ["message", "3", "3"],
    ],
    "3",
  ],
  [
    "a bare id empties it",
    "id:1\ndata:1\n\nid\ndata:2\n\n",
    [
      ["message", "1", "1"],
      ["message", "2", ""],
    ],
    "",
  ],
  ["a frame with only an id moves it", "data:1\n\nid:9\n\n", [["message", "1", ""]], "9"],
  [
    "an id with NUL is ignored",
    "id:1\ndata:1\n\nid:\u00002\ndata:2\n\n",
    [
      ["message", "1", "1"],
      ["message", "2", "1"],
    ],
    "1",
  ],
  ["retry is digits", "retry:03000\ndata:x\n\n", [["message", "x"]], "", 3000],
  [
    "a retry of something else leaves the earlier one",
    "retry:3000\nretry:1000x\nretry\nretry:-1\nretry:1.5\ndata:x\n\n",
    [["message", "x"]],
    "",
    3000,
  ],
  ["a value keeps its colons", "data:a:b: c\n\n", [["message", "a:b: c"]]],
];

function parse(chunks: Uint8Array[]) {
  const parser = new EventStreamParser();
  const events: unknown[] = [];
  for (const chunk of chunks) parser.push(chunk, ({ type, data, id }) => events.push([type, data, id]));
  return { events, lastEventId: parser.lastEventId, retry: parser.retry };
}

for (const [name, input, events, lastEventId = "", retry] of cases) {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const expected = { events: events.map(([type, data, id = ""]) => [type, data, id]), lastEventId, retry };

  test(`parser: ${name}`, () => assert.deepEqual(parse([bytes]), expected));

  test(`parser, cut at every byte: ${name}`, () => {
    const step = Math.max(1, Math.floor(bytes.length / 2_000)); // the long comment has 100,000 bytes
    for (let cut = 0; cut <= bytes.length; cut += bytes.length - cut < 200 || cut < 200 ? 1 : step) {
      assert.deepEqual(parse([bytes.slice(0, cut), bytes.slice(cut)]), expected, `cut at byte ${cut}`);
    }
    assert.deepEqual(parse([...bytes].map((byte) => Uint8Array.of(byte))), expected, "every byte alone");
  });
}

test("parser: the initial last id stays until an event changes it", () => {
  const parser = new EventStreamParser("7-41");
  parser.push(new TextEncoder().encode("data:1\n\n"), ({ id }) => assert.equal(id, "7-41"));
  assert.equal(parser.lastEventId, "7-41");
});

test("parser: a line and an event have a limit", () => {
  const parse = (text: string) =>
    new EventStreamParser("", undefined, 100).push(new TextEncoder().encode(text), () => {});
  assert.throws(() => parse("x".repeat(101)), /longer than 100 characters/);
  assert.throws(() => parse("data: 123456789\n".repeat(11)), /longer than 100 characters/);
  parse("data: 123456789\n\n".repeat(11));
});
