/** How long to wait before the next attempt. */
export interface BackoffOptions {
  /** Milliseconds; the first step where the server named no `retry:`. Default 1,000. */
  initial?: number;
  /** Milliseconds; no step is longer, unless the server's `retry:` is. Default 30,000. */
  max?: number;
  /** Attempts in a row without success before giving up. Default: never. */
  maxRetries?: number;
  /** For tests; default `Math.random`. */
  random?: () => number;
}

/**
 * Exponential backoff with full jitter: anything between nothing and a step that doubles, so that the clients which one server lost do
 * not come to the next in one moment. `attempt` counts from 0.
 */
export function backoff(
  attempt: number,
  retry: number | undefined,
  { initial = 1_000, max = 30_000, random = Math.random }: BackoffOptions = {},
): number {
  const first = retry ?? initial;
  return random() * Math.min(first * 2 ** Math.min(attempt, 30), Math.max(max, first));
}
