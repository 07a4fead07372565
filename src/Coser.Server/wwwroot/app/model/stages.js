// The stages a job goes through, in order, and how far it is.

/** @typedef {import("../api/types.js").Job} Job */

/** A job's stages, as far as its model and options tell. @param {Job} job @param {string | undefined} kind of its model */
export function stagesOf(job, kind) {
  const now = job.progress?.stage;
  const plan = kind === "pre-sr" || now === "pre-SR" ? ["pre-SR"] : ["cognition", "reference", "sampling", "decoding"];
  const needed = job.options?.reference === "none" || job.options?.reference === "photo" ? plan.filter((stage) => stage !== "reference") : plan;
  return now && !needed.includes(now) ? [...needed, now] : needed;
}

/**
 * @param {Job} job @param {string | undefined} kind
 * @returns {{stage: string, state: "done" | "now" | "next", fraction: number}[]}
 */
export function stageProgress(job, kind) {
  const stages = stagesOf(job, kind);
  const { stage, step, steps } = job.progress ?? { stage: "", step: 0, steps: 0 };
  const at = stages.indexOf(stage);
  return stages.map((name, i) => ({
    stage: name,
    state: i < at ? "done" : i === at ? "now" : "next",
    fraction: i < at ? 1 : i === at && steps > 0 ? Math.min(1, step / steps) : 0,
  }));
}
