import assert from "node:assert/strict";
import { test } from "node:test";
import { SseEventSource } from "../src/event-source.js";
import { serve, status, stream, until } from "./server.js";
import { heldTimers } from "./timers.js";

const QUIET = 17_001; // milliseconds; no other timer has this time

test("it opens, dispatches events by name and reconnects after the end", async () => {
  await using server = await serve(stream("id: 1\nevent: tick\ndata: a\n\n", { end: true }), stream("data: b\n\n"));
  const source = new SseEventSource(server.url, { initial: 1, max: 5 });
  const said: string[] = [];

  source.onopen = () => said.push(`open ${source.readyState}`);
  source.onerror = () => said.push(`error ${source.readyState}`);
  source.onmessage = ({ data, lastEventId }) => said.push(`message ${data} ${lastEventId}`);

  source.addEventListener("tick", ({ data, lastEventId, origin }) =>
    said.push(`tick ${data} ${lastEventId} ${origin === new URL(server.url).origin}`),
  );

  assert.equal(source.readyState, SseEventSource.CONNECTING);
  await until("both", () => said.some((line) => line.startsWith("message")));
  assert.deepEqual(said, ["open 1", "tick a 1 true", "error 0", "open 1", "message b 1"]);
  source.close();
  assert.equal(source.readyState, SseEventSource.CLOSED);
});

test("a connection that was quiet has not opened again", async () => {
  using quiet = heldTimers(QUIET);
  await using server = await serve(stream("data: a\n\n"));
  const source = new SseEventSource(server.url, { quietAfter: QUIET });
  const said: string[] = [];

  source.onopen = () => said.push("open");
  source.onmessage = ({ data }) => said.push(data);
  await until("the event", () => said.length === 2);
  quiet.runOut();
  assert.equal(source.readyState, SseEventSource.OPEN);
  server.exchanges[0]!.response.write("data: b\n\n");
  await until("the next", () => said.includes("b"));
  assert.deepEqual(said, ["open", "a", "b"]);
  source.close();
});

test("204 closes it with an error, as the browser's does", async () => {
  await using server = await serve(status(204));
  const source: EventSource = new SseEventSource(server.url);
  const closed = new Promise<number>((resolve) => (source.onerror = () => resolve(source.readyState)));
  assert.equal(await closed, source.CLOSED);
});

test("outside a page a relative address is refused before a client tries it", async () => {
  let sent = 0;
  const send = () => Promise.reject(new Error(`${++sent}`));

  assert.throws(() => new SseEventSource("stream", { fetch: send, initial: 1, max: 1 }), TypeError);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(sent, 0);
});
