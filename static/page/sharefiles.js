// @ts-check
/** Pictures to take along: the server's SVG of the view as PNG, made in this browser with its own fonts. */

/** Device pixels per pixel of the drawing: sharp on paper and on a wall. */
const SCALE = 2;

/** @param {string} svgAddress @returns {Promise<Blob>} */
export async function pngOf(svgAddress) {
  const answer = await fetch(svgAddress);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const url = URL.createObjectURL(new Blob([await answer.text()], { type: "image/svg+xml" }));
  try {
    return await painted(await loaded(url));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {string} url @returns {Promise<HTMLImageElement>} */
async function loaded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** @param {HTMLImageElement} image @returns {Promise<Blob>} */
function painted(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth * SCALE, image.naturalHeight * SCALE];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("empty"))), "image/png"));
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
