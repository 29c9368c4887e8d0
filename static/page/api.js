// @ts-check
/** The run API. Refusals come as Problem, with the fields they name. */
import { bytesOf, enclosed } from "../common/enclosed.js";
import { keepRun } from "./history.js";
import { recall, remember } from "./theme.js";

/** @typedef {{field: string, message: string, bound: unknown}} FieldFault */

/** A refusal of the server (RFC 9457), or that it cannot be reached (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {string} title @param {string} detail @param {FieldFault[]} errors @param {number} retryAfterS 0 when the server named none */
  constructor(status, title, detail, errors, retryAfterS) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.retryAfterS = retryAfterS;
  }
}

/** @param {string} path @param {RequestInit} [init] @returns {Promise<Response>} */
export async function call(path, init) {
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Problem(0, "", "", [], 0);
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.title ?? answer.statusText, problem.detail ?? "", problem.errors ?? [], Number(answer.headers.get("Retry-After")) || 0);
}

/** @param {string} experiment @param {Record<string, unknown>} parameters @returns {Promise<{id: string, url: string, delete_token: string}>} */
export async function startRun(experiment, parameters) {
  const answer = await call("/api/runs", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ experiment, parameters }) });
  const run = await answer.json();
  remember(`token:${run.id}`, run.delete_token);
  keepRun(experiment, { id: run.id, startedMs: Date.now(), parameters, wallNs: 0 });
  return run;
}

/** Only who started a run in this browser may end it. @param {string} run */
export const mayCancel = (run) => recall(`token:${run}`) !== null;

/** @param {string} run */
export async function cancelRun(run) {
  await call(`/api/runs/${run}/cancel`, { method: "POST", headers: { "X-Delete-Token": recall(`token:${run}`) ?? "" } });
}

/** Removes the run for good; its address says so from then on. @param {string} run */
export async function deleteRun(run) {
  await call(`/api/runs/${run}`, { method: "DELETE", headers: { "X-Delete-Token": recall(`token:${run}`) ?? "" } });
}

/** What a finished run says in numbers (app/core/facts.py). @param {string} run @returns {Promise<Record<string, any> | null>} */
export async function fetchFacts(run) {
  const here = enclosed("facts");
  return here !== null ? JSON.parse(here) : (await call(`/api/runs/${run}/export?format=facts`)).json();
}

/** The bytes of a finished run, piece by piece. @param {string} run @param {(data: Uint8Array) => Promise<void>} take */
export async function fetchRecording(run, take) {
  const here = enclosed("recording");
  if (here !== null) return take(bytesOf(here));
  await fetchBytes(`/api/runs/${run}/recording`, take);
}

/** @param {string} path @param {(data: Uint8Array) => Promise<void>} take */
export async function fetchBytes(path, take) {
  const { body } = await call(path);
  const reader = body?.getReader();
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return;
    await take(piece.value);
  }
}
