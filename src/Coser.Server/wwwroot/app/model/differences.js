// What sets the runs of one photo apart, in words.

import { number } from "../core/format.js";
import { name, t } from "../core/text.js";
import { optionNames } from "./settings.js";

/** @typedef {import("../api/types.js").Job} Job */

/** @param {string} option @param {any} value */
export function valueText(option, value) {
  if (value === undefined || value === null || value === "") return t("option.unset");
  switch (option) {
    case "preset":
    case "sampler":
    case "reference":
    case "colourFix":
    case "format":
      return name(option, value);
    case "scale":
      return `${number(value)}×`;
    case "prompt":
    case "negativePrompt":
      return t("option.quoted", { text: value });
    case "fidelity":
    case "guidance":
      return number(value);
    default:
      return String(value);
  }
}

/** @param {string} option @param {any} value "seed 42" */
export const optionText = (option, value) => t("option.pair", { name: t(`short.${option}`), value: valueText(option, value) });

/**
 * Names of the options in which some of the jobs differ.
 * @param {Job[]} jobs
 */
export function differing(jobs) {
  return optionNames.filter((option) => new Set(jobs.map((job) => JSON.stringify(job.options?.[option] ?? ""))).size > 1);
}

/** How a job is told from the other runs: "seed 7 · fidelity 0.8"; for a run alone, its main options. @param {Job} job @param {Job[]} runs */
export function distinction(job, runs) {
  const options = differing(runs);
  const named = options.length > 0 ? options : ["preset", "seed"].filter((option) => job.options?.[option] !== undefined);
  return named.map((option) => optionText(option, job.options?.[option])).join(" · ");
}

/** The main options of a job, for a line in a list. @param {Job} job */
export function summary(job) {
  const options = job.options ?? {};
  const parts = [];
  if (options.preset) parts.push(name("preset", options.preset));
  if (options.seed !== undefined) parts.push(optionText("seed", options.seed));
  if (options.fidelity !== undefined) parts.push(optionText("fidelity", options.fidelity));
  if (options.reference && options.reference !== "auto") parts.push(optionText("reference", options.reference));
  if (options.prompt) parts.push(valueText("prompt", options.prompt));
  return parts.join(" · ");
}
