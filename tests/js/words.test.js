// Words, numbers and colours: catalogues, formats, axis, ANSI, Python's colouring, forms, addresses.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { flat, t, use } from "../../static/common/i18n.js";
import { duration, exact, grouped, size } from "../../static/common/format.js";
import { MarkKind, Outcome, STATES, LaneKind } from "../../static/generated/records.js";
import { Ansi } from "../../static/page/ansi.js";
import { fault } from "../../static/page/parameters.js";
import { docstringLines, tokenize } from "../../static/page/python.js";
import { axis } from "../../static/timeline/axis.js";
import { endPhrases } from "../../static/common/outcome.js";
import { markWords } from "../../static/timeline/marks.js";
import { hashOf, stateOf } from "../../static/timeline/viewstate.js";
import { PYTHON, random, ROOT } from "./sample.js";

/** Everything followed, nothing chosen. */
const NOWHERE = { range: null, selected: null, cursorNs: null, topPx: 0, folded: "", pinned: "", order: "" };
const THIN = "\u2009";
const catalogue = (lang) => JSON.parse(readFileSync(join(ROOT, `static/i18n/${lang}.json`), "utf8"));
const files = (folder, end) => readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith(end)).map((name) => readFileSync(join(ROOT, folder, name), "utf8"));

test("both catalogues have the same keys and the same places for values", () => {
  const [zh, en] = [new Map(flat(catalogue("zh"))), new Map(flat(catalogue("en")))];
  assert.deepEqual([...zh.keys()].sort(), [...en.keys()].sort());
  const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  for (const [key, text] of zh) assert.equal(places(text), places(en.get(key)), key);
});

test("every key that is asked for is there", () => {
  const keys = new Set(flat(catalogue("en")).map(([key]) => key));
  const asked = [...files("static", ".js"), ...files("templates", ".html")].flatMap((text) => [...text.matchAll(/\bt\(\s*["']([\w.-]+)["']/g)].map((match) => match[1]));
  assert.ok(asked.length > 50);
  assert.deepEqual(asked.filter((key) => !keys.has(key) && !key.endsWith(".")), []);
  for (const spec of STATES.values()) assert.ok(keys.has(`state.${spec.key}`), spec.key);
  for (const kind of Object.keys(LaneKind)) assert.ok(keys.has(`lane.${kind.toLowerCase()}`), kind);
  for (const number of Object.values(MarkKind)) assert.ok(keys.has(`mark.${number}`), `mark.${number}`);
  for (const outcome of Object.values(Outcome)) assert.ok(keys.has(`outcome.${outcome.replaceAll(" ", "-")}`), outcome);
});

test("no template holds Chinese text of its own", () => {
  for (const text of files("templates", ".html")) assert.doesNotMatch(text, /[\u4e00-\u9fff]/);
});

test("the generated vocabulary is that of the Python modules", () => {
  execFileSync(PYTHON, ["-m", "app.core.generate", "--check"], { cwd: ROOT, stdio: "pipe" });
});

test("durations have three significant digits and a sensible unit", () => {
  const cases = [[0, "0 s"], [1, "1 ns"], [999, "999 ns"], [1500, "1.5 µs"], [123_456, "123 µs"], [999_999, "1 ms"], [1_050_000_000, "1.05 s"], [2e9, "2 s"], [123_456_789_012, "123 s"]];
  for (const [ns, text] of cases) assert.equal(duration(ns), text.replace(" ", THIN));
  assert.equal(exact(1_000_239_417), `1.000${THIN}239${THIN}417${THIN}s`);
  assert.equal(exact(250), `250${THIN}ns`);
  assert.equal(grouped(1234567), `1${THIN}234${THIN}567`);
  assert.equal(size(65_536), `65.5${THIN}kB`);
});

test("the axis has few, round, different labels at any zoom and place", () => {
  const numbers = random(5);
  for (let i = 0; i < 1500; i++) {
    const spanNs = 10 ** (2.5 + numbers.next().value * 10);
    const startNs = numbers.next().value < 0.3 ? -spanNs * 0.02 : numbers.next().value * 1e11;
    const { ticks, base } = axis({ startNs, spanNs, widthPx: 1000 }, 100);
    const labels = ticks.map((tick) => tick.label).filter(Boolean);
    assert.ok(labels.length >= 1 && labels.length <= 11, `${labels}`);
    assert.equal(new Set(labels).size, labels.length, `${labels} after ${base}`);
    for (const label of labels) assert.ok(label.replace(/\D/g, "").replace(/^0+/, "").length <= 4, label);
  }
});

test("ANSI colours under any chunking; other escapes vanish", () => {
  const text = "\u001b[31m函数1\u001b[0m a\u001b[2J\u001b[1;92mB\u001b[22mc\u001b[38;5;31md\u001b[39me";
  const want = [["函数1", 1, false], [" a", -1, false], ["B", 10, true], ["cd", 10, false], ["e", -1, false]];
  const join = (pieces) => pieces.reduce((all, { text, color, bold }) => {
    const last = all.at(-1);
    if (last && last[1] === color && last[2] === bold) last[0] += text;
    else all.push([text, color, bold]);
    return all;
  }, []);
  assert.deepEqual(join(new Ansi().push(text)), want);
  for (let cut = 1; cut < text.length; cut++) {
    const ansi = new Ansi();
    assert.deepEqual(join([...ansi.push(text.slice(0, cut)), ...ansi.push(text.slice(cut))]), want, `cut at ${cut}`);
  }
});

test("colouring Python loses no character", () => {
  for (const source of [...files("app/experiments", ".py"), 'x = """a\nb" c\\"""\n" d', "s = 'it\\'s' # 'x'\nasync def f(): return 0x1F"]) {
    assert.equal(tokenize(source).map((line) => line.map((token) => token.text).join("")).join("\n"), source);
  }
  const [line] = tokenize("async def f(): return 'a' # b");
  assert.deepEqual(line.filter(({ kind }) => kind !== "text").map(({ kind, text }) => [kind, text]), [["keyword", "async"], ["keyword", "def"], ["defined", "f"], ["keyword", "return"], ["string", "'a'"], ["comment", "# b"]]);
  assert.equal(docstringLines('"""\nid = 1\n"""\nimport x'), 3);
  assert.equal(docstringLines("import x"), 0);
});

test("a parameter's text is held to its bounds", () => {
  use("en", catalogue("en"));
  const int = { name: "n", kind: "int", minimum: 1, maximum: 16, choices: [] };
  for (const good of ["1", "16", " 7 "]) assert.equal(fault(int, good), "");
  for (const bad of ["", "0", "17", "1.5", "x", "1e1", "Infinity"]) assert.notEqual(fault(int, bad), "", bad);
  assert.match(fault(int, "17"), /16/);
  assert.equal(fault({ ...int, kind: "float", minimum: 0.1 }, "0.5"), "");
  assert.equal(fault({ ...int, kind: "choice", choices: ["a", "b"] }, "a"), "");
  assert.match(fault({ ...int, kind: "choice", choices: ["a", "b"] }, "c"), /a, b/);
});

test("words take their values, and an unknown key shows itself", () => {
  use("en", { a: { b: "x {n} y {m}" } });
  assert.equal(t("a.b", { n: 1 }), "x 1 y {m}");
  assert.equal(t("a.c"), "a.c");
});

test("a stretch of time survives the address", () => {
  const numbers = random(9);
  for (let i = 0; i < 300; i++) {
    const startNs = Math.floor(numbers.next().value * 1e12);
    const endNs = startNs + 1 + Math.floor(numbers.next().value * 1e10);
    const { range } = stateOf(hashOf({ ...NOWHERE, range: { startNs, endNs } }));
    assert.ok(Math.abs(range.startNs - startNs) < 1 && Math.abs(range.endNs - endNs) < 1);
  }
  const whole = { range: { startNs: 1e9, endNs: 2e9 }, selected: { lane: 4, index: 17 }, cursorNs: 1_500_000_001, topPx: 120, folded: "l3~f7/6/work & rest", pinned: "9~4", order: "2:5,4" };
  assert.deepEqual(stateOf(hashOf(whole)), whole);
  assert.equal(hashOf(NOWHERE), "");
  assert.equal(stateOf(""), null);
  for (const odd of ["#other", "#t=2-1", "#b=x", "#c=", "#y=no", "#f=%E0%A4%A"]) assert.deepEqual(stateOf(odd), NOWHERE, odd);
});

test("what we marked in a recording is said in the page's language, what the program printed as it was", () => {
  use("zh", catalogue("zh"));
  const said = (kind, text) => markWords({ kind, text });
  assert.equal(said(MarkKind.LIMIT, "time limit: wall_s 4"), `到了时间上限 ${duration(4e9)}`);
  assert.match(said(MarkKind.LIMIT, "memory limit: tmp_inodes 4096"), /4.?096/);
  for (const text of ["12 records lost: the ring was full", "3 context switches lost: the kernel's ring was full"]) assert.match(said(MarkKind.DROPPED, text), /^丢失 \d+ /);
  for (const text of ["the GIL is not observed: calibration", "gevent is not observed: x", "more than 64 pipes and connections: who"]) assert.match(said(MarkKind.HOOK, text), /未观测|不再跟踪/);
  assert.equal(said(MarkKind.STDOUT, "12 records lost: the ring was full"), "12 records lost: the ring was full");
  // The forms are those that are written: each begins as a text in the sources does.
  const written = execFileSync("grep", ["-rhE", "mark\\(|lost:|is not observed|are not observed|and connections:", "app/recorder", "app/core", "app/probe", "--include=*.py", "--include=*.c"], { cwd: ROOT, encoding: "utf8" });
  for (const end of ["records lost: the ring was full", "context switches lost: the kernel's ring was full", "the GIL is not observed: ", "who has a lock is not observed: ", " is not observed: ", "a subinterpreter: ", " pipes and connections: "]) assert.ok(written.includes(end), end);
});

test("how a run ended tells lost records and lost kernel switches", () => {
  use("en", catalogue("en"));
  assert.deepEqual(endPhrases({ processes: 1, dropped: 2, switches_lost: 12345 }), ["2 observations lost", `12${THIN}345 kernel switches lost`]);
});
