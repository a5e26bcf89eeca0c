/** Delay before the next attempt. */
export interface BackoffOptions {
  /** First step in milliseconds, unless the server sent `retry:`. Default 1,000. */
  initial?: number;
  /** Longest step in milliseconds; a longer `retry:` of the server wins. Default 30,000. */
  max?: number;
  /** Failed attempts in a row before the client gives up. Default: unlimited. */
  maxRetries?: number;
  /** For tests; default `Math.random`. */
  random?: () => number;
}

/**
 * Exponential backoff with full jitter: a random delay between zero and a step that doubles with each attempt, so that
 * the clients of a lost server do not reconnect at the same time. `attempt` counts from 0.
 */
export function backoff(
  attempt: number,
  retry: number | undefined,
  { initial = 1_000, max = 30_000, random = Math.random }: BackoffOptions = {},
): number {
  const first = retry ?? initial;
  return random() * Math.min(first * 2 ** Math.min(attempt, 30), Math.max(max, first));
}
