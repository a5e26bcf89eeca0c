import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
}

/** A real HTTP server: each request is answered by the next of the given answers, the last one again and again. */
export async function serve(...answers: ((exchange: Exchange) => void)[]) {
  const exchanges: Exchange[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const exchange = { request, response, body };
    exchanges.push(exchange);
    answers[Math.min(exchanges.length, answers.length) - 1]!(exchange);
  });

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    exchanges,
    headers: (i: number) => exchanges[i]!.request.headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Starts a stream, sends the frames, and keeps it open unless `end`. */
export const stream =
  (text: string, { end = false } = {}) =>
  ({ response }: Exchange) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(text);
    if (end) response.end();
  };

export const status =
  (code: number, headers: Record<string, string> = {}, body = "") =>
  ({ response }: Exchange) => {
    response.writeHead(code, headers);
    response.end(body);
  };

/** A refusal with problem details and a body that has no end. */
export const endless =
  (code: number) =>
  ({ response }: Exchange) => {
    response.writeHead(code, { "Content-Type": "application/problem+json" });
    response.write('{"title":"Unknown topic."}');
    const more = setInterval(() => response.write(" "), 100);
    response.on("close", () => clearInterval(more));
  };

/** Waits for a condition, not for a time. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (const limit = Date.now() + 10_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 2))) {
    if (Date.now() > limit) throw new Error(`Not within 10 s: ${what}`);
  }
}
