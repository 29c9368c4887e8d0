// @ts-check
/** The form of an experiment's parameters: built from its header, checked against its bounds, kept in the URL. */
import { make } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { valueText } from "./conditions.js";

/** @typedef {string | number | boolean} Value */
/**
 * @typedef {object} Parameter
 * @property {string} name @property {"int" | "float" | "choice" | "bool"} kind @property {Value} default
 * @property {number | null} minimum @property {number | null} maximum @property {string[]} choices @property {Record<string, {zh: string, en: string}>} [labels] what a choice is called; the address keeps the choice
 * @property {string | null} unit
 * @property {{zh: string, en: string}} title @property {{zh: string, en: string} | null} [note]
 */

const WHOLE = /^[+-]?\d{1,18}$/;

/**
 * What is wrong with a text for a parameter, in the page's language; "" when nothing is.
 * @param {Parameter} parameter @param {string} text
 */
export function fault(parameter, text) {
  const { kind, minimum, maximum } = parameter;
  if (kind === "choice") return parameter.choices.includes(text) ? "" : t("form.oneOf", { choices: parameter.choices.join(", ") });
  if (kind === "bool") return "";
  const bounds = { minimum: minimum ?? "", maximum: maximum ?? "" };
  const number = Number(text);
  if (!text.trim() || !Number.isFinite(number)) return t("form.number", bounds);
  if (kind === "int" && !WHOLE.test(text.trim())) return t("form.whole", bounds);
  if (minimum !== null && number < minimum) return t("form.least", bounds);
  if (maximum !== null && number > maximum) return t("form.most", bounds);
  return "";
}

export class ParameterForm {
  /** @type {Map<string, {parameter: Parameter, control: HTMLInputElement | HTMLSelectElement, error: HTMLElement}>} */
  #fields = new Map();

  /** @param {HTMLElement} root @param {Parameter[]} parameters @param {Record<string, Value>} values @param {() => void} onChanged */
  constructor(root, parameters, values, onChanged) {
    root.replaceChildren(...parameters.map((parameter) => this.#field(parameter, values[parameter.name] ?? parameter.default)));
    root.addEventListener("input", (event) => {
      const name = event.target instanceof Element ? event.target.getAttribute("name") : null;
      if (name) this.#check(name);
      if (this.valid) onChanged();
    });
  }

  /** @param {Parameter} parameter @param {Value} value */
  #field(parameter, value) {
    const id = `parameter-${parameter.name}`;
    const control = controlOf(parameter, value, id);
    const error = make("span", { class: "field-error", id: `${id}-error`, "aria-live": "polite" });
    this.#fields.set(parameter.name, { parameter, control, error });
    const label = make("label", { for: id, title: parameter.note ? pick(parameter.note) : null }, pick(parameter.title));
    const unit = parameter.unit ? make("span", { class: "unit" }, parameter.unit) : null;
    return make("div", { class: "field" }, label, make("span", { class: "field-control" }, control, unit), error);
  }

  /** @param {string} name */
  #check(name) {
    const field = this.#fields.get(name);
    if (field) this.refuse(name, fault(field.parameter, textOf(field.control)));
  }

  /** Says beside a field what is wrong with it; false when there is no such field. @param {string} name @param {string} message */
  refuse(name, message) {
    const field = this.#fields.get(name);
    if (!field) return false;
    field.error.textContent = message;
    field.control.setAttribute("aria-invalid", String(message !== ""));
    field.control.setAttribute("aria-describedby", field.error.id);
    return true;
  }

  /** Checks every field and says what is wrong; the first wrong one gets the focus. */
  validate() {
    for (const name of this.#fields.keys()) this.#check(name);
    if (this.valid) return true;
    [...this.#fields.values()].find(({ parameter, control }) => fault(parameter, textOf(control)))?.control.focus();
    return false;
  }

  get valid() {
    return [...this.#fields.values()].every(({ parameter, control }) => !fault(parameter, textOf(control)));
  }

  /** @returns {Record<string, Value>} */
  get values() {
    return Object.fromEntries([...this.#fields].map(([name, { parameter, control }]) => [name, valueOf(parameter, control)]));
  }

  /** @param {Record<string, unknown>} values */
  set(values) {
    for (const [name, { control }] of this.#fields) {
      if (!(name in values)) continue;
      if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = values[name] === true;
      else control.value = String(values[name]);
      this.#check(name);
    }
  }

  /** @param {boolean} disabled */
  set disabled(disabled) {
    for (const { control } of this.#fields.values()) control.disabled = disabled;
  }
}

/** @param {Parameter} parameter @param {Value} value @param {string} id */
function controlOf(parameter, value, id) {
  const { kind, name, minimum, maximum } = parameter;
  if (kind === "choice") {
    const select = make("select", { id, name }, ...parameter.choices.map((choice) => make("option", { value: choice }, valueText(parameter, choice))));
    select.value = String(value);
    return select;
  }
  if (kind === "bool") {
    const box = make("input", { id, name, type: "checkbox" });
    box.checked = value === true;
    return box;
  }
  const digits = Math.max(String(minimum ?? "").length, String(maximum ?? "").length, String(value).length);
  const input = make("input", { id, name, type: "text", inputmode: kind === "int" ? "numeric" : "decimal", autocomplete: "off", size: Math.min(digits + 1, 12) });
  input.value = String(value);
  return input;
}

/** @param {HTMLInputElement | HTMLSelectElement} control */
const textOf = (control) => (control instanceof HTMLInputElement && control.type === "checkbox" ? String(control.checked) : control.value);

/** @param {Parameter} parameter @param {HTMLInputElement | HTMLSelectElement} control @returns {Value} */
function valueOf({ kind }, control) {
  const text = textOf(control);
  if (kind === "bool") return text === "true";
  return kind === "choice" ? text : Number(text);
}
