// @ts-check
/** Which part this page has in a lecture: a phone's, with a room in its address, or the teacher's. */
import { isFile } from "../common/enclosed.js";
import { isProjector } from "./projector.js";
import { Student } from "./student.js";
import { Teacher } from "./teacher.js";

const room = () => new URLSearchParams(location.search).get("room") ?? "";

/** Is somebody being taught with this page? Then nothing is shown ahead of its time. */
export const isTaught = () => isProjector() || room() !== "";

/** @param {import("./student.js").Page & import("./teacher.js").Page} page @returns {Teacher | null} null for a phone, and where there is no server */
export function joinClass(page) {
  if (isFile() || document.body.classList.contains("embed-page")) return null;
  if (!room()) return new Teacher(page);
  new Student(page, room());
  return null;
}
