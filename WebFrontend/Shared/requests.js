import { problemOf } from "../lib/sse.js";
import { streamApi } from "./text.js";

const PATIENCE = 15_000; // a server that holds a request and says nothing is as good as none

/** A GET of StreamApi: `{ body, position, next }`, or an error that says what it objects to. */
export async function readState(path) {
  const response = await fetch(`${streamApi}${path}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw await refusalOf(response);
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  return { body: await response.json(), position: response.headers.get("X-Sse-Position"), next };
}

/** A request that changes something: its answer's JSON, or an error with what StreamApi objects to (`errors`, by field). */
export async function send(method, path, body) {
  const response = await fetch(`${streamApi}${path}`, {
    method,
    signal: AbortSignal.timeout(PATIENCE),
    ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (response.ok) return response.json();
  throw await refusalOf(response);
}

/** An error with what StreamApi objects to (`errors`, by field). */
export async function refusalOf(response) {
  const { message, errors, status } = await problemOf(response);
  return Object.assign(new Error(message), { errors, status });
}

/** What to say of a request that failed: StreamApi's own words, which are English, or that it does not answer. */
export const reasonOf = ({ status, message }, text) =>
  status ? text("stream.said", { status, message }) : text("stream.unreachable", { url: streamApi });
