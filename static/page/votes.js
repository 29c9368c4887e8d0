// @ts-check
/** What a class voted, as a bar chart below the question. */
import { make, need } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";

/** @param {import("./roomlink.js").Votes | null} votes @param {import("./question.js").Question | null | undefined} question */
export function drawVotes(votes, question) {
  const shown = Boolean(votes?.counts && question);
  document.body.dataset.votes = shown ? "shown" : "hidden";
  let chart = document.querySelector(".votes");
  if (!shown || !question || !votes?.counts) return chart?.remove();
  if (!chart) need("#question").after((chart = make("section", { class: "votes", "aria-label": t("room.chart") })));
  const { counts, total } = votes;
  chart.replaceChildren(
    make("ol", {}, ...question.answers.map((answer, i) => bar(pick(answer), counts[i] ?? 0, total))),
    make("p", { class: "quiet" }, t("room.votes", { n: total })),
  );
}

/** @param {string} answer @param {number} count @param {number} total */
function bar(answer, count, total) {
  const share = total ? count / total : 0;
  const line = make("span", { class: "vote-bar" });
  line.style.setProperty("--share", String(share));
  return make("li", { class: "vote" }, make("span", { class: "vote-answer" }, answer), line, make("span", { class: "vote-count" }, `${count} · ${Math.round(share * 100)} %`));
}
