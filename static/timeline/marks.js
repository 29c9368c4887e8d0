// @ts-check
/** What a tick says, in the page's language. What the program printed or raised is said as it was; what we recorded is data, and has words here. */
import { outcomeText } from "../common/outcome.js";
import { t } from "../common/i18n.js";
import { MarkKind } from "../generated/records.js";
import { isBrokers, markText } from "./broker.js";

/**
 * How a mark of ours is written in a recording, and its line of the catalogue with the names of what the parentheses hold.
 * @type {[RegExp, string, string[]][]}
 */
const OURS = [
  [/^(\d+) records lost: the ring was full$/, "lostRecords", ["n"]],
  [/^(\d+) context switches lost: the kernel's ring was full$/, "lostSwitches", ["n"]],
  [/^the GIL is not observed: (.*)$/s, "noGil", ["why"]],
  [/^who has a lock is not observed: (.*)$/s, "noHolders", ["why"]],
  [/^(.*) is not observed: (.*)$/s, "noHook", ["name", "why"]],
  [/^started with (.*): tasks, greenlets, the GIL and lines are not observed$/, "unhooked", ["option"]],
  [/^a subinterpreter: /, "subinterpreter", []],
  [/^more than (\d+) pipes and connections: /, "streams", ["n"]],
];
const LIMIT = /^([\w ]+): (\w+) ([\d.e+-]+)$/;

/** @param {{kind: number, text: string}} mark */
export function markWords(mark) {
  if (isBrokers(mark)) return markText(/** @type {any} */ (mark));
  if (mark.kind === MarkKind.LIMIT) return limitWords(mark.text);
  return mark.kind === MarkKind.DROPPED || mark.kind === MarkKind.HOOK ? ourWords(mark.text) : mark.text;
}

/** "time limit: wall_s 4" @param {string} text */
function limitWords(text) {
  const [, outcome, limit, bound] = LIMIT.exec(text) ?? [];
  return outcome && limit ? outcomeText(outcome, { limit, bound: Number(bound) }) : text;
}

/** @param {string} text */
function ourWords(text) {
  for (const [form, key, names] of OURS) {
    const found = form.exec(text);
    if (found) return t(`markText.${key}`, Object.fromEntries(names.map((name, i) => [name, found[i + 1] ?? ""])));
  }
  return text;
}
