import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, ratio } from "../../static/facts/difference.js";

const facts = (changed = {}) => ({
  wall_ns: 2e9,
  cpu_ns: 1e9,
  parallelism: 0.5,
  switches: { voluntary: 10, involuntary: 4 },
  threads: [{}, {}],
  gils: [
    { utilisation: 0.9, handovers: 30, waited_ns: 5e8, longest_wait: { duration_ns: 5e6 } },
    { utilisation: 0.1, handovers: 2, waited_ns: 1e6, longest_wait: null },
  ],
  stall: null,
  ...changed,
});
const of = (rows) => Object.fromEntries(rows.map((row) => [row.key, row]));

test("numbers of several GILs are put together as each is meant", () => {
  const rows = of(differences(facts(), facts()));
  assert.equal(rows.gilHeld.left, 0.9);
  assert.equal(rows.handovers.left, 32);
  assert.equal(rows.gilWaited.left, 501e6);
  assert.equal(rows.longestWait.left, 5e6);
});

test("what was not observed is null, never nothing", () => {
  const rows = of(differences(facts(), facts({ cpu_ns: null, gils: [] })));
  assert.equal(rows.cpu.right, null);
  assert.equal(rows.gilHeld.right, null);
  assert.equal(ratio(rows.cpu), null);
});

test("what is nothing in both says nothing", () => {
  assert.equal(of(differences(facts(), facts())).stall, undefined);
  assert.equal(of(differences(facts(), facts({ stall: { duration_ns: 7 } }))).stall.right, 7);
});

test("the ratio is right over left, and none where left is nothing", () => {
  assert.equal(ratio({ key: "wall", unit: "time", left: 2, right: 5 }), 2.5);
  assert.equal(ratio({ key: "wall", unit: "time", left: 0, right: 5 }), null);
});
