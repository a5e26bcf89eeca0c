import assert from "node:assert/strict";
import { test } from "node:test";
import { SseClient, type ClientState, type SseClientOptions } from "../src/index.js";
import { collect } from "./collect.js";
import { serve, status, stream, until } from "./server.js";
import { heldTimers } from "./timers.js";

const CONNECT_TIMEOUT = 15_001; // milliseconds; no other timer has this time

test("a function that never ends is given up after the connect timeout, and called again", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const hang = () => new Promise<string>(() => {});

  for (const option of ["token", "ticket", "headers"]) {
    using timeout = heldTimers(CONNECT_TIMEOUT);
    let signal: AbortSignal | undefined;
    let calls = 0;
    const value = (given: AbortSignal) => {
      signal ??= given;
      return ++calls === 1 ? hang() : option === "headers" ? {} : "t";
    };

    const { client, events, states } = collect(server.url, { [option]: value, connectTimeout: CONNECT_TIMEOUT });
    await until("the call", () => calls === 1);
    timeout.runOut();
    await until(`the event after a ${option} that hung`, () => events.length === 1);
    assert.ok(states.some((state) => state.state === "waiting" && state.reason === "unreachable"));
    assert.ok(signal?.aborted);
    client.close();
  }
});

test("an empty credential, or a function that returns none, is not sent and not asked for again", async () => {
  for (const options of [
    { token: "", ticket: "" },
    { token: () => undefined, ticket: () => "", headers: () => undefined },
  ]) {
    await using server = await serve(status(401), status(401));
    const { client } = collect(server.url, options);
    await until("the refusal", () => client.state.state === "closed");

    assert.deepEqual(
      server.exchanges.map(({ request }) => [request.headers.authorization, request.url!.includes("ticket")]),
      [[undefined, false]],
    );
  }
});

test("work is sent although its first token came after the connect timeout", async () => {
  using timeout = heldTimers(CONNECT_TIMEOUT);
  await using server = await serve(stream("data: a\n\n", { end: true }));
  let arrive = (_: string) => {};
  const tokens = [new Promise<string>((resolve) => (arrive = resolve)), "t"];
  const options = { body: "{}", token: () => tokens.shift()!, connectTimeout: CONNECT_TIMEOUT };
  const { client, events } = collect(server.url, options);

  await until("the call", () => tokens.length === 1);
  timeout.runOut();
  arrive("late");
  await until("closed", () => client.state.state === "closed");
  assert.deepEqual([events, server.exchanges.length], [["message a"], 1]);
});

test("after 401 a ticket and headers of functions are requested once more, too", async () => {
  for (const option of ["ticket", "headers"]) {
    await using server = await serve(status(401), stream("data: a\n\n"));
    let calls = 0;
    const value = () => (option === "ticket" ? `t${++calls}` : { "X-User": `t${++calls}` });
    const { client, events } = collect(server.url, { [option]: value });

    await until("the event", () => events.length === 1);
    const sent = server.exchanges.map(({ request }) => request.headers["x-user"] ?? request.url!.split("ticket=")[1]);
    assert.deepEqual(sent, ["t1", "t2"]);
    client.close();
  }
});

test("a ticket that was taken over is not sent again, and a new one is", async () => {
  const replaced = stream('event: unauthorized\ndata: {"reason":"replaced","expiresAt":null}\n\n', { end: true });
  await using server = await serve(replaced, replaced, stream("data: a\n\n"));
  const tickets = ["one", "two", "two"];
  const { client } = collect(server.url, { ticket: () => tickets.shift()! });
  const reasons: string[] = [];

  client.on("unauthorized", (message) => reasons.push(message.json().reason));
  await until("closed", () => client.state.state === "closed");
  const { reason, detail } = client.state as { reason: string; detail: string };
  assert.deepEqual([reason, reasons, server.exchanges.length], ["refused", ["replaced", "replaced"], 2]);
  assert.match(detail, /Another connection uses the ticket/);
});

test("Retry-After may be a date", async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  await using server = await serve(status(503, { "Retry-After": date }), stream("data: a\n\n"));
  const { client } = collect(server.url);

  await until("waiting", () => client.state.state === "waiting");
  const { until: end } = client.state as { until: number };
  assert.ok(end > Date.parse(date) - 1_000, `${end} is before ${date}`);
  client.close();
});

test("online again, lost connections are retried at once, and the server's time is kept", async () => {
  const page = new EventTarget();
  const { addEventListener, removeEventListener } = globalThis;
  Object.assign(globalThis, {
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });

  try {
    await using busy = await serve(status(503, { "Retry-After": "60" }));
    await using cut = await serve(({ response }) => response.destroy());
    const waits = collect(busy.url);
    const lost = collect(cut.url, { random: () => 1, initial: 60_000, max: 60_000 });

    for (const { client } of [waits, lost]) await until("waiting", () => client.state.state === "waiting");
    page.dispatchEvent(new Event("online"));
    await until("the second request", () => cut.exchanges.length === 2);
    assert.equal(busy.exchanges.length, 1);
    assert.equal(waits.client.state.state, "waiting");
    for (const { client } of [waits, lost]) client.close();
  } finally {
    Object.assign(globalThis, { addEventListener, removeEventListener });
  }
});

test("a rejected promise of a handler is reported, and a handler of * gets an event named * once", async () => {
  await using server = await serve(stream("data: a\n\nevent: *\ndata: b\n\n"));
  const thrown: string[] = [];
  (globalThis as { reportError?: (error: Error) => void }).reportError = ({ message }) => thrown.push(message);

  try {
    const client = new SseClient(server.url);
    const seen: string[] = [];
    client.on("*", async ({ data }) => {
      seen.push(data);
      await Promise.reject(new Error(data));
    });

    await until("both", () => thrown.length === 2);
    assert.deepEqual(
      [seen, thrown],
      [
        ["a", "b"],
        ["a", "b"],
      ],
    );

    client.close();
  } finally {
    delete (globalThis as { reportError?: unknown }).reportError;
  }
});

test("the position is reported after each event, and for frames with only an id", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n"));
  const positions: string[] = [];
  const { client } = collect(server.url, { onPosition: (id) => positions.push(id) });

  await until("the event", () => positions.length === 1);
  server.exchanges[0]!.response.write("id: 5\n\n");
  await until("the frame", () => positions.length === 2);
  assert.deepEqual([positions, client.lastEventId], [["1", "5"], "5"]);
  client.close();
});

test("without a first delay the client would retry in a loop, so it is refused", () => {
  for (const wrong of [0, -1, NaN])
    for (const options of [{ initial: wrong }, { max: wrong }])
      assert.throws(() => new SseClient("http://localhost/", options), RangeError);
});

test("a time that no timer can wait does not end at once", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const { client, events, states } = collect(server.url, { heartbeat: Infinity, connectTimeout: Infinity });

  await until("the event", () => events.length === 1);
  assert.ok(!states.some((state) => state.state === "waiting"));
  client.close();
});

test("after its last retry the client says what the last attempt met", async () => {
  await using server = await serve(stream("", { end: true }));
  const { client } = collect(server.url, { maxRetries: 1 });

  await until("closed", () => client.state.state === "closed");
  const { reason, cause } = client.state as { reason: string; cause: string };
  assert.deepEqual([reason, cause], ["gave-up", "ended"]);
});

test("a request that cannot be sent closes the client at once and says why", async () => {
  await using server = await serve(status(204));
  const wrong: [string, SseClientOptions][] = [
    ["http://", {}],
    ["/relative", {}],
    ...["localhost:5080/v1", "ftp://localhost/", "ws://localhost/", "file:///tmp/a", "blob:x", "data:,x"].map(
      (url): [string, SseClientOptions] => [url, {}],
    ),
    ["http://user:password@localhost/", {}],
    [server.url, { headers: { "X-Name": "two\nlines" } }],
    [server.url, { headers: { "X-Name": "名前" } }],
    [server.url, { headers: { "two words": "x" } }],
    [server.url, { token: "two\nlines" }],
    [server.url, { method: "TRACE" }],
    [server.url, { method: "GET", body: "{}" }],
  ];

  for (const [url, options] of wrong) {
    const { client, states } = collect(url, options);
    await until(`the end of ${url} ${JSON.stringify(options)}`, () => client.state.state === "closed");
    const { reason, detail } = client.state as ClientState & { state: "closed" };
    assert.equal(reason, "refused");
    assert.ok(detail);
    assert.ok(!states.some((state) => state.state === "waiting"));
  }

  assert.equal(server.exchanges.length, 0);
});
