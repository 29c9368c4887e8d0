import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LaneKind } from "../../static/generated/records.js";
import { inFrontOf } from "../../static/page/keys.js";
import { linesBeforeIdea } from "../../static/page/python.js";
import { stepAt, stepFrom, stepOf } from "../../static/page/steps.js";
import { Lane } from "../../static/recording/lane.js";
import { Arrangement } from "../../static/timeline/arrangement.js";
import { Families } from "../../static/timeline/families.js";
import { layoutInto } from "../../static/timeline/layout.js";
import { ROOT } from "./sample.js";

test("a clicker goes through an experiment and on to the next one", () => {
  const way = [];
  for (let step = "question"; step !== "next"; step = stepFrom(step, 1)) way.push(step);
  assert.deepEqual(way, ["question", "run", "watch", "facts"]);
  assert.equal(stepFrom("question", -1), "previous");
  assert.equal(stepFrom("facts", -1), "watch");
});

test("whoever begins to teach stands where the page is", () => {
  assert.deepEqual(["idle", "sample", "queued", "running", "finished", "interrupted"].map(stepAt), ["question", "question", "run", "run", "watch", "watch"]);
  assert.equal(stepOf("watch"), "watch");
  assert.equal(stepOf("constructor"), null);
});

test("what is shown of every experiment begins with its first function or class", () => {
  const folder = join(ROOT, "app/experiments");
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".py"))) {
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    const at = linesBeforeIdea(lines.join("\n"));
    const hasIdea = lines.some((line) => /^(async def|def|class) /.test(line));
    assert.match(lines[at], hasIdea ? /^(async def|def|class|@|#)/ : /^(?!import |from |#|$)/, name);
    assert.ok(!hasIdea || !lines.slice(at).some((line) => /^import /.test(line)), name);
  }
});

test("a script without functions begins after its imports", () => {
  assert.equal(linesBeforeIdea('"""doc"""\nimport os\n\nprint(os)\n'), 3);
  assert.equal(linesBeforeIdea("print(1)\n"), 0);
});

test("a mode's keys go before what they mean elsewhere, in the help too", () => {
  const act = () => {};
  const pan = { keys: ["a", "arrowleft"], shown: "A ←", key: "left", act };
  const find = { keys: ["b"], shown: "B", key: "findPrevious", act };
  const back = { keys: ["pageup", "arrowleft"], shown: "PgUp ←", key: "stepBack", act };
  const blank = { keys: ["b", "."], shown: "B .", key: "blank", act };
  assert.deepEqual(inFrontOf([back, blank], [pan, find]).map(({ shown }) => shown), ["PgUp ←", "B .", "A"]);
  assert.deepEqual(inFrontOf([], [pan, find]), [pan, find]);
});

/** A machine with two cores and so many processes of one thread each. */
function machine(processes) {
  const root = new Lane(0, null, LaneKind.MACHINE, "machine", 0, 0, 0);
  const lanes = [root];
  const add = (parent, kind, name) => {
    const lane = new Lane(lanes.length, parent, kind, name, 0, 0, lanes.length);
    parent.children = [...parent.children, lane];
    lanes.push(lane);
    return lane;
  };
  for (const name of ["core 0", "core 1"]) add(root, LaneKind.CORE, name);
  for (let i = 0; i < processes; i++) {
    const process = add(root, LaneKind.PROCESS, `Process-${i}`);
    add(process, LaneKind.MEMORY, "memory");
    add(process, LaneKind.GIL, "GIL");
    add(add(process, LaneKind.THREAD, "MainThread"), LaneKind.CPU, "cpu");
  }
  return lanes;
}
const HEIGHTS = { leastPx: 32, rowPx: 50, thinPx: 40, stripPx: 18, densityPx: 324, counterPx: 130, markPx: 34 };
const rowsIn = (lanes, heights) => [...layoutInto(lanes, new Arrangement(), new Families(), heights, 760).rows];

test("where everything must be in sight, what explains the least is left out until it is", () => {
  const rows = rowsIn(machine(9), HEIGHTS);
  const last = rows.at(-1);
  assert.ok(last.yPx + last.heightPx <= 760);
  assert.deepEqual(rows.filter(({ named }) => named).map(({ named }) => named.name), Array.from({ length: 9 }, (_, i) => `Process-${i}`));
  assert.ok(rows.every(({ lane, heightPx }) => lane.kind === LaneKind.CPU || heightPx >= HEIGHTS.leastPx));
  assert.ok(rows.some(({ lane }) => lane.kind === LaneKind.CPU), "when each was on a core is kept for as long as it can be");
});

test("where one may scroll, and where all of it fits, nothing is left out", () => {
  const whole = 2 + 9 * 5;
  assert.equal(rowsIn(machine(9), { ...HEIGHTS, leastPx: 0 }).length, whole);
  assert.equal(rowsIn(machine(2), HEIGHTS).length, 2 + 2 * 5);
});
