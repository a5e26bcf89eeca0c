import assert from "node:assert/strict";
import { test } from "node:test";
import { serve, status, stream, until } from "./server.js";
import { open, openInWindow } from "./tabs.js";

// Leads the tabs of this name by hand: event n has the id and the text n, and is the n-th of run "r".
async function lead(name: string) {
  let release = () => {};
  await new Promise<void>((held) => {
    const hold = () => new Promise<void>((resolve) => held(void (release = resolve)));
    void navigator.locks.request(`sse 3 ${name}`, { signal: new AbortController().signal }, hold);
  });

  const channel = new BroadcastChannel(`sse 3 ${name}`);
  const received: { kind: string; run: string; seen: number }[] = [];
  const joined = new Promise<void>((resolve) => {
    channel.onmessage = ({ data }) => resolve(void received.push(data));
  });

  const say = (n: number) => {
    const event = { type: "message", data: `${n}`, id: `${n}` };
    channel.postMessage({ kind: "event", event, run: "r", id: `${n}`, seen: n, moved: true });
  };

  const sayState = (id: string, seen: number) =>
    channel.postMessage({
      kind: "state",
      state: { state: "open" },
      run: "r",
      id,
      resume: id,
      seen,
      connected: undefined,
    });

  const close = () => release();
  return { channel, received, joined, say, sayState, close };
}

test("two tabs share one connection and both receive every event", async () => {
  await using server = await serve(stream(""));
  const a = open(server.url);
  const b = open(server.url);

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
  const a = open(server.url);
  const b = open(server.url);

  await until("both received the first", () => a.events.length === 1 && b.tab.lastEventId === "1");
  a.tab.close();
  await until("the second", () => b.events.includes("two"));
  assert.equal(server.headers(1)["last-event-id"], "1");
  assert.deepEqual(a.events, ["one"]);
  assert.ok(b.tab.leads);
  b.tab.close();
});

test("an event that a tab has seen is not delivered again by the next leader", async () => {
  const leader = await lead("once");
  const follower = open("once");
  await leader.joined;

  // The second leader was behind this tab, so its replay contains events that this tab has seen.
  for (const n of [1, 2, 1, 2, 3]) leader.say(n);
  await until("the third", () => follower.events.includes("3"));
  assert.deepEqual(follower.events, ["1", "2", "3"]);
  follower.tab.close();
  leader.close();
  leader.channel.close();
});

test("a refusal reaches every tab and is requested once", async () => {
  await using server = await serve(status(404));
  const a = open(server.url);
  const b = open(server.url);

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

  const a = openInWindow(server.url);
  const b = openInWindow(server.url);

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
  for (const { events } of [a, b]) assert.deepEqual(events, ["one", "two", "three"]);
  assert.equal(a.tab.leads, true);
  a.tab.close();
  b.tab.close();
});

test("a tab that was hidden while another began reads what it missed, and then shares its connection", async () => {
  await using server = await serve(
    stream("id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: 3\n\n"),
    stream(""),
    stream("id: 4\ndata: 4\n\n"),
    stream("id: 9\ndata: 9\n\n"),
  );

  const connected = () => server.exchanges.filter(({ response }) => !response.destroyed).length;
  const a = openInWindow(server.url);

  await until("three", () => a.events.length === 3);
  a.hide();
  await until("no tab is connected", () => connected() === 0);
  const b = openInWindow(server.url);
  await until("the new tab is open", () => b.tab.state.state === "open");
  assert.equal(server.headers(1)["last-event-id"], undefined);
  server.exchanges[1]!.response.write("id: 4\ndata: 4\n\n");
  await until("the fourth", () => b.events.length === 1);
  a.show();
  await until("the fourth in the first tab", () => a.events.includes("4"));
  assert.equal(server.headers(2)["last-event-id"], "3");
  await until("one connection", () => connected() === 1);
  for (const n of [5, 6, 7, 8]) server.exchanges[1]!.response.write(`id: ${n}\ndata: ${n}\n\n`);
  await until("the eighth", () => a.events.includes("8") && b.events.includes("8"));
  assert.deepEqual([a.events.join(""), b.events.join("")], ["12345678", "45678"]);
  b.hide();
  await until("the ninth", () => a.events.includes("9") && b.events.includes("9"));
  assert.deepEqual([server.exchanges.length, connected()], [4, 1]);
  a.tab.close();
  b.tab.close();
});

test("a hidden tab that is behind another leader's run opens no connection until it is shown", async () => {
  await using server = await serve(
    stream("id: 1\ndata: 1\n\n"),
    stream("id: 5\ndata: 5\n\n"),
    stream("id: 2\ndata: 2\n\n"),
    stream("id: 6\ndata: 6\n\n"),
  );

  const a = openInWindow(server.url);
  await until("the first", () => a.events.length === 1);
  a.hide();
  const b = openInWindow(server.url);
  await until("the fifth", () => b.events.length === 1);
  b.hide();
  a.show();
  await until("the second", () => a.events.includes("2"));
  assert.deepEqual([server.headers(2)["last-event-id"], server.exchanges.length], ["1", 3]);
  b.show();
  await until("its own connection", () => b.events.includes("6"));
  assert.equal(server.headers(3)["last-event-id"], "5");
  server.exchanges[2]!.response.write("id: 5\ndata: 5\n\n");
  await until("its own connection is closed", () => server.exchanges[3]!.response.destroyed);
  for (const n of [6, 7]) server.exchanges[2]!.response.write(`id: ${n}\ndata: ${n}\n\n`);
  await until("the seventh", () => a.events.includes("7") && b.events.includes("7"));
  assert.deepEqual([a.events.join(""), b.events.join("")], ["12567", "567"]);
  a.tab.close();
  b.tab.close();
});

test("a tab that was frozen reads what it missed itself, once, and then follows the leader again", async () => {
  await using server = await serve(stream("id: 3\ndata: 3\n\nid: 4\ndata: 4\n\nid: 5\ndata: 5\n\n"));
  const leader = await lead("was-away");
  const follower = open(server.url, { name: "was-away" });

  await leader.joined;
  for (const n of [1, 2, 5]) leader.say(n);
  await until("the fifth", () => follower.events.includes("5"));
  assert.equal(server.headers(0)["last-event-id"], "2");
  await until("its own connection is closed", () => server.exchanges[0]!.response.destroyed);
  leader.say(6);
  await until("the sixth", () => follower.events.includes("6"));
  assert.deepEqual(follower.events, ["1", "2", "3", "4", "5", "6"]);
  assert.equal(server.exchanges.length, 1);
  follower.tab.close();
  leader.close();
  leader.channel.close();
});

test("a new tab on a busy stream follows from the first event that it receives", async () => {
  await using server = await serve(stream(""));
  const leader = await lead("busy");
  const follower = open(server.url, { name: "busy" });

  await leader.joined;
  leader.say(501);
  leader.sayState("501", 501);
  leader.say(502);
  await until("the next", () => follower.events.includes("502"));
  assert.deepEqual([follower.events, follower.tab.state.state], [["501", "502"], "open"]);
  assert.equal(server.exchanges.length, 0);
  follower.tab.close();
  leader.close();
  leader.channel.close();
});

test("a tab that may not read what it missed says so and follows the leader", async () => {
  await using server = await serve(status(403));
  const leader = await lead("refused");
  const follower = open(server.url, { name: "refused" });
  let resync: unknown;

  follower.tab.on("resync", (message) => (resync = message.json()));
  await leader.joined;
  for (const n of [1, 2, 5]) leader.say(n);
  await until("the fifth", () => follower.events.includes("5"));
  leader.say(6);
  await until("the sixth", () => follower.events.includes("6"));
  assert.deepEqual(follower.events, ["1", "2", "resync", "5", "6"]);
  assert.deepEqual(resync, { reason: "missed", requested: "2", resumedFrom: "5" });
  assert.equal(server.exchanges.length, 1);
  follower.tab.close();
  leader.close();
  leader.channel.close();
});

test("a tab that has not caught up when the leader ends is told so", async () => {
  await using server = await serve(stream(""));
  const leader = await lead("ends");
  const follower = open(server.url, { name: "ends" });

  await leader.joined;
  for (const n of [1, 5]) leader.say(n);
  await until("its own connection", () => server.exchanges.length === 1);
  const state = { state: "closed", reason: "nothing-more", final: true };
  leader.channel.postMessage({ kind: "state", state, run: "r", id: "5", resume: "5", seen: 5, connected: undefined });
  await until("the end", () => follower.tab.state.state === "closed");
  assert.deepEqual(follower.events, ["1", "resync"]);
  leader.close();
  leader.channel.close();
});

test("a tab that leads before it has caught up counts what it has read", async () => {
  await using server = await serve(stream("id: 3\ndata: 3\n\nid: 4\ndata: 4\n\n"), stream("id: 5\ndata: 5\n\n"));
  const leader = await lead("early");
  const follower = open(server.url, { name: "early" });

  await leader.joined;
  for (const n of [1, 2, 9]) leader.say(n);
  await until("the fourth", () => follower.events.includes("4"));
  leader.close();
  await until("the fifth", () => follower.events.includes("5"));
  assert.equal(server.headers(1)["last-event-id"], "4");
  const last = () => leader.received.findLast(({ kind }) => kind === "event");
  await until("its message", () => last() !== undefined);
  assert.deepEqual([last()!.run, last()!.seen], ["r", 5]);
  follower.tab.close();
  leader.channel.close();
});

test("after a resync the tabs follow on in a new run", async () => {
  await using server = await serve(stream("id: 1\ndata: 1\n\n"));
  const a = open(server.url);
  const b = open(server.url);
  const channel = new BroadcastChannel(`sse 3 ${server.url}`);
  const runs = new Set<string>();

  channel.onmessage = ({ data }) => data.run && runs.add(data.run);
  await until("the first", () => b.events.length === 1);
  server.exchanges[0]!.response.write("id: 9\nevent: resync\ndata: {}\n\nid: 10\ndata: 10\n\n");
  await until("the tenth", () => a.events.includes("10") && b.events.includes("10"));
  for (const { events } of [a, b]) assert.deepEqual(events, ["1", "resync", "10"]);
  await until("two runs", () => runs.size === 2);
  assert.equal(server.exchanges.length, 1);
  a.tab.close();
  b.tab.close();
  channel.close();
});
