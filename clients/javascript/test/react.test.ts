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
function mount(url: string) {
  const seen: { data: readonly unknown[]; complete: boolean; error: unknown; state: string }[] = [];
  const Reader = () => {
    const { data, complete, error, state } = useSSE(url, { initial: 1, max: 5 });
    seen.push({ data, complete, error, state: state.state });
    return null;
  };
  const root = dom.createRoot(document.createElement("div"));
  root.render(react.createElement(react.StrictMode, null, react.createElement(Reader)));
  return { root, now: () => seen.at(-1) };
}

test("under StrictMode one request is sent and the data arrives in order", async () => {
  await using server = await serve(
    stream('event: connected\ndata: {}\n\nid: 1\ndata: {"n":1}\n\nevent: other\ndata: {"n":2}\n\n'),
  );
  const { root, now } = mount(server.url);
  await until("both", () => now()?.data.length === 2);
  assert.deepEqual(now()?.data, [{ n: 1 }, { n: 2 }]);
  assert.equal(now()?.state, "open");
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
  assert.equal(now()?.state, "closed");
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
  await until("the end", () => now()?.state === "closed" && now()?.error !== undefined);
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
  assert.equal(now()?.state, "open");
  root.unmount();
});
