// @ts-check
/** The sample recording of an experiment: a real run that came with the package, and how it is labelled. */
import { t } from "../common/i18n.js";

/** @typedef {{url: string, facts_url: string, thumbnail_url: string, created_s: number, machine: Record<string, any>, interpreter: Record<string, any>, parameters: Record<string, unknown>, sandbox: string}} Sample */

/** "Recorded 2026-11-24 on Linux 6.18 (AMD EPYC, 2 cores) with CPython 3.11.7" @param {Sample} sample */
export function sampleLabel({ created_s, machine, interpreter }) {
  const date = new Date(created_s * 1000).toISOString().slice(0, 10);
  const system = `${machine.system} ${String(machine.kernel).split(".").slice(0, 2).join(".")}`;
  const python = `${interpreter.implementation} ${interpreter.version}${interpreter.free_threaded ? "t" : ""}`;
  return t("sample.label", { date, system, cpu: machine.cpu, cores: machine.cores, python });
}
