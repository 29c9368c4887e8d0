// The broker as a graph, and where its messages are at a time.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { size } from "../../static/common/format.js";
import { use } from "../../static/common/i18n.js";
import { FlowKind, LaneKind, MarkKind, State } from "../../static/generated/records.js";
import { Model } from "../../static/recording/model.js";
import { isGrave, markText, messageOf, pairsOf } from "../../static/timeline/broker.js";
import { layout } from "../../static/timeline/layout.js";
import { messageTimeFrom } from "../../static/timeline/messages.js";
import { Arrangement } from "../../static/timeline/arrangement.js";
import { Families } from "../../static/timeline/families.js";
import { curve, layersOf, place, pointOn } from "../../static/topology/layout.js";
import { Topology } from "../../static/topology/model.js";
import { LateClock } from "../../static/topology/lateclock.js";
import { Steps } from "../../static/topology/steps.js";
import { counts, described, title, totalsText } from "../../static/topology/words.js";
import { ROOT } from "./sample.js";

const catalogue = (lang) => JSON.parse(readFileSync(`${ROOT}static/i18n/${lang}.json`, "utf8"));
use("en", catalogue("en"));

/** A recording written by hand, as the recorder writes one (app/core/amqp): lanes, counters, marks and numbered messages. */
class Broker {
  model = new Model();

  lane(t, parent, kind, name) {
    const lane = this.model.addLane(parent ?? this.model.machine, kind, name, 0, 0, t);
    lane.enter(t, State.OPEN, 0);
    this.model.version++;
    return lane;
  }

  channel(t, number) {
    return this.lane(t, this.lane(t, null, LaneKind.CONNECTION, `connection ${number}`), LaneKind.CHANNEL, "channel 1");
  }

  queue(t, name) {
    const queue = this.lane(t, null, LaneKind.QUEUE, name);
    this.lane(t, queue, LaneKind.QUEUE, "unacked");
    return queue;
  }

  say(t, lane, words, kind = MarkKind.BROKER) {
    lane.mark(t, kind, JSON.stringify(words));
    this.model.version++;
  }

  message(t, from, to, number, text) {
    const words = typeof text === "string" ? text : JSON.stringify(text);
    this.model.strings.push(words);
    this.model.details.push(number, this.model.strings.length - 1, 0, 0);
    this.model.flows.push(t, t, from.id, to.id, FlowKind.MESSAGE, this.model.details.length - 1);
    this.model.version++;
  }
}

/** The rabbit and the fox: two queues, three bindings, one message nobody wants, one delivered twice. */
function animals() {
  const broker = new Broker();
  const out = broker.channel(10, 1);
  const exchange = broker.lane(20, null, LaneKind.EXCHANGE, "animals");
  broker.say(20, exchange, { what: "exchange.declare", type: "topic", durable: true });
  const [q1, q2] = [broker.queue(30, "Q1"), broker.queue(30, "Q2")];
  for (const [queue, key] of [["Q1", "*.orange.*"], ["Q2", "*.*.rabbit"], ["Q2", "lazy.#"]]) broker.say(40, exchange, { what: "bind", queue, key });
  const input = broker.channel(50, 2);
  const consumer = broker.lane(55, input, LaneKind.CONSUMER, "Q1 → ctag1.0123456789abcdef0123456789abcdef");
  broker.message(100, out, exchange, 1, { key: "quick.orange.rabbit", bytes: 5, persistent: true, head: "hello" });
  broker.message(100, exchange, q1, 1, "quick.orange.rabbit");
  broker.message(100, exchange, q2, 1, "quick.orange.rabbit");
  for (const queue of [q1, q2]) queue.count(100, 1);
  broker.message(101, q1, consumer, 1, { tag: 1 });
  [q1.count(101, 0), q1.children[0].count(101, 1), consumer.count(101, 1)];
  broker.message(200, out, exchange, 2, { key: "quick.brown.fox", bytes: 3, persistent: false, mandatory: true, head: "fox" });
  broker.say(200, exchange, { what: "unroutable", key: "quick.brown.fox", number: 2 });
  broker.message(210, exchange, out, 0, "returned");
  broker.message(300, q1, consumer, 1, { tag: 2, redelivered: true });
  broker.say(400, exchange, { what: "unbind", queue: "Q2", key: "lazy.#" });
  input.parent.enter(500, State.KILLED, 0);
  consumer.enter(500, State.KILLED, 0);
  return { broker, out, exchange, q1, q2, consumer };
}

test("the graph has who publishes, exchanges, queues and who consumes, joined by what was declared and seen", () => {
  const { broker, out, exchange, q1, q2, consumer } = animals();
  const topology = new Topology(broker.model);
  topology.update();
  assert.deepEqual([...topology.nodes.values()].map(({ lane, role }) => [lane.id, role]).sort((a, b) => a[0] - b[0]), [[out.id, "producer"], [exchange.id, "exchange"], [q1.id, "queue"], [q2.id, "queue"], [consumer.id, "consumer"]]);
  const edges = topology.edges.map(({ from, to, kind }) => [from, to, kind]);
  assert.deepEqual(edges, [[exchange.id, q1.id, "binding"], [exchange.id, q2.id, "binding"], [q1.id, consumer.id, "consume"], [out.id, exchange.id, "publish"]]);
  const bound = topology.edges.find(({ to }) => to === q2.id);
  const keysAt = (t) => topology.keysAt(bound, t)?.map(({ text }) => text) ?? null;
  assert.deepEqual([keysAt(35), keysAt(40), keysAt(400)], [null, ["*.*.rabbit", "lazy.#"], ["*.*.rabbit"]]);
});

test("counts are those of the recording at that time, and what went wrong is counted of its own", () => {
  const { broker, q1, consumer } = animals();
  const topology = new Topology(broker.model);
  topology.update();
  const at = (lane, t) => topology.stateOf(topology.nodes.get(lane.id), t);
  assert.deepEqual([at(q1, 29).life, at(q1, 100).ready, at(q1, 101).ready, at(q1, 101).unacked], ["before", 1, 0, 1]);
  assert.deepEqual([at(consumer, 101).unacked, at(consumer, 499).life, at(consumer, 500).life, at(consumer, 500).unacked], [1, "there", "killed", 0]);
  assert.deepEqual(topology.totalsAt(99), { published: 0, delivered: 0, redelivered: 0, returned: 0, unroutable: 0 });
  assert.deepEqual(topology.totalsAt(300), { published: 2, delivered: 2, redelivered: 1, returned: 1, unroutable: 1 });
  assert.deepEqual(totalsText(topology.totalsAt(300)).map(({ text, grave }) => [text, grave]), [["2 published", false], ["2 delivered", false], ["1 redelivered", true], ["1 returned", true], ["1 unroutable", true]]);
});

test("what comes block by block makes the same graph as the whole", () => {
  const { broker } = animals();
  const whole = new Topology(broker.model);
  whole.update();
  const { broker: again } = animals();
  const { flows } = again.model;
  const all = flows.length;
  const grown = new Topology(again.model);
  for (let length = 0; length <= all; length++) {
    Object.defineProperty(flows, "length", { value: length, configurable: true });
    grown.update();
  }
  const plain = (topology) => topology.edges.map(({ from, to, kind, keys }) => `${from} ${to} ${kind} ${keys.map(({ text }) => text)}`).sort();
  assert.deepEqual(plain(grown), plain(whole));
  assert.deepEqual(grown.totalsAt(1e9), whole.totalsAt(1e9));
  const moving = (topology) => topology.steps.movingAt(205, 20).map(({ step, along }) => [step.kind, along]);
  assert.deepEqual(moving(grown), moving(whole));
});

test("one steps from message to message of a lane of the broker", () => {
  const { broker, q1, consumer } = animals();
  const met = (lane, from, by) => {
    const times = [];
    for (let tNs = messageTimeFrom(broker.model, from, lane, by); tNs !== null; tNs = messageTimeFrom(broker.model, tNs, lane, by)) times.push(tNs);
    return times;
  };
  const touching = (...lanes) => [...new Set([...broker.model.flows.t.whole()].filter((_, i) => lanes.some(({ id }) => [broker.model.flows.from.data[i], broker.model.flows.to.data[i]].includes(id))))].sort((a, b) => a - b);
  assert.deepEqual(met(q1, 0, 1), touching(q1));
  assert.deepEqual(met(q1, Infinity, -1), touching(q1).reverse());
  assert.deepEqual(met(consumer.parent.parent, 0, 1), touching(consumer, consumer.parent)); // a connection's are those of all below it
  assert.equal(met(q1, 0, 1).length > 1, true);
});

test("what a queue gives up goes to its dead-letter exchange, on an edge of its own", () => {
  const { broker, q1 } = animals();
  const graves = broker.lane(300, null, LaneKind.EXCHANGE, "graves");
  broker.message(310, q1, graves, 1, "dead-lettered");
  const topology = new Topology(broker.model);
  topology.update();
  assert.deepEqual(topology.edges.filter(({ to }) => to === graves.id).map(({ from, kind }) => [from, kind]), [[q1.id, "dead"]]);
  assert.equal(messageOf(broker.model, broker.model.flows.length - 1).dead, true);
});

test("the default exchange has no bindings: that a message went through it is said as that", () => {
  const broker = new Broker();
  const out = broker.channel(0, 1);
  const exchange = broker.lane(5, null, LaneKind.EXCHANGE, "(AMQP default)");
  const hello = broker.queue(3, "hello");
  broker.message(10, out, exchange, 1, { key: "hello", head: "Hello World!" });
  broker.message(10, exchange, hello, 1, "hello");
  const topology = new Topology(broker.model);
  topology.update();
  assert.deepEqual(topology.edges.map(({ kind }) => kind), ["publish", "implied"]);
  const node = topology.nodes.get(exchange.id);
  assert.deepEqual([title(node), counts(topology, node, topology.stateOf(node, 10))], ["default exchange", "key = queue name"]);
});

test("a message goes through exchanges bound to exchanges", () => {
  const broker = new Broker();
  const [first, second] = [broker.lane(1, null, LaneKind.EXCHANGE, "first"), broker.lane(1, null, LaneKind.EXCHANGE, "second")];
  const queue = broker.queue(2, "q");
  broker.say(3, first, { what: "bind", exchange: "second", key: "a.#" });
  broker.say(3, second, { what: "bind", queue: "q", key: "" });
  broker.message(10, first, queue, 1, "a.b");
  const topology = new Topology(broker.model);
  topology.update();
  assert.deepEqual(topology.edges.map(({ from, to, kind }) => [from, to, kind]), [[first.id, second.id, "binding"], [second.id, queue.id, "binding"]]);
  assert.deepEqual(topology.wayOf(topology.steps.movingAt(10, 10)[0].step), [first.id, second.id, queue.id]);
  assert.deepEqual(layersOf(topology.nodes.values(), topology.edges).map((layer) => layer.map(({ lane }) => lane.name)), [["first"], ["second"], ["q"]]);
});

test("legs of one message follow one another, though they were seen at one time", () => {
  const steps = new Steps();
  const step = (kind, tNs, from, to) => steps.add({ kind, tNs, from, to, number: 7, redelivered: false, flow: 0 });
  step("publish", 100, 1, 2);
  step("route", 100, 2, 3);
  step("deliver", 101, 3, 4);
  const at = (t) => steps.movingAt(t, 10).map(({ step: { kind }, along }) => `${kind} ${along}`);
  assert.deepEqual([at(99), at(105), at(110), at(125), at(130)], [[], ["publish 0.5"], ["route 0"], ["deliver 0.5"], []]);
});

test("live, messages go their way at the run's pace, though they came late, and to their end after the run's", () => {
  const MS = 1e6;
  const clock = new LateClock();
  clock.advance(0, 5000 * MS, true);
  const shown = [];
  // Nothing comes for a second, then all of it at once.
  for (let ms = 100; ms <= 4000; ms += 100) {
    clock.advance(ms, (ms < 3000 ? 5000 : 6500) * MS, true);
    shown.push(clock.ns / MS);
  }
  assert.ok(shown.every((ns, i) => i === 0 || (ns >= shown[i - 1] && ns - shown[i - 1] <= 1500)));
  assert.ok(shown.at(-1) <= 6300 && shown[28] <= 4800);
  assert.ok(shown.filter((ns) => ns >= 5000 && ns < 5700).length >= 6, "what came at once is drawn over time");
  for (let ms = 4100; clock.ns !== null; ms += 100) clock.advance(ms, 6500 * MS, false);
  assert.equal(clock.ns, null);
  clock.advance(1e5, 6500 * MS, false);
  assert.equal(clock.ns, null);
});

test("a disagreement and a dead broker are shown from when they were noticed", () => {
  const { broker, q2 } = animals();
  broker.say(600, q2, { derived: { ready: 1, unacked: 0 }, broker: { ready: 0, unacked: 0 } }, MarkKind.DISAGREEMENT);
  broker.say(700, broker.model.machine, { what: "broker killed" });
  broker.say(800, broker.model.machine, { what: "broker restarted" });
  const topology = new Topology(broker.model);
  topology.update();
  const node = topology.nodes.get(q2.id);
  assert.equal(topology.stateOf(node, 599).differs, null);
  assert.match(described(topology, node, topology.stateOf(node, 600), 600), /broker: 0 ready, 0 unacked; from the frames: 1 ready, 0 unacked/);
  assert.deepEqual([699, 700, 799, 800].map((t) => topology.brokerAt(t)), ["running", "killed", "killed", "running"]);
});

test("no two nodes overlap, whatever the room, and edges end at their nodes", () => {
  const { broker } = animals();
  for (let i = 0; i < 9; i++) broker.queue(31, `a queue with a long name ${i}`);
  const topology = new Topology(broker.model);
  topology.update();
  const layers = layersOf(topology.nodes.values(), topology.edges);
  for (const [widthPx, heightPx, textPx] of [[380, 340, 12], [300, 200, 13], [1300, 300, 24], [2000, 1200, 26]]) {
    const placed = place(layers, topology.edges, { widthPx, heightPx, textPx });
    const boxes = [...placed.boxes.values()];
    assert.equal(boxes.length, topology.nodes.size);
    for (const a of boxes) {
      assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= placed.widthPx && a.y + a.height <= placed.heightPx + 0.01, `${JSON.stringify(a)} in ${placed.widthPx} × ${placed.heightPx}`);
      for (const b of boxes) assert.ok(a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y, "two nodes overlap");
    }
    for (const { from, to } of topology.edges) {
      const [a, b] = [placed.boxes.get(from), placed.boxes.get(to)];
      const end = pointOn(curve(a, b, placed), 1);
      assert.ok(end.x >= b.x && end.x <= b.x + b.width && end.y >= b.y && end.y <= b.y + b.height);
    }
  }
});

test("marks and messages are said in words, in both languages", () => {
  const { broker, exchange, q1 } = animals();
  const mark = (words, kind = MarkKind.BROKER) => ({ t: 0, kind, text: JSON.stringify(words) });
  for (const [words, en, zh, grave] of [
    [{ what: "queue.declare", durable: true, exclusive: false, auto_delete: false }, "queue.declare durable", "queue.declare durable", false],
    [{ what: "bind", queue: "Q1", key: "*.orange.*" }, 'bind "*.orange.*" → Q1', "bind “*.orange.*” → Q1", false],
    [{ what: "basic.consume", queue: "hello", no_ack: true }, "basic.consume auto_ack", "basic.consume auto_ack", false],
    [{ what: "unroutable", key: "fox", number: 3 }, "unroutable: fox", "无法路由：fox", true],
    [{ what: "something newer" }, "something newer", "something newer", false],
    [{ what: "connection.close", by: "broker", code: 320, text: "CONNECTION_FORCED" }, "connection.close 320", "connection.close 320", true],
  ]) {
    use("en", catalogue("en"));
    assert.equal(markText(mark(words)), en);
    use("zh", catalogue("zh"));
    assert.equal(markText(mark(words)), zh);
    assert.equal(isGrave(mark(words)), grave, en);
  }
  use("en", catalogue("en"));
  assert.equal(markText({ t: 0, kind: MarkKind.BROKER, text: "{no JSON" }), "{no JSON");
  const last = broker.model.flows.length - 1;
  const message = messageOf(broker.model, last);
  assert.deepEqual([message.number, message.redelivered], [1, true]);
  assert.deepEqual(pairsOf(message.words), [["Delivery tag", "2"], ["Redelivered", "yes"], ["Routing key", "quick.orange.rabbit"], ["Size", size(5)], ["Persistent", "yes"], ["First bytes", "hello"]]);
  assert.deepEqual([markText(exchange.marks[0]), title({ lane: q1, role: "queue" })], ["exchange.declare topic durable", "Q1"]);
});

test("on the timeline messages go downwards, and what is unacknowledged has no row of its own", () => {
  const { broker } = animals();
  const heights = { rowPx: 28, thinPx: 24, stripPx: 12, densityPx: 140, counterPx: 56, markPx: 17 };
  const rows = [...layout(broker.model.lanes, new Arrangement(), new Families(), heights)].map(({ lane }) => lane.name);
  assert.deepEqual(rows.map((name) => name.split(" → ")[0]), ["connection 1", "channel 1", "animals", "Q1", "Q2", "connection 2", "channel 1", "Q1"]);
});
