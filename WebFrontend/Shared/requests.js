import { problemOf } from "../lib/sse.js";
import { streamApi } from "./text.js";

const TIMEOUT = 15_000; // milliseconds

/** Reads a page of StreamApi: `{ body, next }`. Throws an error with StreamApi's reason. */
export async function readPage(path) {
  const response = await fetch(`${streamApi}${path}`, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw await refusalOf(response);
  return pageOf(response);
}

/** A page's body, and the path of the next one if there is one. */
export async function pageOf(response) {
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  return { body: await response.json(), next };
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

/** Converts a problem response into an error with `status` and `errors` by field. */
export async function refusalOf(response) {
  const { message, errors, status } = await problemOf(response);
  return Object.assign(new Error(message), { errors, status });
}

/** Returns true without an answer of StreamApi: none at all, or that of a proxy before it. */
export const isAway = (status) => !status || status === 502 || status === 504;

/** The message for a failed request: StreamApi's own (in English), or that StreamApi does not answer. */
export const reasonOf = ({ status, message }, text) =>
  isAway(status) ? text("stream.unreachable", { url: streamApi }) : text("stream.said", { status, message });
