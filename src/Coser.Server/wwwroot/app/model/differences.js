// What sets the runs of one photo apart, in words.

import { number } from "../core/format.js";
import { name, t } from "../core/text.js";
import { optionNames } from "./settings.js";

/** @typedef {import("../api/types.js").Job} Job */

/** @type {(job: Job, option: string) => boolean} */
let listens = () => true;

/** Says which options a job's model listens to; until it is said, all. @param {(job: Job, option: string) => boolean} judge */
export function judgeOptions(judge) {
  listens = judge;
}

/** The options of a job that its model listens to, in order. @param {Job} job */
export const optionsOf = (job) => optionNames.filter((option) => job.options?.[option] !== undefined && job.options[option] !== "" && listens(job, option));

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
  return optionNames.filter((option) => jobs.some((job) => listens(job, option)) && new Set(jobs.map((job) => JSON.stringify(job.options?.[option] ?? ""))).size > 1);
}

/** How a job is told from the other runs: "seed 7 · fidelity 0.8"; for a run alone, its main options. @param {Job} job @param {Job[]} runs */
export function distinction(job, runs) {
  const options = differing(runs);
  const named = options.length > 0 ? options : optionsOf(job).filter((option) => ["preset", "seed", "scale"].includes(option)).slice(0, 2);
  return named.map((option) => optionText(option, job.options?.[option])).join(" · ");
}

/** The main options of a job, for a line in a list. @param {Job} job */
export function summary(job) {
  const options = job.options ?? {};
  const parts = [];
  for (const option of optionsOf(job)) {
    if (option === "preset" || option === "prompt") parts.push(valueText(option, options[option]));
    else if (option === "seed" || option === "fidelity" || (option === "reference" && options.reference !== "auto")) parts.push(optionText(option, options[option]));
    else if (option === "scale") parts.push(valueText(option, options.scale));
  }
  return parts.join(" · ");
}
