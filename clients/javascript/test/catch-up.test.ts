import assert from "node:assert/strict";
import { test } from "node:test";
import { CatchUp, type Mark } from "../src/catch-up.js";

const mark = (run: string, seen: number, id: string): Mark => ({
  run,
  seen,
  id,
  moved: true,
  event: { type: "message", data: id, id },
});
const ids = (marks: readonly Mark[] | undefined) => marks?.map(({ event }) => event?.id);

test("a tab that is behind takes the leader's events after the one that both have", () => {
  const until = new CatchUp("3", { run: "r", seen: 4, id: "4" });
  assert.equal(until.addMark(mark("r", 5, "5")), undefined);
  assert.equal(until.addMark(mark("r", 6, "6")), undefined);
  assert.deepEqual(ids(until.read("4", true)), [undefined, "5", "6"]);
});

test("a tab that is ahead counts what it has read since", () => {
  const until = new CatchUp("3", { run: "r", seen: 0, id: "99" }); // no event's id
  for (const id of ["4", "5", "6"]) assert.equal(until.read(id, true), undefined);
  assert.deepEqual(until.addMark(mark("r", 1, "5")), [{ run: "r", seen: 2, id: "6" }]);
});

test("the events of a new leader that the former had sent are taken once", () => {
  const until = new CatchUp("3", mark("r", 5, "5"));
  for (const seen of [6, 5, 6, 7]) until.addMark(mark("r", seen, `${seen}`));
  assert.deepEqual(ids(until.read("5", true)), [undefined, "6", "7"]);
});

test("after a gap in what the leader says, or in another run, only its later events count", () => {
  for (const later of [mark("r", 8, "8"), mark("other", 2, "8")]) {
    const until = new CatchUp("3", mark("r", 5, "5"));
    until.addMark(later);
    assert.equal(until.read("5", true), undefined);
    assert.deepEqual(ids(until.read("8", true)), [undefined]);
  }
});

test("after skipped events the counts from before do not hold", () => {
  const until = new CatchUp("3", mark("r", 9, "99"));
  until.read("4", true);
  until.read("8", false); // skipped
  assert.equal(until.addMark(mark("r", 10, "4")), undefined);
  assert.deepEqual(until.addMark(mark("r", 11, "8")), [{ run: "r", seen: 11, id: "8" }]);
});
