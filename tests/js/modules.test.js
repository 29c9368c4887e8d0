// The run page's modules are asked for in its head, all of them at once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { ROOT } from "./sample.js";

/** A module and whatever it imports, as paths under static/. @param {string} path @param {Set<string>} [found] */
function reached(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const text = readFileSync(join(ROOT, "static", path), "utf8");
  for (const [, target] of text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)";|^import "(\.[^"]+)";/gm)) reached(normalize(join(dirname(path), target)), found);
  return found;
}

test("the list of modules in the run page's head is complete, and no longer than that", () => {
  const listed = [...readFileSync(join(ROOT, "templates/modules.html"), "utf8").matchAll(/"([\w/]+\.js)"/g)].map(([, path]) => path);
  assert.deepEqual(listed, [...reached("page/runpage.js")].sort());
  assert.ok(listed.length > 40);
});
