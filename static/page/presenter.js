// @ts-check
/** The presenter window: what only the teacher sees, and the keys that drive the projector's page. */
import { make, need } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { channel } from "./channel.js";
import { installFrame } from "./frame.js";
import { STEPS } from "./steps.js";

const link = channel(location.hash.slice(1));
/** @param {Record<string, unknown>} wish */
const wish = (wish) => link.postMessage(wish);
let begunMs = Date.now();

/** @param {number} by */
const move = (by) => wish({ move: by });
await installFrame(() => [
  { keys: ["pagedown", "arrowright", " "], shown: `PgDn → ${t("replay.space")}`, key: "stepNext", act: () => move(1) },
  { keys: ["pageup", "arrowleft"], shown: "PgUp ←", key: "stepBack", act: () => move(-1) },
  { keys: ["b", "."], shown: "B .", key: "blank", act: () => wish({ blank: true }) },
  { keys: ["v"], shown: "V", key: "reveal", act: () => wish({ reveal: true }) },
  { keys: ["o"], shown: "O", key: "room", act: () => wish({ room: true }) },
]);

/** @param {string} id @param {() => void} act */
const onClick = (id, act) => need(id).addEventListener("click", act);
onClick("#back", () => move(-1));
onClick("#next", () => move(1));
onClick("#blank", () => wish({ blank: true }));
onClick("#reveal", () => wish({ reveal: true }));
onClick("#room", () => wish({ room: true }));
onClick("#reset", () => {
  begunMs = Date.now();
  tick();
});

function tick() {
  const seconds = Math.floor((Date.now() - begunMs) / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  need("#timer").textContent = `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  need("#clock").textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
}
setInterval(tick, 500);
tick();

/** @param {any} scene */
function draw(scene) {
  need("#waiting").hidden = true;
  need("#scene").hidden = false;
  need("#title").textContent = scene.title;
  need("#note").textContent = scene.note;
  need("#question-text").textContent = scene.question;
  need("#explanation").textContent = scene.explanation;
  need("#next-step").textContent = scene.next;
  need("#blank").setAttribute("aria-pressed", String(scene.blank));
  need("#reveal").setAttribute("aria-pressed", String(Boolean(scene.votes?.counts)));
  need("#reveal").hidden = !scene.room;
  need("#room-line").textContent = scene.room ? t("presenter.room", { code: scene.room, members: scene.members, votes: scene.votes?.total ?? 0 }) : t("presenter.noRoom");
  need("#steps").replaceChildren(...STEPS.map((step) => stepButton(step, step === scene.step)));
  need("#answers").replaceChildren(...scene.answers.map((/** @type {string} */ answer, /** @type {number} */ i) => make("li", { class: i === scene.correct ? "is-correct" : null }, answer, i === scene.correct ? make("strong", {}, ` ${t("question.correct")}`) : null, scene.votes?.counts ? make("span", { class: "quiet" }, ` ${scene.votes.counts[i]}`) : null)));
}

/** @param {string} step @param {boolean} current */
function stepButton(step, current) {
  const button = make("button", { class: "button", type: "button", "aria-current": current ? "step" : null }, t(`lesson.step.${step}`));
  button.addEventListener("click", () => wish({ go: step }));
  return make("li", {}, button);
}

link.addEventListener("message", ({ data }) => data.scene && draw(data.scene));
wish({ hello: true });
