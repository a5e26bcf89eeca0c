import { problemOf } from "../lib/sse.js";
import { streamApi } from "./text.js";

const TIMEOUT = 15_000; // milliseconds

/** Reads from StreamApi: `{ body, position, next }`. Throws an error with StreamApi's reason. */
export async function readState(path) {
  const response = await fetch(`${streamApi}${path}`, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw await refusalOf(response);
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  return { body: await response.json(), position: response.headers.get("X-Sse-Position"), next };
}

/**
 * Sends a change and returns the response's JSON, or throws an error with StreamApi's reason and `errors` by field.
 * With a `key`, a request that is repeated after a lost answer has no second effect.
 */
export async function send(method, path, body, key) {
  const response = await fetch(`${streamApi}${path}`, {
    method,
    signal: AbortSignal.timeout(TIMEOUT),
    headers: {
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(key !== undefined && { "Idempotency-Key": key }),
    },
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json();
  throw await refusalOf(response);
}

/** Converts a problem response into an error with `status`, `errors` by field and `retryAfter` in seconds. */
export async function refusalOf(response) {
  const { message, errors, status } = await problemOf(response);
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  return Object.assign(new Error(message), { errors, status, retryAfter });
}

/** As in the client: other 4xx answers stay the same when the request is repeated. */
export const isFinal = (status) => status >= 400 && status < 500 && ![408, 425, 429].includes(status);

/** Milliseconds before a request is repeated: as the refusal asks, with jitter, else `delay`. */
export const retryDelay = (refusal, delay) =>
  refusal?.retryAfter >= 0 ? Math.max(delay, refusal.retryAfter * 1_000 * (1 + Math.random() / 2)) : delay;

/** Returns true without an answer of StreamApi: none at all, or that of a proxy before it. */
export const isAway = (status) => !status || status === 502 || status === 504;

/** The message for a failed request: StreamApi's own (in English), or that StreamApi does not answer. */
export const reasonOf = ({ status, message }, text) =>
  isAway(status) ? text("stream.unreachable", { url: streamApi }) : text("stream.said", { status, message });
