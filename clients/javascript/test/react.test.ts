import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serve, status, stream, until } from "./server.js";

// React looks for a document when it loads, so it is imported after the window exists.
let dom: typeof import("react-dom/client");
let react: typeof import("react");
let useSSE: typeof import("../src/react.js").useSSE;

before(async () => {
  const { Window } = await import("happy-dom");
  const window = new Window();

  Object.assign(globalThis, { window, document: window.document });
  Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
  react = await import("react");
  dom = await import("react-dom/client");
  ({ useSSE } = await import("../src/react.js"));
});

type Options = import("../src/react.js").UseSseOptions<unknown>;

function mount(url: string | null, options: Options = {}) {
  const seen: ReturnType<typeof useSSE>[] = [];
  const Reader = (props: { url: string | null; options: Options }) => {
    seen.push(useSSE(props.url, { initial: 1, max: 5, ...props.options }));
    return null;
  };

  const root = dom.createRoot(document.createElement("div"));
  const render = (url: string | null, options: Options = {}) =>
    root.render(react.createElement(react.StrictMode, null, react.createElement(Reader, { url, options })));
  render(url, options);

  return { root, render, now: () => seen.at(-1) };
}

test("under StrictMode one request is sent and the data arrives in order", async () => {
  await using server = await serve(
    stream('event: connected\ndata: {}\n\nid: 1\ndata: {"n":1}\n\nevent: other\ndata: {"n":2}\n\n'),
  );

  const { root, now } = mount(server.url);
  await until("both", () => now()?.data.length === 2);
  assert.deepEqual(now()?.data, [{ n: 1 }, { n: 2 }]);
  assert.equal(now()?.state.state, "open");
  assert.equal(server.exchanges.length, 1);
  root.unmount();
  await until("the server sees the end", () => server.exchanges[0]!.response.destroyed);
});

test("complete ends the stream without another request", async () => {
  await using server = await serve(
    stream('data: {"n":1}\n\nevent: complete\ndata: {"total":1}\n\n', { end: true }),
    status(500),
  );

  const { root, now } = mount(server.url);
  await until("complete", () => now()?.complete === true);
  assert.deepEqual(now()?.data, [{ n: 1 }]);
  assert.equal(now()?.state.state, "closed");
  assert.equal(server.exchanges.length, 1);
  root.unmount();
});

test("a fatal error ends the stream with the error, not as complete", async () => {
  await using server = await serve(
    stream(
      'id: 1\ndata: {"n":1}\n\nid: 2\nevent: error\ndata: {"error":"stopped","fatal":true,"reason":"interrupted"}\n\n',
      { end: true },
    ),
    status(204),
  );

  const { root, now } = mount(server.url);
  await until("the end", () => now()?.state.state === "closed" && now()?.error !== undefined);
  assert.deepEqual(now()?.data, [{ n: 1 }]);
  assert.equal(now()?.complete, false);
  assert.equal((now()?.error as Error).message, "stopped");
  assert.equal((now()?.error as { reason?: string }).reason, "interrupted");
  assert.equal(server.exchanges.length, 1);
  root.unmount();
});

test("what the server says about the stream is no item, and an error that is not fatal ends nothing", async () => {
  await using server = await serve(
    stream(
      'event: unauthorized\ndata: {"reason":"expiring"}\n\nevent: error\ndata: {"error":"later","fatal":false}\n\n' +
        'id: 1\ndata: {"n":1}\n\n',
    ),
  );

  const { root, now } = mount(server.url);
  await until("the item", () => now()?.data.length === 1);
  assert.deepEqual(now()?.data, [{ n: 1 }]);
  assert.equal(now()?.error, undefined);
  assert.equal(now()?.state.state, "open");
  root.unmount();
});

test("another URL starts anew, and without a URL nothing is open", async () => {
  await using server = await serve(stream('data: {"n":1}\n\n'), stream('data: {"n":2}\n\n'));
  const { root, render, now } = mount(null);

  await until("a render", () => now() !== undefined);
  assert.deepEqual(now()?.state, { state: "closed", reason: "closed" });
  render(`${server.url}?1`);
  await until("the first", () => now()?.data.length === 1);
  render(`${server.url}?2`);
  await until("the second", () => (now()?.last as { n: number } | undefined)?.n === 2);
  assert.deepEqual(now()?.data, [{ n: 2 }]);
  await until("the first is closed", () => server.exchanges[0]!.response.destroyed);
  render(null);
  await until("the second is closed", () => server.exchanges[1]!.response.destroyed);
  await until("closed", () => now()?.state.state === "closed");
  now()?.reconnect();
  assert.equal(server.exchanges.length, 2);
  root.unmount();
});

test("a refusal is an error with its status, and reconnect starts the stream anew", async () => {
  await using server = await serve(
    status(404, { "Content-Type": "application/problem+json" }, '{"title":"Not found","detail":"no such run"}'),
    stream('data: {"n":1}\n\n'),
  );

  const { root, now } = mount(server.url);
  await until("the error", () => now()?.error !== undefined);
  const { message, status: code, reason } = now()!.error as Error & { status: number; reason: string };
  assert.deepEqual([message, code, reason, now()?.complete], ["no such run", 404, "refused", false]);
  now()!.reconnect();
  await until("the event", () => now()?.data.length === 1);
  assert.equal(now()?.error, undefined);
  root.unmount();
});

test("the credentials and functions of the latest render are used", async () => {
  await using server = await serve(stream('data: {"n":1}\n\n'), stream('data: {"n":0}\n\n'));
  const { root, render, now } = mount(server.url, { token: () => "first" });

  await until("the first", () => now()?.data.length === 1);
  let received = 0;
  render(server.url, { token: () => "second", parse: (data) => `parsed ${data}`, onEvent: () => received++ });

  for (let n = 2; received === 0; n++) {
    server.exchanges[0]!.response.write('data: {"n":1}\n\n');
    await until("the next", () => now()?.data.length === n);
  }

  server.exchanges[0]!.response.end();
  await until("the second connection's", () => now()?.last === 'parsed {"n":0}');

  assert.deepEqual(
    server.exchanges.map(({ request }) => request.headers.authorization),
    ["Bearer first", "Bearer second"],
  );

  root.unmount();
});

test("a credential that comes with a later render is sent, and one that is gone is not", async () => {
  const one = stream('data: {"n":1}\n\n');
  await using server = await serve(one, one, one);
  const { root, render, now } = mount(server.url);
  await until("the first connection", () => now()?.data.length === 1);

  for (const options of [
    { token: "signed in", ticket: () => "t", headers: { "X-Api-Key": "k" } },
    { token: undefined, ticket: undefined, headers: undefined },
  ]) {
    const connections = server.exchanges.length;
    const { response } = server.exchanges.at(-1)!;
    let received = false; // by this render
    render(server.url, { ...options, onEvent: () => (received = true) });

    while (!received) {
      const before = now()!.data.length;
      response.write('data: {"n":1}\n\n');
      await until("an event", () => now()!.data.length > before);
    }

    response.end();
    await until("the next connection", () => server.exchanges.length > connections);
  }

  assert.deepEqual(
    server.exchanges.map(({ request }) => [
      request.headers.authorization,
      new URL(request.url!, server.url).searchParams.get("ticket"),
      request.headers["x-api-key"],
    ]),
    [
      [undefined, null, undefined],
      ["Bearer signed in", "t", "k"],
      [undefined, null, undefined],
    ],
  );

  root.unmount();
});

test("a refusal without a credential is not asked for twice", async () => {
  await using server = await serve(status(401), status(401));
  const { root, now } = mount(server.url, {});

  await until("the refusal", () => now()?.error !== undefined);
  assert.equal(server.exchanges.length, 1);
  root.unmount();
});

test("the newest items are kept, and with a limit of zero none", async () => {
  await using server = await serve(stream("data: 1\n\ndata: 2\n\ndata: 3\n\n"));

  for (const [limit, kept] of [
    [2, [2, 3]],
    [0, []],
  ] as const) {
    const received: string[] = [];
    const { root, now } = mount(server.url, { limit, onEvent: ({ data }) => received.push(data) });

    await until("all three", () => received.length === 3 && now()?.data.length === limit);
    assert.deepEqual(now()?.data, kept);
    root.unmount();
  }
});
