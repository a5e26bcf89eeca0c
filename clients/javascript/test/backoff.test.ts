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

test("the server's retry is the first step, even above the maximum", () => {
  assert.equal(backoff(0, 2_500, { random: () => 1 }), 2_500);
  assert.equal(backoff(5, 60_000, { max: 30_000, random: () => 1 }), 60_000);
});

test("no number of attempts overflows", () => assert.equal(backoff(10_000, undefined, { random: () => 1 }), 30_000));
