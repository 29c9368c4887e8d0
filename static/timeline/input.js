// @ts-check
/** Pointer, wheel, touch and keys over the plot. Emits what the viewer wants; changes nothing itself. */

/**
 * @typedef {object} Wishes positions are CSS pixels from the plot's left and top edge
 * @property {(dxPx: number, dyPx: number) => void} onPanned
 * @property {(factor: number, xPx: number) => void} onZoomed
 * @property {(xPx: number, yPx: number) => void} onHovered
 * @property {() => void} onLeft
 * @property {(xPx: number, yPx: number) => void} onClicked
 * @property {(xPx: number, yPx: number) => void} onDoubleClicked
 * @property {(fromPx: number, toPx: number) => void} onMeasured `fromPx === toPx` takes the measure away
 * @property {(xPx: number) => void} onScrubbed the cursor is to stand there
 * @property {(yPx: number) => boolean} scrubs is that where the cursor is grasped?
 */

const WHEEL_STEP = 0.0022;
const CLICK_PX = 4;
const DOUBLE_MS = 350;

/** @param {HTMLElement} plot @param {Wishes} wishes */
export function listen(plot, wishes) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let [moved, measuring, scrubbing, startPx, lastClickMs] = [0, false, false, 0, 0];
  const at = (/** @type {MouseEvent} */ event) => {
    const box = plot.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  plot.addEventListener("wheel", (event) => wheel(event, at(event).x, wishes), { passive: false });

  plot.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button > 1) return;
    plot.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    if (fingers.size > 1) return;
    [moved, measuring, startPx] = [0, event.shiftKey, at(event).x];
    scrubbing = !measuring && wishes.scrubs(at(event).y);
    if (scrubbing) wishes.onScrubbed(startPx);
  });

  // The keys work from anywhere: a click must not draw the focus here, only take it from a field.
  plot.addEventListener("mousedown", (event) => {
    event.preventDefault();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  });

  plot.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    const here = at(event);
    if (!before) return wishes.onHovered(here.x, here.y);
    const others = [...fingers].filter(([id]) => id !== event.pointerId);
    fingers.set(event.pointerId, here);
    moved += Math.abs(here.x - before.x) + Math.abs(here.y - before.y);
    if (measuring) wishes.onMeasured(startPx, here.x);
    else if (scrubbing) wishes.onScrubbed(here.x);
    else if (others[0]) pinch(before, here, others[0][1], wishes);
    else if (moved > CLICK_PX) wishes.onPanned(here.x - before.x, event.pointerType === "mouse" ? here.y - before.y : 0);
  });

  const release = (/** @type {PointerEvent} */ event) => {
    if (!fingers.delete(event.pointerId) || fingers.size || event.type === "pointercancel") return;
    const here = at(event);
    if (event.pointerType === "mouse") wishes.onHovered(here.x, here.y); // it is here now: a key zooms around it
    if (moved > CLICK_PX || scrubbing) return;
    if (measuring) return wishes.onMeasured(startPx, startPx);
    const again = event.timeStamp - lastClickMs < DOUBLE_MS;
    lastClickMs = again ? 0 : event.timeStamp;
    (again ? wishes.onDoubleClicked : wishes.onClicked)(here.x, here.y);
  };
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", release);
  plot.addEventListener("pointerleave", () => wishes.onLeft());
}

/** The wheel zooms around the pointer; with Shift, or sideways, it pans. @param {WheelEvent} event @param {number} xPx @param {Wishes} wishes */
function wheel(event, xPx, wishes) {
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 400 : 1;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  if (event.shiftKey) wishes.onPanned(-(dx || dy), 0);
  else if (event.altKey) wishes.onPanned(0, -dy);
  else if (Math.abs(dx) > Math.abs(dy) && !event.ctrlKey) wishes.onPanned(-dx, 0);
  // A pinch on a touchpad comes as small steps with Ctrl.
  else wishes.onZoomed(Math.exp(-dy * WHEEL_STEP * (event.ctrlKey ? 4 : 1)), xPx);
}

/** @param {{x: number, y: number}} before @param {{x: number, y: number}} here @param {{x: number, y: number}} other @param {Wishes} wishes */
function pinch(before, here, other, wishes) {
  const [was, is] = [Math.abs(before.x - other.x), Math.abs(here.x - other.x)];
  wishes.onPanned((here.x - before.x) / 2, (here.y - before.y) / 2);
  if (was > 20 && is > 20) wishes.onZoomed(is / was, (here.x + other.x) / 2);
}
