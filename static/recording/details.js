// @ts-check
/** The details states refer to, as columns: a number, a text, a place in the script. Number 0 says nothing. */
import { Column } from "./columns.js";

export class Details {
  value = new Column(Float64Array);
  text = new Column(Uint32Array);
  file = new Column(Uint32Array);
  line = new Column(Uint32Array);
  /** What is waited for by name, and which lane has it, of those details that say so. @type {Map<number, {object: number, holder: number}>} */
  objects = new Map();

  constructor() {
    this.push(NaN, 0, 0, 0);
  }

  get length() {
    return this.text.length;
  }

  /** @param {number} value @param {number} text @param {number} file @param {number} line texts by their number */
  push(value, text, file, line) {
    this.value.push(value);
    this.text.push(text);
    this.file.push(file);
    this.line.push(line);
  }
}
