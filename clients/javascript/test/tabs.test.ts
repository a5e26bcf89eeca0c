import assert from "node:assert/strict";
import { before, test } from "node:test";
import { shareAcrossTabs, type SharedStream, type ShareOptions } from "../src/tabs.js";
import { serve, status, stream, until } from "./server.js";

// Node has Web Locks only since version 24: a first-in, first-out lock by name. (Real tabs: tests/Browser.)
class Locks {
  #queues = new Map<string, Promise<unknown>>();
  request(name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> {
    const turn = (this.#queues.get(name) ?? Promise.resolve()).then(() => (signal.aborted ? undefined : hold()));
    this.#queues.set(name, turn);
    return turn as Promise<void>;
  }
}

before(() => Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true }));

const QUICK = { initial: 1, max: 5 };
function open(url: string, options: ShareOptions = {}) {
  const tab: SharedStream = shareAcrossTabs(url, { ...QUICK, ...options });
  const events: string[] = [];
  tab.on("*", ({ type, data }) => events.push(type === "message" ? data : type));
  return { tab, events };
}

test("two tabs share one connection and both receive every event", async () => {
  await using server = await serve(stream(""));
  const [a, b] = [open(server.url), open(server.url)];
  await until("both open", () => a.tab.state.state === "open" && b.tab.state.state === "open");
  server.exchanges[0]!.response.write("id: 1\ndata: one\n\nid: 2\ndata: two\n\n");
  await until("both received both", () => a.events.length === 2 && b.events.length === 2);
  assert.deepEqual(b.events, ["one", "two"]);
  assert.deepEqual([a.tab.leads, b.tab.leads, server.exchanges.length], [true, false, 1]);
  assert.equal(b.tab.lastEventId, "2");
  a.tab.close();
  b.tab.close();
});

test("a later tab gets the connected event and no earlier events", async () => {
  await using server = await serve(stream('id: 1\nevent: connected\ndata: {"replica":"r"}\n\nid: 2\ndata: before\n\n'));
  const a = open(server.url);
  await until("the first", () => a.events.includes("before"));
  const b = open(server.url);
  await until("connected", () => b.events.length === 1);
  server.exchanges[0]!.response.write("id: 3\ndata: after\n\n");
  await until("the next", () => b.events.length === 2);
  assert.deepEqual(b.events, ["connected", "after"]);
  a.tab.close();
  b.tab.close();
});

test("when the leader closes, the next tab resumes after the last event", async () => {
  await using server = await serve(stream("id: 1\ndata: one\n\n"), stream("id: 2\ndata: two\n\n"));
  const [a, b] = [open(server.url), open(server.url)];
  await until("both received the first", () => a.events.length === 1 && b.tab.lastEventId === "1");
  a.tab.close();
  await until("the second", () => b.events.includes("two"));
  assert.equal(server.headers(1)["last-event-id"], "1");
  assert.deepEqual(a.events, ["one"]);
  assert.ok(b.tab.leads);
  b.tab.close();
});

test("an event that a tab has seen is not delivered again by the next leader", async () => {
  const name = "sse once";
  const gone = new AbortController();
  let release = () => {};
  void navigator.locks.request(
    name,
    { signal: gone.signal },
    () => new Promise<void>((resolve) => (release = resolve)),
  );
  const leader = new BroadcastChannel(name);
  const joined = new Promise((resolve) => (leader.onmessage = resolve));
  const follower = open("once");
  await joined;
  const say = (n: number, data: string) =>
    leader.postMessage({ kind: "event", event: { type: "message", data, id: `${n}` }, seen: n, moved: true });
  // The second leader was behind this tab, so its replay contains events that this tab has seen.
  for (const [n, data] of [
    [1, "one"],
    [2, "two"],
    [1, "one"],
    [2, "two"],
    [3, "three"],
  ] as const)
    say(n, data);
  await until("the third", () => follower.events.includes("three"));
  assert.deepEqual(follower.events, ["one", "two", "three"]);
  follower.tab.close();
  leader.close();
  release();
});

test("a refusal reaches every tab and is requested once", async () => {
  await using server = await serve(status(404));
  const [a, b] = [open(server.url), open(server.url)];
  await until("both closed", () => a.tab.state.state === "closed" && b.tab.state.state === "closed");
  assert.equal((b.tab.state as { reason: string }).reason, "refused");
  assert.equal(server.exchanges.length, 1);
});

test("a hidden tab hands over its lead and keeps receiving; without a visible tab there is no connection", async () => {
  await using server = await serve(
    stream("id: 1\ndata: one\n\n"),
    stream("id: 2\ndata: two\n\n"),
    stream("id: 3\ndata: three\n\n"),
  );
  const windowed = () => {
    const page = Object.assign(new EventTarget(), { hidden: false });
    (globalThis as { document?: unknown }).document = page;
    const set = (hidden: boolean) => {
      page.hidden = hidden;
      page.dispatchEvent(new Event("visibilitychange"));
    };
    return { ...open(server.url, { pauseWhenHidden: true }), hide: () => set(true), show: () => set(false) };
  };
  try {
    const [a, b] = [windowed(), windowed()];
    await until("both received the first", () => a.events.length === 1 && b.events.length === 1);
    a.hide();
    await until("the other leads", () => b.tab.leads && !a.tab.leads);
    await until("both received the second", () => a.events.length === 2 && b.events.length === 2);
    assert.equal(server.headers(1)["last-event-id"], "1");
    b.hide();
    await until("no tab is connected", () => server.exchanges.every(({ response }) => response.destroyed));
    assert.equal(server.exchanges.length, 2);
    a.show();
    await until("both received the third", () => a.events.length === 3 && b.events.length === 3);
    assert.equal(server.headers(2)["last-event-id"], "2");
    assert.deepEqual(
      [a.events, b.events],
      [
        ["one", "two", "three"],
        ["one", "two", "three"],
      ],
    );
    assert.equal(a.tab.leads, true);
    a.tab.close();
    b.tab.close();
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});

test("a tab that was frozen reads what it missed itself, once, and then follows the leader again", async () => {
  await using server = await serve(stream("id: 3\ndata: three\n\nid: 4\ndata: four\n\nid: 5\ndata: five\n\n"));
  const name = "sse was-away";
  let release = () => {};
  void navigator.locks.request(
    name,
    { signal: new AbortController().signal },
    () => new Promise<void>((resolve) => (release = resolve)),
  );
  const leader = new BroadcastChannel(name);
  const joined = new Promise((resolve) => (leader.onmessage = resolve));
  const follower = open(server.url, { name: "was-away" });
  await joined;
  const say = (n: number, data: string) =>
    leader.postMessage({ kind: "event", event: { type: "message", data, id: `${n}` }, seen: n, moved: true });
  for (const [n, data] of [
    [1, "one"],
    [2, "two"],
    [5, "five"],
  ] as const)
    say(n, data);
  await until("the fifth", () => follower.events.includes("five"));
  assert.equal(server.headers(0)["last-event-id"], "2");
  await until("its own connection is closed", () => server.exchanges[0]!.response.destroyed);
  say(6, "six");
  await until("the sixth", () => follower.events.includes("six"));
  assert.deepEqual(follower.events, ["one", "two", "three", "four", "five", "six"]);
  assert.equal(server.exchanges.length, 1);
  follower.tab.close();
  leader.close();
  release();
});
