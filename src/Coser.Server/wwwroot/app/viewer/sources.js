// The pictures of a job that can be looked at.

import { inlineUrl, previewUrl, viewUrl } from "../api/api.js";
import { name as named } from "../core/text.js";
import { fileOf, isFinal } from "../model/jobs.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @typedef {object} Source
 * @property {string} key a change of it is another picture
 * @property {string} role
 * @property {string} label
 * @property {string} [still] the only address: a preview
 * @property {(size: number) => string} [view]
 * @property {string | null} [whole] the file itself, where browsers show its format
 * @property {number} [longest] side of the file in pixels, where known
 * @property {boolean} [ownShape] not of the photo's shape
 */

const order = ["input", "lr", "pre-sr", "reference", "preview", "result", "matches"];
const shownByBrowsers = /\.(jpe?g|png|webp|avif|gif)$/i;
const largestWhole = 80e6;

/** Roles of a job that can be shown, from the photo to the result. @param {Job} job */
export function rolesOf(job) {
  const roles = (job.files ?? []).map((file) => file.role);
  if (!isFinal(job) && job.progress?.preview > 0) roles.push("preview");
  const rank = (role) => (order.includes(role) ? order.indexOf(role) : order.length);
  // LR is the photo as the networks see it; beside it the input adds nothing.
  return roles.filter((role) => role !== "input" || !roles.includes("lr")).sort((a, b) => rank(a) - rank(b));
}

/** @param {string} role */
export const roleLabel = (role) => named("role", role);

/** @param {Job} job @param {string} role @returns {Source | null} */
export function sourceOf(job, role) {
  if (role === "preview") {
    if (!(job.progress?.preview > 0)) return null;
    return { key: `${job.id} preview`, role, label: roleLabel(role), still: previewUrl(job.id, job.progress.preview) };
  }
  const file = fileOf(job, role);
  if (!file) return null;
  const outcome = job.outcome;
  const longest = role === "result" ? outcome && Math.max(outcome.width, outcome.height) : role === "lr" || role === "input" ? Math.max(job.width ?? 0, job.height ?? 0) || undefined : undefined;
  return {
    key: `${job.id} ${role}`,
    role,
    label: roleLabel(role),
    view: (size) => viewUrl(file, size),
    whole: shownByBrowsers.test(file.name) && file.bytes < largestWhole ? inlineUrl(file) : null,
    longest,
    ownShape: role === "reference",
  };
}

/** What the photo was. @param {Job} job */
export const beforeRole = (job) => rolesOf(job).find((role) => role === "lr" || role === "input") ?? null;

/** The best there is of it by now. @param {Job} job */
export const afterRole = (job) => rolesOf(job).find((role) => role === "result") ?? rolesOf(job).find((role) => role === "preview") ?? null;

/** Size of the result in pixels, known or foreseen; null: unknown. @param {Job} job */
export function resultSize(job) {
  if (job.outcome) return { width: job.outcome.width, height: job.outcome.height };
  if (!job.width || !job.height) return null;
  const scale = job.options?.scale || 4;
  return { width: Math.round(job.width * scale), height: Math.round(job.height * scale) };
}
