import { problemOf } from "./problem.js";
import type { Reason } from "./state.js";

/** A value, or a function called for each connection. The signal aborts when the attempt times out or is closed. */
export type PerConnection<Value> = Value | ((signal: AbortSignal) => Value | Promise<Value>);

/** The end of a connection, or of an attempt to make one. @internal */
export interface End {
  readonly reason: Reason;
  readonly final?: boolean;
  readonly status?: number;
  readonly detail?: string;
  readonly after?: number;
}

/** A request that cannot be sent, or an answer that cannot be used: a repetition would bring the same. @internal */
export class Unusable extends Error {
  constructor(
    message: string,
    readonly reason: Reason = "refused",
  ) {
    super(message);
  }
}

/** Makes a part of a request; what it throws is final: no request has such an address, method or header. @internal */
export function sendable<Part>(make: () => Part): Part {
  try {
    return make();
  } catch (error) {
    throw new Unusable(String((error as Error)?.message ?? error));
  }
}

/** Throws for an address, a method or headers that no request of a stream can have. @internal */
export function check(address: string, init: RequestInit): void {
  const { protocol } = sendable(() => new URL(new Request(address, init).url));
  if (/^https?:$/.test(protocol)) return;
  throw new Unusable(`The address begins with ${protocol} and not with http:// or https://.`);
}

/** Methods that may be repeated: those that are safe (RFC 9110 §9.2.1), and `QUERY`. @internal */
export const SAFE = ["GET", "HEAD", "OPTIONS", "QUERY"];

/** Returns the value for a connection. Rejects when the signal aborts, even if the function never ends. @internal */
export async function resolve<Value>(value: PerConnection<Value>, signal: AbortSignal): Promise<Value> {
  if (typeof value !== "function") return value;

  signal.throwIfAborted();
  const called = (async () => (value as (signal: AbortSignal) => Value | Promise<Value>)(signal))();

  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );

  return Promise.race([aborted, called]);
}

/** Writes an id as a header value, which carries one character per byte of its UTF-8. @internal */
export const latin1 = (id: string): string =>
  /^[\x20-\x7e]*$/.test(id) ? id : String.fromCharCode(...new TextEncoder().encode(id));

/** @internal */
export function withTicket(url: string, ticket: string): string {
  const [path, fragment] = url.split("#") as [string, string?];
  const separator = path.includes("?") ? "&" : "?";
  return `${path}${separator}ticket=${encodeURIComponent(ticket)}${fragment === undefined ? "" : `#${fragment}`}`;
}

/** @internal */
export const isStream = (response: Response): boolean =>
  response.status === 200 && /^text\/event-stream\s*(;|$)/i.test(response.headers.get("content-type") ?? "");

/** Reads a response that is no stream. @internal */
export async function refusal(response: Response): Promise<End> {
  const { status, headers } = response;
  if (status === 204) return { final: true, reason: "nothing-more" };

  const detail =
    status === 200
      ? `The content type is "${headers.get("content-type") ?? ""}", not text/event-stream.`
      : (await problemOf(response)).message;
  const busy = status === 408 || status === 425 || status === 429 || status >= 500;
  return {
    final: !busy,
    reason: "refused",
    status,
    detail,
    after: busy ? retryAfter(headers.get("retry-after")) : undefined,
  };
}

// `Retry-After` in milliseconds; it is a number of seconds or a date (RFC 9110 §10.2.3).
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return wait > 0 ? wait : undefined;
}
