/** Delay before the next attempt. */
export interface BackoffOptions {
  /** First step in milliseconds, unless the server sent `retry:`. Default 1,000. */
  initial?: number;
  /** Longest step in milliseconds; a longer time of the server wins. Default 30,000. */
  max?: number;
  /** Failed attempts in a row before the client gives up. Default: unlimited. */
  maxRetries?: number;
  /** For tests; default `Math.random`. */
  random?: () => number;
}

const LONGEST = 300_000; // milliseconds; upper limit of the server's times

/**
 * Exponential backoff with full jitter: a random delay within a step that doubles with each attempt, so that the
 * clients of a lost server do not reconnect at the same time. `attempt` counts from 0. The server's times are the
 * minimum: `retry:` (HTML Living Standard §9.2.3), which is also the first step, and `Retry-After` (`after`).
 *
 *     attempt   retry: 2000     no retry, initial 1,000
 *        0      2.0 … 3.0 s     0 … 1 s
 *        1      2.0 … 4.0 s     0 … 2 s
 *        2      2.0 … 8.0 s     0 … 4 s
 */
export function backoff(
  attempt: number,
  retry: number | undefined,
  { initial = 1_000, max = 30_000, random = Math.random }: BackoffOptions = {},
  after = 0,
): number {
  const least = Math.min(Math.max(retry ?? 0, after), LONGEST);

  // `retry: 0` allows one immediate reconnection, not a loop against a dead server.
  const first = attempt > 0 ? Math.max(retry ?? 0, initial) : (retry ?? initial);
  const step = Math.min(first * 2 ** Math.min(attempt, 30), max);
  return least + random() * (Math.max(step, least * 1.5) - least);
}
