import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../src/index.js";
import { read } from "./cases.js";

interface Case {
  readonly name: string;
  readonly stream: string;
  readonly events: readonly (readonly [type: string, data: string, id: string])[];
  readonly lastId: string;
  readonly retry?: number;
}

function parse(chunks: Uint8Array[]) {
  const parser = new EventStreamParser();
  const events: unknown[] = [];
  for (const chunk of chunks) parser.push(chunk, ({ type, data, id }) => events.push([type, data, id]));
  return { events, lastEventId: parser.lastEventId, retry: parser.retry };
}

// The cases of the web platform tests (eventsource/), for all three clients.
for (const { name, stream, events, lastId, retry } of read<Case>("parsing")) {
  const bytes = new TextEncoder().encode(stream);
  const expected = { events, lastEventId: lastId, retry };

  test(`parser: ${name}`, () => assert.deepEqual(parse([bytes]), expected));

  test(`parser, cut at every byte: ${name}`, () => {
    for (let cut = 0; cut <= bytes.length; cut++)
      assert.deepEqual(parse([bytes.slice(0, cut), bytes.slice(cut)]), expected, `cut at byte ${cut}`);
    assert.deepEqual(parse([...bytes].map((byte) => Uint8Array.of(byte))), expected, "every byte alone");
  });
}

test("parser: comments of any length are ignored, however they are cut", () => {
  const bytes = new TextEncoder().encode(`data:1\n:${"x".repeat(100_000)}\rdata:2\r:${"é".repeat(1_000)}\ndata:3\n\n`);
  for (const size of [1, 7, 4_096, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    );
    assert.deepEqual(parse(chunks).events, [["message", "1\n2\n3", ""]]);
  }
});

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
