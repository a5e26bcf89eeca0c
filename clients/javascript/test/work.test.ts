import assert from "node:assert/strict";
import { test } from "node:test";
import { collect } from "./collect.js";
import { serve, status, stream, until, type Exchange } from "./server.js";

test("work without ids is never started twice", async () => {
  const cut = (exchange: Exchange) => {
    stream("data: 1\n\n")(exchange);
    setImmediate(() => exchange.response.destroy());
  };

  const answers: [answer: (exchange: Exchange) => void, events: string[], reason: string][] = [
    [stream("data: 1\n\ndata: [DONE]\n\n", { end: true }), ["message 1", "message [DONE]"], "ended"],
    [cut, ["message 1"], "broken"],
    [({ response }) => response.destroy(), [], "unreachable"],
    [status(502), [], "refused"],
  ];

  for (const [answer, expected, reason] of answers) {
    await using server = await serve(answer);
    const { client, events } = collect(server.url, { body: "{}" });

    await until(`closed: ${reason}`, () => client.state.state === "closed");
    assert.deepEqual([(client.state as { reason: string }).reason, events], [reason, expected]);
    assert.equal(server.exchanges.length, 1);
  }
});

test("work without ids is requested again if the server cannot have begun it, or on demand", async () => {
  await using server = await serve(status(429), status(503), status(401), stream("data: a\n\n", { end: true }));
  let asked = 0;
  const token = () => {
    if (++asked === 1) throw new Error("no token yet");
    return "t";
  };

  const { client, events } = collect(server.url, { body: "{}", token });
  await until("closed", () => client.state.state === "closed");
  assert.deepEqual([events, server.exchanges.length], [["message a"], 4]);

  for (const options of [{ method: "QUERY" }, { method: "POST", resendWithoutId: true }]) {
    const { client, events } = collect(server.url, { body: "{}", ...options });
    await until("two", () => events.length >= 2);
    client.close();
  }
});

test("work that cannot be resumed goes on in a hidden tab", async () => {
  await using server = await serve(stream("data: a\n\n"));
  const page = Object.assign(new EventTarget(), { hidden: false });
  (globalThis as { document?: unknown }).document = page;

  try {
    const { client, events } = collect(server.url, { body: "{}", pauseWhenHidden: true });
    await until("the first", () => events.length === 1);
    page.hidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    server.exchanges[0]!.response.end("data: b\n\n");
    await until("closed", () => client.state.state === "closed");
    assert.deepEqual([events, server.exchanges.length], [["message a", "message b"], 1]);
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});
