// @ts-check
/** The share dialog: links, a QR code, the code to embed, files to take along, and deleting what one has made. */
import { copy } from "../common/clipboard.js";
import { icon, make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { deleteRun, mayCancel, Problem } from "./api.js";
import { pngOf, save } from "./sharefiles.js";
import { qrCode } from "./shareqr.js";

/**
 * @typedef {object} Shared what the page shows at the moment
 * @property {string} run "" before there is one
 * @property {string} lang
 * @property {string} experiment its id, "" for none
 * @property {string} title
 * @property {Record<string, unknown>} parameters
 * @property {{startNs: number, endNs: number}} view
 * @property {number} retentionDays 0 where it is not told
 */

const COPIED_MS = 1800;
const FRAME = { width: 960, height: 540 };
/** Formats as the server gives them, in the order people ask for them. */
const FILES = ["html", "perfetto", "csv", "json"];

/** @param {HTMLDialogElement} dialog @param {Shared} shared */
export function openShare(dialog, shared) {
  const exact = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", id: "share-exact" }));
  const close = make("button", { class: "button", type: "button" }, t("keys.close"));
  close.addEventListener("click", () => dialog.close());
  /** @type {HTMLElement[]} */
  const parts = [make("h2", {}, t("share.title"))];
  if (shared.run) parts.push(runLink(dialog, shared, exact));
  if (shared.experiment) parts.push(row(dialog, "experiment", t("share.experiment"), () => experimentLink(shared), t("share.experimentNote")));
  if (shared.run) parts.push(row(dialog, "embed", t("share.embed"), () => embedCode(shared)), files(shared));
  const own = shared.run && mayCancel(shared.run) ? [deletion(shared)] : [];
  dialog.replaceChildren(...parts, make("div", { class: "share-foot" }, ...own, close));
  dialog.setAttribute("aria-label", t("share.title"));
  dialog.showModal();
}

// --- links

/** @param {string} path @param {string} lang */
const address = (path, lang) => new URL(`${path}?lang=${lang}`, location.href);

/** @param {Shared} shared */
function experimentLink({ experiment, parameters, lang }) {
  const url = address(`/experiments/${experiment}`, lang);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
  return url.href;
}

/** Quotes and angle brackets of a title must not end what is pasted. @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** As `frame_code` in app/web/sharing.py. @param {Shared} shared */
export const embedCode = ({ run, title, lang }) =>
  `<iframe src="${escaped(address(`/runs/${run}/embed`, lang).href)}" title="${escaped(title)}" width="${FRAME.width}" height="${FRAME.height}" style="border:0;max-width:100%" loading="lazy" allowfullscreen></iframe>`;

/** @param {HTMLDialogElement} dialog @param {Shared} shared @param {HTMLInputElement} exact */
function runLink(dialog, shared, exact) {
  const link = () => address(`/runs/${shared.run}`, shared.lang).href + (exact.checked ? location.hash : "");
  const picture = make("div", { class: "share-qr" });
  const kept = shared.retentionDays ? t("share.kept", { n: shared.retentionDays }) : "";
  const line = row(dialog, "run", t("share.run"), link, kept);
  const choose = make("label", { class: "share-exact" }, exact, make("span", {}, t("share.exact")));
  const show = async () => picture.replaceChildren(await qrCode(link(), t("share.qr")));
  exact.addEventListener("change", () => {
    /** @type {HTMLInputElement} */ (line.querySelector("input")).value = link();
    void show();
  });
  void show();
  return make("div", { class: "share-run" }, make("div", { class: "share-links" }, line, choose), picture);
}

/** A text to copy. @param {HTMLDialogElement} dialog @param {string} name @param {string} title @param {() => string} text @param {string} [note] */
function row(dialog, name, title, text, note = "") {
  const id = `share-${name}`;
  const field = /** @type {HTMLInputElement} */ (make("input", { id, type: "text", readonly: true, value: text(), spellcheck: "false" }));
  field.addEventListener("focus", () => field.select());
  const label = make("span", {}, t("share.copyShort"));
  const button = make("button", { class: "button", type: "button", "aria-label": `${t("share.copyShort")}: ${title}` }, icon("link"), label);
  button.addEventListener("click", async () => {
    label.textContent = t((await copy(text(), dialog)) ? "share.copied" : "share.failed");
    button.focus();
    setTimeout(() => (label.textContent = t("share.copyShort")), COPIED_MS);
  });
  return make("div", { class: "share-row" }, make("label", { for: id }, title), make("div", { class: "share-field" }, field, button), ...(note ? [make("p", { class: "quiet" }, note)] : []));
}

// --- files

/** @param {Shared} shared */
function files(shared) {
  const base = `/api/runs/${shared.run}`;
  const language = `lang=${shared.lang}`;
  const theme = document.documentElement.dataset.theme ?? "light";
  const stretch = `start=${Math.max(0, shared.view.startNs / 1e9)}&end=${Math.max(1e-9, shared.view.endNs / 1e9)}`;
  const picture = `${base}/export?format=svg&${language}&theme=${theme}&${stretch}`;
  const link = (/** @type {string} */ href, /** @type {string} */ key) => make("li", {}, make("a", { href, download: "" }, t(`share.file.${key}`)), make("span", { class: "quiet" }, t(`share.fileNote.${key}`)));
  const problem = make("p", { class: "share-problem", role: "alert" });
  const png = make("button", { class: "link-button", type: "button", id: "share-png" }, t("share.file.png"));
  png.addEventListener("click", async () => {
    problem.textContent = "";
    png.disabled = true;
    try {
      save(await pngOf(picture), `${shared.run}.png`);
    } catch {
      problem.textContent = t("share.noPicture");
    }
    png.disabled = false;
  });
  const list = make(
    "ul",
    { class: "share-files" },
    link(`${base}/recording`, "recording"),
    ...FILES.map((kind) => link(`${base}/export?format=${kind}&${language}`, kind)),
    link(picture, "svg"),
    make("li", {}, png, make("span", { class: "quiet" }, t("share.fileNote.png"))),
  );
  return make("section", { "aria-label": t("share.files") }, make("h3", {}, t("share.files")), list, problem);
}

// --- deleting

/** Asked twice, because nothing brings it back. @param {Shared} shared */
function deletion(shared) {
  const button = make("button", { class: "link-button share-delete", type: "button", id: "share-delete" }, t("share.delete"));
  const said = make("span", { class: "share-problem", role: "alert" });
  let sure = false;
  button.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      button.textContent = t("share.deleteSure");
      return;
    }
    try {
      await deleteRun(shared.run);
      location.replace(address(`/runs/${shared.run}`, shared.lang));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.textContent = error.detail || t("status.offline");
    }
  });
  return make("div", {}, button, said);
}
