import assert from "node:assert/strict";
import { test } from "node:test";
import { SseClient } from "../src/index.js";
import { collect } from "./collect.js";
import { endless, serve, status, stream, until } from "./server.js";
import { heldTimers } from "./timers.js";

// Milliseconds; no other timer has these times.
const HEARTBEAT = 45_001;
const CONNECT_TIMEOUT = 15_001;
const QUIET = 17_001;

test("after a broken connection it resumes after the last complete event", async () => {
  await using server = await serve(
    stream("id: 7-1\ndata: a\n\nid: 7-2\ndata: b\n\nid: 7-3\ndata: cut off", { end: true }),
    stream("id: 7-3\ndata: c\n\n"),
  );

  const { client, events } = collect(server.url);
  await until("all three", () => events.length === 3);
  assert.deepEqual(events, ["message a", "message b", "message c"]);
  assert.equal(server.headers(0)["last-event-id"], undefined);
  assert.equal(server.headers(1)["last-event-id"], "7-2");
  assert.equal(client.lastEventId, "7-3");
  client.close();
});

test("a frame with only an id moves the resume position", async () => {
  await using server = await serve(stream("id: 7-1\ndata: a\n\nid: 7-99\n\n", { end: true }), stream("data: b\n\n"));
  const { client, events } = collect(server.url);

  await until("both", () => events.length === 2);
  assert.equal(server.headers(1)["last-event-id"], "7-99");
  client.close();
});

test("it starts after a given id and sends any id as UTF-8", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const { client, events } = collect(server.url, { lastEventId: "…" });

  await until("one", () => events.length === 1);
  assert.equal(Buffer.from(server.headers(0)["last-event-id"] as string, "latin1").toString("utf8"), "…");
  client.close();
});

test("each reconnection posts the body again and reads the headers again", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n", { end: true }), stream("data: b\n\n"));
  let asked = 0;
  const { client, events } = collect(server.url, {
    body: '{"topics":["a.>"]}',
    headers: () => ({ "X-Attempt": `${++asked}` }),
  });

  await until("both", () => events.length === 2);

  for (const i of [0, 1]) {
    assert.equal(server.exchanges[i]!.request.method, "POST");
    assert.equal(server.exchanges[i]!.body, '{"topics":["a.>"]}');
    assert.equal(server.headers(i)["content-type"], "application/json");
    assert.equal(server.headers(i)["accept"], "text/event-stream");
    assert.equal(server.headers(i)["x-attempt"], `${i + 1}`);
  }

  client.close();
});

test("an event beyond the limit ends the stream", async () => {
  await using server = await serve(stream(`data: ${"x".repeat(2_000)}`));
  const { client } = collect(server.url, { maxEventLength: 1_000 });

  await until("closed", () => client.state.state === "closed");
  const { reason, detail } = client.state as { reason: string; detail: string };
  assert.deepEqual([reason, server.exchanges.length], ["too-large", 1]);
  assert.match(detail, /longer than 1000 characters/);
});

test("204 stops for good", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n", { end: true }), status(204));
  const { client, states } = collect(server.url);

  await until("closed", () => client.state.state === "closed");
  assert.equal((states.at(-1) as { reason: string }).reason, "nothing-more");
  assert.equal(server.exchanges.length, 2);
});

for (const [code, type] of [
  [400, "application/problem+json"],
  [403, "text/plain"],
  [404, "text/html"],
  [200, "text/html"],
  [200, "text/event-streams"],
] as const) {
  test(`${code} with ${type} stops, and says why`, async () => {
    await using server = await serve(
      status(
        code,
        { "Content-Type": type },
        code === 400 ? '{"title":"Bad","detail":"topic is wrong","errors":{"topic":["is wrong"]}}' : "no",
      ),
    );

    const { client } = collect(server.url);
    await until("closed", () => client.state.state === "closed");
    const closed = client.state as { reason: string; status: number; detail: string };
    assert.deepEqual([closed.reason, closed.status], ["refused", code]);
    if (code === 400) assert.equal(closed.detail, "topic is wrong");
  });
}

test("a refusal whose body does not end keeps its detail", async () => {
  await using server = await serve(endless(404));
  const { client } = collect(server.url);
  await until("closed", () => client.state.state === "closed");
  assert.equal((client.state as { detail: string }).detail, "Unknown topic.");
});

test("a response of another type names it", async () => {
  await using server = await serve(status(200, { "Content-Type": "text/plain" }));
  const { client } = collect(server.url);
  await until("closed", () => client.state.state === "closed");
  assert.match((client.state as { detail: string }).detail, /"text\/plain"/);
});

test("429 and 5xx are retried, not before Retry-After", async () => {
  await using server = await serve(status(503), status(429, { "Retry-After": "240" }), stream("data: a\n\n"));
  const { client, events, states } = collect(server.url);

  await until("waiting for the second time", () => states.filter(({ state }) => state === "waiting").length === 2);
  const waiting = states.filter((s) => s.state === "waiting").at(-1) as { until: number; status: number };
  assert.equal(waiting.status, 429);
  assert.ok(waiting.until - Date.now() > 120_000);
  client.reconnect();
  await until("the event", () => events.length === 1);
  client.close();
});

test("a type with parameters is a stream", async () => {
  await using server = await serve(({ response }) => {
    response.writeHead(200, { "Content-Type": "text/event-stream;charset=windows-1252" });
    response.write("data: é\n\n");
  });

  const { client, events } = collect(server.url);
  await until("one", () => events.length === 1);
  assert.deepEqual(events, ["message é"]); // always UTF-8
  client.close();
});

test("it gives up after the maximum number of retries", async () => {
  await using server = await serve(status(500));
  const { client } = collect(server.url, { maxRetries: 3 });

  await until("closed", () => client.state.state === "closed");
  assert.equal((client.state as { reason: string }).reason, "gave-up");
  assert.equal(server.exchanges.length, 4);
});

test("an event resets the retry count", async () => {
  let n = 0;
  await using server = await serve(({ response }) => {
    if (++n % 2 === 0) return stream(`id: ${n}\ndata: ${n}\n\n`, { end: true })({ response } as never);
    response.writeHead(500);
    response.end();
  });

  const { client, events } = collect(server.url, { maxRetries: 2 });
  await until("more events than retries allow", () => events.length >= 5);
  client.close();
});

test("an unreachable server is retried", async () => {
  const server = await serve(stream("data: a\n\n"));
  await server[Symbol.asyncDispose]();
  const { client, states } = collect(server.url, { maxRetries: 2 });
  await until("closed", () => client.state.state === "closed");
  assert.ok(states.some((state) => state.state === "waiting" && state.reason === "unreachable"));
});

test("a connection without events and heartbeats counts as lost", async () => {
  using watchdog = heldTimers(HEARTBEAT);
  await using server = await serve(stream("retry: 1\n\n"), stream("data: a\n\n"));
  const { client, events, states } = collect(server.url, { heartbeat: HEARTBEAT });

  await until("open", () => client.state.state === "open");
  watchdog.runOut();
  await until("the event", () => events.length >= 1);
  assert.ok(states.some((state) => state.state === "waiting" && state.reason === "silent"));
  client.close();
});

test("a connection without a byte says since when it is quiet, until the next byte", async () => {
  using quiet = heldTimers(QUIET);
  await using server = await serve(stream("data: a\n\n"));
  const { client, events, states } = collect(server.url, { quietAfter: QUIET });
  const opens = () => states.filter((state) => state.state === "open");

  await until("the event", () => events.length === 1);
  quiet.runOut();
  assert.ok(Date.now() - opens().at(-1)!.quietSince! < 60_000);
  server.exchanges[0]!.response.write(":\n\n");
  await until("heard again", () => opens().length === 3);
  assert.equal(opens().at(-1)!.quietSince, undefined);
  assert.equal(quiet.running(), 1);
  client.close();
  await until("stopped", () => quiet.running() === 0);
});

test("a request without an answer times out and is retried", async () => {
  using timeout = heldTimers(CONNECT_TIMEOUT);
  await using server = await serve(() => {}, stream("data: a\n\n"));
  const { client, events, states } = collect(server.url, { connectTimeout: CONNECT_TIMEOUT, initial: 1 });

  await until("the request", () => server.exchanges.length === 1);
  timeout.runOut();
  await until("the event", () => events.length >= 1);
  assert.ok(states.some((state) => state.state === "waiting" && state.reason === "unreachable"));
  client.close();
});

test("each comment starts the time of a silent connection anew", async () => {
  using watchdog = heldTimers(HEARTBEAT);
  await using server = await serve(stream(":\n\n"));
  const { client } = collect(server.url, { heartbeat: HEARTBEAT });
  await until("open, and its first comment", () => watchdog.started() === 2);

  for (const number of [3, 4, 5]) {
    server.exchanges[0]!.response.write(":\n\n");
    await until("a new time", () => watchdog.started() === number);
    assert.equal(watchdog.running(), 1);
  }

  client.close();
});

test("closed by a watcher as it reconnects, it makes no request", async () => {
  await using server = await serve(stream("data: a\n\n", { end: true }), stream("data: b\n\n"));
  const { client, events } = collect(server.url);
  let attempts = 0;

  client.onState(({ state }) => state === "connecting" && ++attempts === 3 && client.close());
  await until("closed", () => client.state.state === "closed");
  const later = collect(server.url); // its request comes after one that the first client could make
  await until("an event", () => later.events.length === 1);
  assert.deepEqual([events, server.exchanges.length], [["message a"], 2]);
  later.client.close();
});

test("resync and skipped are typed", async () => {
  await using server = await serve(
    stream(
      'id: 8-0\nevent: resync\ndata: {"reason":"expired","requested":"7-1","resumedFrom":"8-0"}\n\n' +
        'id: 8-9\nevent: skipped\ndata: {"from":"8-1","to":"8-9","count":9}\n\n',
    ),
  );

  const { client } = collect(server.url, { lastEventId: "7-1" });
  let reason = "";
  let count = 0;

  client.on("resync", (message) => (reason = message.json().reason));
  client.on("skipped", (message) => (count = message.json().count));
  await until("both", () => count === 9);
  assert.equal(reason, "expired");
  client.close();
});

test("handlers are typed by event name", async () => {
  await using server = await serve(stream('event: order\ndata: {"id":42}\n\n'));
  const client = new SseClient<{ order: { id: number } }>(server.url);
  let id = 0;

  client.on("order", (message) => (id = message.json().id));
  await until("the order", () => id === 42);
  client.close();
});

test("a handler that throws stops neither the others nor the stream", async () => {
  await using server = await serve(stream("data: a\n\ndata: b\n\n"));
  const thrown: unknown[] = [];

  (globalThis as { reportError?: (error: unknown) => void }).reportError = (error) => thrown.push(error);
  const client = new SseClient(server.url);
  const seen: string[] = [];

  client.on("message", () => {
    throw new Error("mine");
  });

  client.on("message", ({ data }) => seen.push(data));
  await until("both", () => seen.length === 2);
  assert.equal(thrown.length, 2);
  delete (globalThis as { reportError?: unknown }).reportError;
  client.close();
});

test("an aborted signal closes the connection and stops the retries", async () => {
  let closed = false;
  await using server = await serve((exchange) => {
    exchange.response.on("close", () => (closed = true));
    stream("data: a\n\n")(exchange);
  });

  const abort = new AbortController();
  const { client, events } = collect(server.url, { signal: abort.signal });
  await until("the event", () => events.length === 1);
  abort.abort();

  assert.deepEqual(client.state, {
    state: "closed",
    reason: "closed",
    status: undefined,
    detail: undefined,
    cause: undefined,
  });

  await until("the server sees it", () => closed);
  assert.equal(server.exchanges.length, 1);
});

test("no event is delivered after close, not even one in the same packet", async () => {
  await using server = await serve(stream("data: a\n\ndata: b\n\n"));
  const { client, events } = collect(server.url);

  client.on("message", () => client.close());
  await until("closed", () => client.state.state === "closed");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(events, ["message a"]);
});

test("closed by an aborted signal or by a watcher, it keeps the position of the last event delivered", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n"));
  const abort = new AbortController();
  const aborted = collect(server.url, { signal: abort.signal });
  aborted.client.on("message", () => abort.abort());
  await until("closed", () => aborted.client.state.state === "closed");
  assert.deepEqual([aborted.events, aborted.client.lastEventId], [["message a"], "1"]);

  using quiet = heldTimers(QUIET);
  const watched = collect(server.url, { quietAfter: QUIET, lastEventId: "0" });
  let wasQuiet = false;
  watched.client.onState((now) => {
    if (wasQuiet) watched.client.close();
    wasQuiet = now.state === "open" && now.quietSince !== undefined;
  });

  await until("both events", () => watched.events.length === 2);
  quiet.runOut();
  server.exchanges.at(-1)!.response.write("id: 4\ndata: c\n\n");
  await until("closed", () => watched.client.state.state === "closed");
  assert.equal(watched.client.lastEventId, "3");
});

test("a response that ignores the signal is not read on after close", async () => {
  let more!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) });
  const response = new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  const { client } = collect("http://127.0.0.1:1/", { fetch: async () => response, lastEventId: "0" });

  await until("open", () => client.state.state === "open");
  client.close();
  more.enqueue(new TextEncoder().encode("id: 1\ndata: a\n\n"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.lastEventId, "0");
});

test("a token is requested once more after 401", async () => {
  await using server = await serve(status(401), stream("data: a\n\n"));
  let asked = 0;
  const { client, events } = collect(server.url, { token: async () => `t${++asked}` });
  await until("the event", () => events.length === 1);

  assert.deepEqual(
    server.exchanges.map(({ request }) => request.headers.authorization),
    ["Bearer t1", "Bearer t2"],
  );

  client.close();
});

test("a fixed token that is refused stops", async () => {
  await using server = await serve(status(401));
  const { client } = collect(server.url, { token: "t" });
  await until("closed", () => client.state.state === "closed");
  assert.equal(server.exchanges.length, 1);
});

test("each connection gets its own ticket", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n", { end: true }), stream("data: b\n\n"));
  let asked = 0;
  const { client, events } = collect(`${server.url}?topic=a`, { ticket: () => `t ${++asked}` });
  await until("both", () => events.length === 2);

  assert.deepEqual(
    server.exchanges.map(({ request }) => request.url),
    ["/stream?topic=a&ticket=t%201", "/stream?topic=a&ticket=t%202"],
  );

  client.close();
});

test("it waits at least for the server's retry time", async () => {
  await using server = await serve(stream("retry: 240000\n\n", { end: true }), stream("data: a\n\n"));
  const { client, events } = collect(server.url, { random: () => 0, initial: 5_000, max: 5_000 });
  let wait = 0;

  client.onState((state) => state.state === "waiting" && (wait = state.until - Date.now()));
  await until("waiting", () => wait > 0);
  assert.ok(wait > 120_000 && wait <= 240_000, `${wait}`);
  client.reconnect();
  await until("the event", () => events.length === 1);
  client.close();
});

test("a hidden tab has no connection and resumes when it is shown", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n"), stream("data: b\n\n"));
  const page = Object.assign(new EventTarget(), { hidden: false });
  (globalThis as { document?: unknown }).document = page;

  try {
    const { client, events } = collect(server.url, { pauseWhenHidden: true });
    await until("the first", () => events.length === 1);
    page.hidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    await until("paused", () => client.state.state === "paused");
    await until("the server sees it", () => server.exchanges[0]!.response.destroyed);
    page.hidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    await until("the second", () => events.length === 2);
    assert.equal(server.headers(1)["last-event-id"], "1");
    client.close();
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});

test("a tab that is hidden briefly keeps its connection", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n"));
  const page = Object.assign(new EventTarget(), { hidden: false });
  (globalThis as { document?: unknown }).document = page;

  try {
    const { client, states } = collect(server.url, { pauseWhenHidden: 60 });
    await until("open", () => client.state.state === "open");

    for (const hidden of [true, false, true]) {
      page.hidden = hidden;
      page.dispatchEvent(new Event("visibilitychange"));
    }

    assert.equal(client.state.state, "open");
    await until("paused", () => client.state.state === "paused");
    assert.equal(states.filter(({ state }) => state === "open").length, 1);
    client.close();
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});
