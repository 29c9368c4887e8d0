// @ts-check
/** Numbers as people read them. Durations: three significant digits and a sensible unit, or every digit when one asks. */

/** @type {readonly (readonly [string, number])[]} */
const UNITS = [
  ["s", 1e9],
  ["ms", 1e6],
  ["µs", 1e3],
  ["ns", 1],
];
const THIN = "\u2009";

/** The largest unit of which there is at least one. @param {number} ns @returns {readonly [string, number]} */
export function unitOf(ns) {
  const size = Math.abs(ns);
  return UNITS.find(([, unit]) => size >= unit * 0.9995) ?? ["ns", 1];
}

/** Three significant digits: "1.05 s", "250 µs", "2 s". @param {number} ns */
export function duration(ns) {
  if (!Number.isFinite(ns)) return "–";
  if (ns === 0) return `0${THIN}s`;
  const [name, unit] = unitOf(ns);
  return `${trim(threeDigits(ns / unit, unit))}${THIN}${name}`;
}

/** As `duration`, but always all three digits, so that a column of them lines up: "2.00 s". @param {number} ns */
export function columnDuration(ns) {
  const [name, unit] = unitOf(ns);
  return `${threeDigits(ns / unit, unit)}${THIN}${name}`;
}

/** @param {number} value @param {number} unit */
function threeDigits(value, unit) {
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) + 1e-12)));
  return value.toFixed(unit === 1 ? 0 : Math.min(decimals, 3));
}

/** Bytes in the largest decimal unit of which there is at least one: "31.5 MB". @param {number} size */
export function bytes(size) {
  const power = size < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** power;
  return `${power ? trim(value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(value))))) : value}${THIN}${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** Every digit: "1.000 239 417 s". @param {number} ns */
export function exact(ns) {
  const [name, unit] = unitOf(ns);
  const decimals = Math.round(Math.log10(unit));
  const [whole, part = ""] = (Math.round(ns) / unit).toFixed(decimals).split(".");
  const groups = part.match(/\d{1,3}/g) ?? [];
  return `${grouped(Number(whole))}${groups.length ? `.${groups.join(THIN)}` : ""}${THIN}${name}`;
}

/** A number in one unit with the decimals a step asks for. @param {number} ns @param {readonly [string, number]} unit @param {number} stepNs */
export function inUnit(ns, [name, unit], stepNs) {
  const decimals = Math.max(0, Math.ceil(-Math.log10(stepNs / unit) - 1e-9));
  const value = ns / unit;
  return `${(Math.abs(value) < 1e-12 ? 0 : value).toFixed(Math.min(decimals, 9))}${THIN}${name}`;
}

/** Thousands set apart by thin spaces. @param {number} value */
export function grouped(value) {
  const [whole, part] = String(value).split(".");
  const spaced = (whole ?? "").replace(/\B(?=(\d{3})+$)/g, THIN);
  return part === undefined ? spaced : `${spaced}.${part}`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes}${THIN}B`;
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${trim((bytes / 1000 ** power).toPrecision(3))}${THIN}${["B", "kB", "MB", "GB"][power]}`;
}

/** Zeros after the point say nothing. @param {string} text */
const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** A share of one in percent: "99 %", "0.42 %"; never rounded up to all or down to nothing. @param {number} share */
export function percent(share) {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value}${THIN}%`;
  const text = value < 1 ? trim(Math.max(value, 0.01).toFixed(2)) : value > 99 && value < 100 ? String(Math.min(99.9, Math.round(value * 10) / 10)) : String(Math.round(value));
  return `${text}${THIN}%`;
}
