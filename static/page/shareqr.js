// @ts-check
/** A QR code as SVG. The encoder is vendored and loaded only when somebody shares. */

const SVG = "http://www.w3.org/2000/svg";
/** Cameras want a quiet border of four modules (ISO/IEC 18004). */
const BORDER = 4;

/** @param {string} text @param {string} name for those who do not see it @returns {Promise<SVGSVGElement>} */
export async function qrCode(text, name) {
  const { qrcode } = await import("../vendor/qrcode-generator/qrcode.mjs");
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const size = code.getModuleCount() + 2 * BORDER;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  // Dark on light in every theme: many cameras read nothing else.
  svg.append(shape("#ffffff", `M0 0h${size}v${size}h${-size}z`), shape("#000000", modules(code)));
  return svg;
}

/** @param {{getModuleCount: () => number, isDark: (row: number, column: number) => boolean}} code */
function modules(code) {
  let path = "";
  for (let row = 0; row < code.getModuleCount(); row++) {
    for (let column = 0; column < code.getModuleCount(); column++) {
      if (code.isDark(row, column)) path += `M${column + BORDER} ${row + BORDER}h1v1h-1z`;
    }
  }
  return path;
}

/** @param {string} fill @param {string} d */
function shape(fill, d) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("fill", fill);
  path.setAttribute("d", d);
  return path;
}
