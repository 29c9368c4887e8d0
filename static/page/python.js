// @ts-check
/** Light colouring of Python source: a tokenizer of comments, strings, numbers and words, which keeps state over lines. */

/** @typedef {"comment" | "string" | "number" | "keyword" | "name" | "defined" | "text"} Kind */
/** @typedef {{kind: Kind, text: string}} Token */

const KEYWORDS = new Set(
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield".split(" "),
);
const TOKEN = /(#.*)|([rbfuRBFU]{0,2}("""|'''|"|'))|(\d[\d_.]*(?:[eE][+-]?\d+)?[jJ]?|0[xob][\da-fA-F_]+)|([\p{L}_][\p{L}\p{N}_]*)|(\s+|.)/gu;

/** @param {string} source @returns {Token[][]} tokens line by line */
export function tokenize(source) {
  /** @type {string | null} quotes that are open at a line's beginning */
  let open = null;
  return source.split("\n").map((line) => {
    /** @type {Token[]} */
    const tokens = [];
    open = tokenizeLine(line, open, tokens);
    return tokens;
  });
}

/** @param {string} line @param {string | null} open @param {Token[]} tokens @returns {string | null} */
function tokenizeLine(line, open, tokens) {
  let at = 0;
  if (open) {
    const end = closing(line, 0, open);
    tokens.push({ kind: "string", text: line.slice(0, end < 0 ? undefined : end) });
    if (end < 0) return open;
    at = end;
  }
  TOKEN.lastIndex = at;
  for (let match = TOKEN.exec(line); match; match = TOKEN.exec(line)) {
    const quote = match[3];
    if (!quote) {
      tokens.push({ kind: kindOf(match, tokens), text: match[0] });
      continue;
    }
    const end = closing(line, match.index + match[0].length, quote);
    tokens.push({ kind: "string", text: line.slice(match.index, end < 0 ? undefined : end) });
    if (end < 0) return quote.length === 3 ? quote : null;
    TOKEN.lastIndex = end;
  }
  return null;
}

/** @param {RegExpExecArray} match @param {Token[]} before @returns {Kind} */
function kindOf(match, before) {
  if (match[1]) return "comment";
  if (match[4]) return "number";
  if (!match[5]) return "text";
  if (KEYWORDS.has(match[5])) return "keyword";
  const previous = before.at(-2);
  return previous?.kind === "keyword" && (previous.text === "def" || previous.text === "class") ? "defined" : "name";
}

/** Index after the closing quotes, -1 when the line ends first. @param {string} line @param {number} from @param {string} quote */
function closing(line, from, quote) {
  for (let i = from; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line.startsWith(quote, i)) return i + quote.length;
  }
  return -1;
}

/**
 * How many lines come before what the script is about: before its first function or class, with the decorators and comments right above it;
 * in a script without either, before its first line that is no import, comment, string or blank.
 * @param {string} source
 */
export function linesBeforeIdea(source) {
  const lines = source.split("\n");
  const from = docstringLines(source);
  const after = (/** @type {RegExp} */ pattern) => lines.findIndex((line, i) => i >= from && pattern.test(line));
  let at = after(/^(async\s+)?def\s|^class\s/);
  if (at < 0) return Math.max(from, after(/^(?!import\s|from\s|#|["']|\s*$)/));
  while (at > from && /^[@#]/.test(lines[at - 1] ?? "")) at--;
  return at;
}

/**
 * How many lines the header document of an experiment takes: its docstring, if that is what the script begins with; 0 otherwise.
 * @param {string} source
 */
export function docstringLines(source) {
  const match = /^\s*[rRuU]?("""|''')/.exec(source);
  if (!match) return 0;
  const end = source.indexOf(/** @type {string} */ (match[1]), match[0].length);
  return end < 0 ? 0 : source.slice(0, end).split("\n").length;
}
