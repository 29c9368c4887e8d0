// @ts-check
/** Text with ANSI escapes into runs of one look. Colours 30–37 and 90–97, bold, and their ends are shown; other escapes vanish. */

/** @typedef {{color: number, bold: boolean}} Look `color` is 0–7, 8–15 for the bright ones, -1 for the text's own */
/** @typedef {{text: string, color: number, bold: boolean}} Piece */

// A whole escape; or the beginning of one at the very end, which the next piece may complete.
const ESCAPE = /\u001b\[([0-9;:?]*)[ -/]*([@-~])|\u001b[^[]/g;
const TORN = /\u001b(\[[0-9;:?]*[ -/]*)?$/;

export class Ansi {
  /** @type {Look} */
  #look = { color: -1, bold: false };
  #torn = "";

  /** Under any chunking: an escape cut in two is waited for. @param {string} text @returns {Piece[]} */
  push(text) {
    const whole = this.#torn + text;
    this.#torn = TORN.exec(whole)?.[0] ?? "";
    const ready = whole.slice(0, whole.length - this.#torn.length);
    /** @type {Piece[]} */
    const pieces = [];
    let from = 0;
    for (const match of ready.matchAll(ESCAPE)) {
      this.#add(pieces, ready.slice(from, match.index));
      if (match[2] === "m") this.#select(match[1] ?? "");
      from = match.index + match[0].length;
    }
    this.#add(pieces, ready.slice(from));
    return pieces;
  }

  /** @param {Piece[]} pieces @param {string} text */
  #add(pieces, text) {
    if (text) pieces.push({ text, ...this.#look });
  }

  /** Select graphic rendition (ECMA-48, 8.3.117). @param {string} parameters */
  #select(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      if (code === 0) this.#look = { color: -1, bold: false };
      else if (code === 1) this.#look = { ...this.#look, bold: true };
      else if (code === 22) this.#look = { ...this.#look, bold: false };
      else if (code >= 30 && code <= 37) this.#look = { ...this.#look, color: code - 30 };
      else if (code >= 90 && code <= 97) this.#look = { ...this.#look, color: code - 82 };
      else if (code === 39) this.#look = { ...this.#look, color: -1 };
      // Colours of other palettes carry their numbers with them: skipped, so that these are not taken for codes.
      else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : codes[i + 1] === 2 ? 4 : 0;
    }
  }
}
