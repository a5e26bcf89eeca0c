import assert from "node:assert/strict";
import { test } from "node:test";
import { shareAcrossTabs } from "../src/tabs.js";
import { serve, stream, until } from "./server.js";
import { open, openInWindow } from "./tabs.js";

test("the next leader resumes after the last frame, also one with only an id", async () => {
  await using server = await serve(stream("id: 1\ndata: one\n\n"), stream("id: 501\ndata: two\n\n"), stream(""));
  const a = openInWindow(server.url);
  const b = openInWindow(server.url);

  await until("both received the first", () => a.events.length === 1 && b.events.length === 1);
  server.exchanges[0]!.response.write("id: 500\n\n");
  await until("both are there", () => a.tab.lastEventId === "500" && b.tab.lastEventId === "500");
  a.hide();
  await until("both received the second", () => a.events.length === 2 && b.events.length === 2);
  assert.equal(server.headers(1)["last-event-id"], "500");
  server.exchanges[1]!.response.write("id: 600\n\n");
  await until("both are there again", () => a.tab.lastEventId === "600" && b.tab.lastEventId === "600");
  b.tab.close();
  a.show();
  await until("the third connection", () => server.exchanges.length === 3);
  assert.equal(server.headers(2)["last-event-id"], "600");

  assert.deepEqual(
    [a.events, b.events],
    [
      ["one", "two"],
      ["one", "two"],
    ],
  );

  a.tab.close();
});

test("a tab that catches up on a quiet stream meets a leader that is at a frame with only an id", async () => {
  await using server = await serve(
    stream("id: 1\ndata: 1\n\n"),
    stream("id: 2\ndata: 2\n\nid: 50\n\n"),
    stream("id: 2\ndata: 2\n\n"),
  );

  const a = openInWindow(server.url);
  await until("the first", () => a.events.length === 1);
  a.hide();
  await until("no tab is connected", () => server.exchanges[0]!.response.destroyed);
  const b = openInWindow(server.url);
  await until("the frame", () => b.tab.lastEventId === "50");
  a.show();
  await until("the second", () => a.events.includes("2"));
  await until("its own connection is closed", () => server.exchanges[2]!.response.destroyed);
  assert.equal(server.headers(2)["last-event-id"], "1");
  server.exchanges[1]!.response.write("id: 51\ndata: 51\n\n");
  await until("the next", () => a.events.includes("51") && b.events.includes("51"));

  assert.deepEqual(
    [a.events, b.events],
    [
      ["1", "2", "51"],
      ["2", "51"],
    ],
  );

  a.tab.close();
  b.tab.close();
});

test("tabs with different bodies, methods or addresses do not share", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const options = [{ body: "A" }, { body: "B" }, { method: "QUERY", body: "A" }, {}];
  const tabs = options.map((one) => open(server.url, one));

  await until("each has its event", () => tabs.every(({ events }) => events.length === 1));
  assert.equal(server.exchanges.length, options.length);
  for (const { tab } of tabs) tab.close();
});

test("relative addresses are those of their page", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const fetched: string[] = [];
  const tabs = ["/a/", "/b/"].map((path) => {
    (globalThis as { location?: unknown }).location = { href: new URL(path, server.url).href };
    const send = (url: string | URL | Request) => (fetched.push(path), fetch(new URL(url as string, server.url)));
    return open("stream", { fetch: send as typeof fetch });
  });

  delete (globalThis as { location?: unknown }).location;
  await until("each has its event", () => tabs.every(({ events }) => events.length === 1));
  assert.deepEqual(fetched.sort(), ["/a/", "/b/"]);
  for (const { tab } of tabs) tab.close();
});

test("a shared stream with credentials needs a name, because two tabs may have two users", () => {
  for (const options of [{ token: "t" }, { ticket: () => "t" }, { headers: { Authorization: "Bearer t" } }])
    assert.throws(() => shareAcrossTabs("http://localhost/", options), /needs a name that differs between users/);
  shareAcrossTabs("http://localhost/", { token: "t", name: "prices of user 7" }).close();
});

test("where the page may not use locks, each tab has its own connection", async () => {
  await using server = await serve(stream("id: 1\ndata: a\n\n"));
  const { locks } = navigator;
  const denied = { request: () => Promise.reject(new DOMException("The request was denied.", "SecurityError")) };
  Object.assign(navigator, { locks: denied });

  try {
    const tabs = [open(server.url), open(server.url)];
    await until("each has its event", () => tabs.every(({ events }) => events.length === 1));
    assert.equal(server.exchanges.length, 2);
    for (const { tab } of tabs) tab.close();
  } finally {
    Object.assign(navigator, { locks });
  }
});

test("a tab that was never opened or is closed leaves no listener behind", () => {
  const { addEventListener, removeEventListener } = globalThis;
  const listening = new Set<unknown>();
  Object.assign(globalThis, {
    addEventListener: (_: string, listener: unknown) => listening.add(listener),
    removeEventListener: (_: string, listener: unknown) => listening.delete(listener),
  });

  try {
    const tab = shareAcrossTabs("http://localhost/", { signal: AbortSignal.abort() });
    assert.equal(tab.state.state, "closed");
    shareAcrossTabs("http://localhost/", { signal: new AbortController().signal }).close();
    assert.equal(listening.size, 0);
  } finally {
    Object.assign(globalThis, { addEventListener, removeEventListener });
  }
});

test("a tab that may not open a channel has a connection of its own", async () => {
  await using server = await serve(stream("id: 1\ndata: one\n\n"));
  const allowed = globalThis.BroadcastChannel;

  globalThis.BroadcastChannel = class {
    constructor() {
      throw new DOMException("The operation is insecure.", "SecurityError");
    }
  } as unknown as typeof BroadcastChannel;

  try {
    const { tab, events } = open(server.url);
    await until("the event", () => events.includes("one"));
    assert.ok(tab.leads);
    tab.close();
  } finally {
    globalThis.BroadcastChannel = allowed;
  }
});
