// Which arrow woke a bar.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowKind, LaneKind, State } from "../../static/generated/records.js";
import { Lane } from "../../static/recording/lane.js";
import { Model } from "../../static/recording/model.js";
import { threadOf } from "../../static/timeline/hit.js";
import { wakingOf } from "../../static/timeline/waker.js";

const MS = 1e6;

/** Two tasks: `a` starts `b` at 10 ms, `b` waits from 30, `a` wakes it at 100. */
function twoTasks() {
  const model = new Model();
  const [a, b] = ["a", "b"].map((name, i) => new Lane(i + 1, model.machine, LaneKind.TASK, name, 1, 1, 0));
  model.lanes.push(a, b);
  for (const [t, state] of [[0, State.RUNNING], [40, State.WAIT_TIMER], [90, State.RUNNING]]) a.enter(t * MS, state, 0);
  for (const [t, state] of [[10, State.READY], [20, State.RUNNING], [30, State.WAIT_QUEUE], [100, State.READY], [110, State.RUNNING], [120, State.FINISHED]]) b.enter(t * MS, state, 0);
  model.flows.push(10 * MS, 10 * MS, a.id, b.id, FlowKind.SPAWN, 0);
  model.flows.push(100 * MS, 100 * MS, a.id, b.id, FlowKind.WAKE, 0);
  return { model, a, b };
}

test("ready and running were woken by what ended the wait before them", () => {
  const { model, a, b } = twoTasks();
  for (const index of [2, 3, 4]) {
    const waking = wakingOf(model, { lane: b, index });
    assert.deepEqual([waking.from.lane, waking.from.index, waking.toNs, waking.kind], [a, 2, 100 * MS, FlowKind.WAKE], `bar ${index}`);
  }
});

test("the first burst was begun by whoever made it; what woke itself has no arrow", () => {
  const { model, a, b } = twoTasks();
  for (const index of [0, 1]) assert.deepEqual([wakingOf(model, { lane: b, index }).kind, wakingOf(model, { lane: b, index }).from], [FlowKind.SPAWN, { lane: a, index: 0 }]);
  for (const index of [0, 1, 2]) assert.equal(wakingOf(model, { lane: a, index }), null);
  assert.equal(wakingOf(model, { lane: b, index: 5 }), null);
  assert.equal(wakingOf(model, null), null);
});

test("a bar belongs to a thread: its own, its strip's, or the one that holds the core", () => {
  const model = new Model();
  const thread = new Lane(1, model.machine, LaneKind.THREAD, "t", 1, 7, 0);
  const strip = new Lane(2, thread, LaneKind.CPU, "", 1, 7, 0);
  const task = new Lane(3, thread, LaneKind.TASK, "x", 1, 7, 0);
  for (const lane of [thread, strip, task]) lane.enter(0, State.RUNNING, 0);
  assert.equal(threadOf(model, { lane: thread, index: 0 }), thread);
  assert.equal(threadOf(model, { lane: strip, index: 0 }), thread);
  assert.equal(threadOf(model, { lane: task, index: 0 }), null);
});
