import assert from "node:assert/strict";
import { test } from "node:test";
import { collect } from "./collect.js";
import { serve, status, stream, until, type Exchange } from "./server.js";

const SECRET = { "X-Api-Key": "k", "X-Tenant": "a" };
const done = stream("data: a\n\n", { end: true });

function kept({ request }: Exchange): unknown {
  const { headers } = request;
  return [headers["x-api-key"], headers["x-tenant"], headers.authorization];
}

for (const code of [301, 302, 303, 307, 308])
  test(`a ${code} to another origin gets none of the caller's headers`, async () => {
    await using other = await serve(done);
    await using server = await serve(status(code, { Location: other.url }));
    const { client, events } = collect(server.url, { headers: SECRET, token: "t", lastEventId: "e-1" });

    await until("the event", () => events.length > 0);
    client.close();
    assert.deepEqual(kept(server.exchanges[0]!), ["k", "a", "Bearer t"]);
    assert.deepEqual(kept(other.exchanges[0]!), [undefined, undefined, undefined]);
    const { accept, "last-event-id": last } = other.headers(0);
    assert.deepEqual([accept, last], ["text/event-stream", "e-1"]);
  });

test("a redirect to the same origin keeps the caller's headers", async () => {
  await using server = await serve(status(307, { Location: "/there" }), done);
  const { client, events } = collect(server.url, { headers: SECRET, token: "t" });

  await until("the event", () => events.length > 0);
  client.close();
  assert.equal(server.exchanges[1]!.request.url, "/there");
  for (const exchange of server.exchanges.slice(0, 2)) assert.deepEqual(kept(exchange), ["k", "a", "Bearer t"]);
});

test("a way back from another origin gets no header either", async () => {
  let home = "";
  await using other = await serve((exchange) => status(307, { Location: `${home}/back` })(exchange));
  await using server = await serve(status(307, { Location: other.url }), done);

  home = server.url;
  const { client, events } = collect(server.url, { headers: SECRET });
  await until("the event", () => events.length > 0);
  client.close();
  assert.equal(server.exchanges[1]!.request.url, "/stream/back");
  assert.deepEqual(kept(server.exchanges[1]!), [undefined, undefined, undefined]);
});

for (const [code, method, body] of [
  [302, "GET", ""],
  [303, "GET", ""],
  [307, "POST", "{}"],
] as const)
  test(`with headers of the caller, a ${code} makes a POST a ${method} and is not sent again`, async () => {
    await using server = await serve(status(code, { Location: "/there" }), status(503), status(400));
    const { client } = collect(server.url, { headers: SECRET, body: "{}" });
    await until("closed", () => client.state.state === "closed");
    const sent = server.exchanges.map((exchange) => [exchange.request.method, exchange.body]);
    assert.deepEqual(sent, [
      ["POST", "{}"],
      [method, body],
    ]);
  });

for (const headers of [SECRET, undefined])
  test(`redirects in a circle are a refusal, ${headers ? "with" : "without"} headers of the caller`, async () => {
    await using server = await serve(status(302, { Location: "/stream" }));
    const { client } = collect(server.url, { headers });
    await until("closed", () => client.state.state === "closed");
    const { reason, status: code } = client.state as { reason: string; status: number };
    assert.deepEqual([reason, code, server.exchanges.length], ["refused", 302, 21]);
  });

test("a redirect to an address with a user name is a refusal", async () => {
  await using server = await serve(status(302, { Location: "http://user:secret@127.0.0.1:1/" }));
  const { client } = collect(server.url);
  await until("closed", () => client.state.state === "closed");
  const { reason } = client.state as { reason: string };
  assert.deepEqual([reason, server.exchanges.length], ["refused", 1]);
});

test("a browser, which hides the target of a redirect, does not follow it with the caller's headers", async () => {
  const sent: RequestInit[] = [];
  const asBrowser = async (_: unknown, init?: RequestInit) => {
    sent.push(init!);
    // As the Fetch standard filters the response to a request whose redirect mode is "manual".
    return Object.defineProperties(Response.error(), { type: { value: "opaqueredirect" } });
  };

  const { client } = collect("http://127.0.0.1:1/stream", { headers: SECRET, fetch: asBrowser as typeof fetch });
  await until("closed", () => client.state.state === "closed");
  const { reason, detail } = client.state as { reason: string; detail: string };
  assert.deepEqual([reason, sent.length, sent[0]!.redirect], ["refused", 1, "manual"]);
  assert.match(detail, /redirect/);
});
