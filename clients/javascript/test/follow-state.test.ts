import assert from "node:assert/strict";
import { test } from "node:test";
import { followState, type ClientState, type FollowStateOptions } from "../src/index.js";
import { serve, status, stream, until, type Exchange } from "./server.js";

type Answer = (exchange: Exchange) => void;

/** A state as text, with its position. */
const state = (text: string, position: string) => status(200, { "X-Sse-Position": position }, text);

/** Serves states at `/state` and streams at `/stream`: each request gets the next one, the last one again and again. */
async function serveBoth(states: Answer[], streams: Answer[]) {
  const asked = { "/state": 0, "/stream": 0 };
  const server = await serve((exchange) => {
    const path = exchange.request.url as keyof typeof asked;
    const answers = path === "/state" ? states : streams;
    answers[Math.min(asked[path]++, answers.length - 1)]!(exchange);
  });

  const requests = (path: keyof typeof asked) =>
    server.exchanges.filter(({ request }) => request.url === path).map(({ request }) => request.headers);
  return Object.assign(server, {
    requests,
    positions: () => requests("/stream").map((headers) => headers["last-event-id"]),
  });
}

/** Follows a state with quick retries, and records what is shown and each event. */
function follow(url: string, options: Partial<FollowStateOptions> = {}) {
  const log: string[] = [];
  const states: ClientState[] = [];

  const client = followState(url, {
    initial: 1,
    max: 5,
    read: (request) => fetch(new URL("/state", url), request),
    show: async (response) => void log.push(await response.text()),
    ...options,
  });

  client.on("message", ({ data }) => log.push(data));
  client.onState((now) => states.push(now));

  return { client, log, states };
}

test("a state is shown, then the events after its position", async () => {
  await using server = await serveBoth([state("tasks", "7-3")], [stream("id: 7-4\ndata: a\n\nid: 7-5\ndata: b\n\n")]);
  const { client, log } = follow(server.url);

  await until("both", () => log.length === 3);
  assert.deepEqual([log, server.positions()], [["tasks", "a", "b"], ["7-3"]]);
  client.close();
});

test("a lost stream resumes after its last event, without another state", async () => {
  await using server = await serveBoth(
    [state("tasks", "7-3")],
    [stream("", { end: true }), stream("id: 7-4\ndata: a\n\n", { end: true }), stream("id: 7-5\ndata: b\n\n")],
  );

  const { client, log } = follow(server.url);
  await until("both", () => log.length === 3);

  assert.deepEqual(
    [log, server.positions()],
    [
      ["tasks", "a", "b"],
      ["7-3", "7-3", "7-4"],
    ],
  );

  client.close();
});

test("after a resync the state is read again, and no event of the stream with the gap is applied", async () => {
  const gap = "id: 8-0\nevent: resync\ndata: {}\n\nid: 8-1\ndata: in the second state\n\n";
  await using server = await serveBoth(
    [state("first", "7-3"), state("second", "8-2")],
    [stream(`id: 7-4\ndata: a\n\n${gap}`), stream("id: 8-3\ndata: b\n\n")],
  );

  const { client, log, states } = follow(server.url);
  await until("the event after the second state", () => log.includes("b"));

  assert.deepEqual(
    [log, server.positions()],
    [
      ["first", "a", "second", "b"],
      ["7-3", "8-2"],
    ],
  );

  assert.ok(states.some((now) => now.state === "waiting" && now.reason === "resync"));
  client.close();
});

test("a server that only resyncs is asked after longer and longer waits", async () => {
  await using server = await serveBoth([state("tasks", "x")], [stream("id: 8-0\nevent: resync\ndata: {}\n\n")]);
  const { client, states } = follow(server.url);
  const attempts = () => states.flatMap((now) => (now.state === "waiting" ? [now.attempt] : []));

  await until("four waits", () => attempts().length >= 4);
  assert.deepEqual(attempts().slice(0, 4), [1, 2, 3, 4]);
  client.close();
});

test("a read that fails is repeated as a connection is", async () => {
  const cut = ({ response }: Exchange) => void response.destroy();
  await using server = await serveBoth(
    [cut, status(503), status(429, { "Retry-After": "240" }), state("tasks", "7-3")],
    [stream("data: a\n\n")],
  );

  const { client, log, states } = follow(server.url);
  const waits = () => states.flatMap((now) => (now.state === "waiting" ? [now] : []));
  await until("the third wait", () => waits().length === 3);

  assert.deepEqual(
    waits().map(({ attempt, reason, status }) => [attempt, reason, status]),
    [
      [1, "unreachable", undefined],
      [2, "refused", 503],
      [3, "refused", 429],
    ],
  );

  assert.ok(waits()[2]!.until - Date.now() > 120_000);
  client.reconnect();
  await until("the event", () => log.length === 2);
  assert.deepEqual([log, server.positions()], [["tasks", "a"], ["7-3"]]);
  client.close();
});

test("a state that cannot be shown is reported once and closes the client, and is no lost connection", async (t) => {
  const thrown: unknown[] = [];
  Object.assign(globalThis, { reportError: ({ name }: Error) => thrown.push(name) });
  t.after(() => Reflect.deleteProperty(globalThis, "reportError"));
  await using server = await serveBoth([state("{", "7-1")], [stream("data: a\n\n")]);
  const { client, log, states } = follow(server.url, {
    show: async (response) => void log.push(typeof (await response.json())),
  });

  await until("closed", () => client.state.state === "closed");
  assert.deepEqual([log, server.positions(), thrown], [[], [], ["SyntaxError"]]);
  assert.equal(server.requests("/state").length, 1);

  const { reason, detail } = client.state as ClientState & { state: "closed" };
  assert.equal(reason, "not-shown");
  assert.match(detail!, /JSON/);
  assert.ok(states.every((now) => now.state !== "waiting"));
});

test("a state that breaks off is a lost connection, and is not shown", async () => {
  const half = ({ response }: Exchange) => {
    response.writeHead(200, { "X-Sse-Position": "7-1", "Content-Length": "100" });
    response.write("half", () => response.socket!.end());
  };

  await using server = await serveBoth([half, state("tasks", "7-3")], [stream("data: a\n\n")]);
  const { client, log, states } = follow(server.url);
  await until("the event", () => log.length === 2);
  assert.deepEqual(log, ["tasks", "a"]);

  assert.deepEqual(
    states.flatMap((now) => (now.state === "waiting" ? [now.reason] : [])),
    ["unreachable"],
  );

  client.close();
});

test("a refused read closes the client and says why", async () => {
  await using server = await serveBoth([status(404, {}, '{"detail":"There is no such session."}')], [stream("")]);
  const { client, log } = follow(server.url);

  await until("closed", () => client.state.state === "closed");
  const { reason, status: code, detail } = client.state as ClientState & { state: "closed" };
  assert.deepEqual([reason, code, detail], ["refused", 404, "There is no such session."]);
  assert.deepEqual([log, server.positions()], [[], []]);
});

test("a state without a position closes the client, because changes could be missed", async () => {
  await using server = await serveBoth([status(200, {}, "tasks")], [stream("")]);
  const { client, log } = follow(server.url);

  await until("closed", () => client.state.state === "closed");
  assert.match((client.state as { detail: string }).detail, /X-Sse-Position/);
  assert.deepEqual([log, server.positions()], [[], []]);
});

test("the read has the stream's headers and token, and a fresh token after a 401", async () => {
  await using server = await serveBoth([status(401), state("tasks", "7-3")], [stream("data: a\n\n")]);
  const read = (request: Parameters<FollowStateOptions["read"]>[0]) => {
    request.headers.set("Accept", "application/json");
    return fetch(new URL("/state", server.url), request);
  };

  let asked = 0;
  const { client, log } = follow(server.url, { read, token: () => `t${++asked}`, headers: { "X-Tenant": "cats" } });
  await until("the event", () => log.length === 2);
  const seen = [...server.requests("/state"), ...server.requests("/stream")];
  assert.deepEqual(
    seen.map(({ authorization, accept, "x-tenant": tenant }) => [authorization, accept, tenant]),
    [
      ["Bearer t1", "application/json", "cats"],
      ["Bearer t2", "application/json", "cats"],
      ["Bearer t2", "text/event-stream", "cats"],
    ],
  );

  client.close();
});

test("after a long absence the state is read again", async () => {
  await using server = await serveBoth(
    [state("first", "7-3"), state("second", "7-90")],
    [stream("id: 7-4\ndata: a\n\n", { end: true }), stream("id: 7-91\ndata: b\n\n")],
  );

  const { client, log } = follow(server.url, { replayFor: 0 });
  await until("the event after the second state", () => log.includes("b"));

  assert.deepEqual(
    [log, server.positions()],
    [
      ["first", "a", "second", "b"],
      ["7-3", "7-90"],
    ],
  );

  client.close();
});

test("closed while it reads, it aborts the request and shows nothing", async () => {
  await using server = await serveBoth([() => {}], [stream("data: a\n\n")]);
  const abort = new AbortController();
  const { client, log, states } = follow(server.url, { signal: abort.signal });

  await until("the request", () => server.exchanges.length === 1);
  let cut = false;
  server.exchanges[0]!.response.on("close", () => (cut = true));
  abort.abort();
  await until("the end of the request", () => cut);
  assert.deepEqual([client.state.state, log, server.positions()], ["closed", [], []]);
  assert.equal(states.at(-1)!.state, "closed");
});

test("closed while it shows the state, it opens no stream", async () => {
  await using server = await serveBoth([state("tasks", "7-3"), status(404)], [stream("data: a\n\n")]);
  const { client, log } = follow(server.url, { show: () => client.close() });

  await until("closed", () => client.state.state === "closed");
  const other = follow(server.url); // its requests come after those that the first one could make
  await until("closed", () => other.client.state.state === "closed");
  assert.deepEqual([log, server.positions()], [[], []]);
});
