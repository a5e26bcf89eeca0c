import type { Mark, Position } from "./catch-up.js";
import type { SseClientOptions } from "./client.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState } from "./state.js";

/** Messages between tabs. `resume` is the id to resume after, which frames without an event move too. @internal */
export type TabMessage =
  | (Mark & { readonly kind: "event"; readonly event: ServerSentEvent })
  | (Position & {
      readonly kind: "state";
      readonly state: ClientState;
      readonly connected: string | undefined;
      readonly resume: string;
    })
  | { readonly kind: "hello" }
  | { readonly kind: "reconnect" };

// In the names of channel and lock; tabs with other messages do not share.
const VERSION = 3;

/** Returns the name of the channel and the lock. @internal */
export function nameOf(url: string, options: SseClientOptions & { name?: string }): string {
  return `sse ${VERSION} ${options.name ?? defaultName(url, options)}`;
}

function defaultName(url: string, { method, body, headers, ticket, token }: SseClientOptions): string {
  if ((headers ?? ticket ?? token) !== undefined)
    throw new TypeError("A shared stream with token, ticket or headers needs a name that differs between users.");
  const address = typeof location === "object" ? new URL(url, location.href).href : url;
  return method === undefined && body === undefined ? address : JSON.stringify([address, method, body]);
}
