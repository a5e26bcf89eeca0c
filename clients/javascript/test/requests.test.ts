import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reason, SseClientOptions } from "../src/index.js";
import { read } from "./cases.js";
import { collect } from "./collect.js";
import { endless, serve, status, stream, until, type Exchange } from "./server.js";

type Answer =
  | number // the status
  | string // a stream with a proper end
  | { readonly cut: string }
  | { readonly redirect: number; readonly to?: string }
  | { readonly endless: number } // a refusal
  | { readonly length: number }; // of an event

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly credential?: "renews" | "fails first" | "cannot be sent";
  readonly maxRetries?: number;
  readonly maxEvent?: number;
  readonly closeAfter?: number; // events
  readonly answers: readonly Answer[];
  readonly requests: readonly string[];
  readonly lastIds?: readonly (string | null)[];
  readonly lastId?: string;
  readonly events?: readonly string[];
  readonly end?: keyof typeof ENDS;
}

const ENDS = {
  done: ["nothing-more", "ended", "closed"],
  refused: ["refused"],
  broken: ["broken", "unreachable"],
  exhausted: ["gave-up"],
  "too large": ["too-large"],
} satisfies Record<string, Reason[]>;

function answer(given: Answer): (exchange: Exchange) => void {
  if (typeof given === "number") return status(given);
  if (typeof given === "string") return stream(given, { end: true });
  if ("redirect" in given) return status(given.redirect, { Location: given.to ?? "/result" });
  if ("endless" in given) return endless(given.endless);
  if ("length" in given) return stream(`data: ${"x".repeat(given.length)}\n\n`);

  return (exchange) => {
    exchange.response.writeHead(200, { "Content-Type": "text/event-stream", "Content-Length": "1000000" });
    exchange.response.write(given.cut, () => exchange.response.socket!.end());
  };
}

function token(credential: Case["credential"]): SseClientOptions["token"] {
  let calls = 0;
  return () => {
    if (++calls === 1 && credential === "fails first") throw new Error("no token yet");
    return credential === "cannot be sent" ? "two\nlines" : `token ${calls}`;
  };
}

for (const { name, method, headers, credential, maxRetries = 50, maxEvent, ...expected } of read<Case>("requests"))
  test(`as in all clients: ${name}`, async () => {
    await using server = await serve(...expected.answers.map(answer));
    const { client, events } = collect(server.url, {
      method,
      body: method === undefined ? undefined : "{}",
      headers,
      token: credential && token(credential),
      maxRetries,
      maxEventLength: maxEvent,
    });

    client.on("*", () => events.length === expected.closeAfter && client.close());
    await until("closed", () => client.state.state === "closed");
    const { reason } = client.state as { reason: Reason };
    assert.ok((ENDS[expected.end ?? "done"] as Reason[]).includes(reason), reason);
    const data = events.filter((event) => event.startsWith("message ")).map((event) => event.slice("message ".length));
    assert.deepEqual(data, expected.events ?? []);

    assert.deepEqual(
      server.exchanges.map(({ request }) => request.method),
      expected.requests,
    );

    if (expected.lastId !== undefined) assert.equal(client.lastEventId, expected.lastId);
    if (expected.lastIds)
      assert.deepEqual(
        server.exchanges.map(({ request }) => request.headers["last-event-id"] ?? null),
        expected.lastIds,
      );
  });
