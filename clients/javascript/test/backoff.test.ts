import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/index.js";

test("the step doubles up to the maximum, with full jitter", () => {
  const longest = Array.from({ length: 8 }, (_, attempt) =>
    backoff(attempt, undefined, { initial: 100, max: 1_000, random: () => 1 }),
  );

  assert.deepEqual(longest, [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]);
  assert.equal(backoff(3, undefined, { random: () => 0 }), 0);
});

test("the server's retry is the minimum and the first step, even above the maximum", () => {
  const delays = (random: number) =>
    Array.from({ length: 6 }, (_, attempt) => backoff(attempt, 2_000, { random: () => random }));
  assert.deepEqual(delays(0), [2_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
  assert.deepEqual(delays(1), [3_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.equal(backoff(5, 60_000, { max: 30_000, random: () => 0 }), 60_000);
});

test("a retry of zero returns at once, and does not loop", () => {
  assert.equal(backoff(0, 0, { random: () => 1 }), 0);
  assert.equal(backoff(1, 0, { random: () => 1 }), 2_000);
});

test("the server's times are at most five minutes", () => {
  assert.equal(backoff(0, 86_400_000, { random: () => 0 }), 300_000);
  assert.equal(backoff(0, undefined, { random: () => 0 }, 86_400_000), 300_000);
  assert.equal(backoff(0, 2_000, { random: () => 0 }, 7_000), 7_000);
});

test("no number of attempts overflows", () => assert.equal(backoff(10_000, undefined, { random: () => 1 }), 30_000));
