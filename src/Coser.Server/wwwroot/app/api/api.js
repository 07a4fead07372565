// Calls of the server's API, and the one kind of error they throw.

import { t } from "../core/text.js";

const base = "/api/v1";

/** An answer that is not a success, in the words of its problem details. */
export class Problem extends Error {
  /**
   * @param {number} status 0: no answer at all
   * @param {{title?: string, detail?: string, code?: string}} body
   * @param {number | null} retryAfter seconds
   */
  constructor(status, body, retryAfter = null) {
    super(body.detail || body.title || t("problem.status", { status }));
    this.status = status;
    this.title = body.title ?? "";
    this.code = body.code ?? "";
    this.retryAfter = retryAfter;
  }

  /** Nothing answered: the network, or a server that is gone. */
  static unreachable() {
    return new Problem(0, { title: t("problem.offline"), detail: navigator.onLine ? t("problem.offline.detail") : t("problem.device"), code: "offline" });
  }

  /** Reads an answer's body. @param {number} status @param {string} text @param {string | null} retryAfter */
  static read(status, text, retryAfter) {
    let body = {};
    try {
      body = JSON.parse(text);
    } catch {
      // Not problem details: the status has to speak.
    }
    const seconds = Number.parseFloat(retryAfter ?? "");
    return new Problem(status, body ?? {}, Number.isFinite(seconds) ? seconds : null);
  }
}

/** @type {Set<() => void>} */
const onSignedOut = new Set();

/** Called whenever the server wants somebody signed in. @param {() => void} act */
export const whenSignedOut = (act) => onSignedOut.add(act);

/** Tells the page that a request was refused for want of a session. */
export function signedOut() {
  for (const act of onSignedOut) act();
}

/**
 * @param {string} path below the API's base
 * @param {{method?: string, json?: unknown, form?: FormData, key?: string, signal?: AbortSignal, keepalive?: boolean, quiet?: boolean}} [how]
 *   quiet: a 401 is the caller's business
 * @returns {Promise<any>} the JSON, or null where there is none
 * @throws {Problem}
 */
export async function call(path, how = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (how.json !== undefined) headers["Content-Type"] = "application/json";
  if (how.key) headers["Idempotency-Key"] = how.key;
  let answer;
  try {
    answer = await fetch(base + path, {
      method: how.method ?? "GET",
      headers,
      body: how.json === undefined ? how.form : JSON.stringify(how.json),
      signal: how.signal,
      keepalive: how.keepalive,
      credentials: "same-origin",
    });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw Problem.unreachable();
  }
  const text = await answer.text();
  if (!answer.ok) {
    if (answer.status === 401 && !how.quiet) signedOut();
    throw Problem.read(answer.status, text, answer.headers.get("Retry-After"));
  }
  return text === "" ? null : JSON.parse(text);
}

/** Where new jobs are sent. */
export const jobsUrl = `${base}/jobs`;

/** @param {string} id @param {number} number of the preview */
export const previewUrl = (id, number) => `${base}/jobs/${encodeURIComponent(id)}/preview?n=${number}`;

/** @param {import("./types.js").JobFile} file @param {number} size longest side, in pixels */
export const viewUrl = (file, size) => `${file.viewUrl}${file.viewUrl.includes("?") ? "&" : "?"}size=${size}`;

/** @param {import("./types.js").JobFile} file the file itself, to be shown by the browser */
export const inlineUrl = (file) => `${file.url}${file.url.includes("?") ? "&" : "?"}inline=1`;

/** Where the server's news come from. */
export const eventsUrl = `${base}/events`;

/** @param {Record<string, string | number | undefined>} query @returns {Promise<{jobs: import("./types.js").Job[], next?: number, counts?: Record<string, number>}>} */
export function listJobs(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return call(`/jobs?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`);
}

/** @param {string} id @returns {Promise<import("./types.js").Job>} */
export const getJob = (id) => call(`/jobs/${encodeURIComponent(id)}`);

/** @param {string} id @param {"cancel" | "pause" | "resume" | "retry"} verb @returns {Promise<import("./types.js").Job>} */
export const steerJob = (id, verb) => call(`/jobs/${encodeURIComponent(id)}/${verb}`, { method: "POST" });

/** @param {string} id @param {boolean} [leaving] the page is going away */
export const deleteJob = (id, leaving = false) => call(`/jobs/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: leaving });

/**
 * The photo of a job once more, with other options.
 * @param {string} from @param {import("./types.js").JobOptions} options @param {File | null} reference a new own reference
 * @returns {Promise<import("./types.js").Job>}
 */
export function tryAgain(from, options, reference) {
  const key = crypto.randomUUID?.() ?? String(Math.random());
  if (!reference) return call("/jobs", { method: "POST", json: { from, options }, key });
  const form = new FormData();
  form.append("from", from);
  form.append("options", JSON.stringify(options));
  form.append("reference", reference, reference.name);
  return call("/jobs", { method: "POST", form, key });
}
