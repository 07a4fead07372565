// Photos on their way: a few at a time, tried again when the network or the server's queue says "later".

import { Problem } from "../api/api.js";
import { send } from "../api/send.js";
import { bytes } from "../core/format.js";
import { t } from "../core/text.js";

const atATime = 3;
const longestWait = 30;

/**
 * @typedef {object} Upload
 * @property {string} key Idempotency-Key
 * @property {File} file
 * @property {import("../api/types.js").JobOptions} options as they were when the photo was dropped
 * @property {File | null} reference
 * @property {"waiting" | "sending" | "later" | "failed"} state later: it is tried again by itself
 * @property {number} sent fraction in [0,1]
 * @property {number} tries
 * @property {string} message why it waits or failed
 * @property {boolean} [hopeless] trying again would change nothing
 * @property {boolean} [signedOut] it failed for want of a session
 * @property {AbortController} abort
 */

const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");

/** The uploads that are not jobs yet. */
export class Uploads {
  /** @type {Upload[]} */
  entries = [];
  /** Photos handed over since nothing was under way. */
  sent = 0;
  #changed;
  #arrived;
  #limits = () => ({});
  /** Set while nothing may be sent: seconds since 1970. */
  #notBefore = 0;

  /**
   * @param {object} how
   * @param {() => void} how.changed
   * @param {(job: import("../api/types.js").Job) => void} how.arrived
   * @param {() => {bytes?: number}} how.limits
   */
  constructor({ changed, arrived, limits }) {
    this.#changed = changed;
    this.#arrived = arrived;
    this.#limits = limits;
    addEventListener("online", () => this.#hurry());
    addEventListener("beforeunload", (event) => {
      if (this.underWay > 0) event.preventDefault();
    });
  }

  /** Uploads that will still be sent. */
  get underWay() {
    return this.entries.filter((upload) => upload.state !== "failed").length;
  }

  /** @param {File[]} files @param {import("../api/types.js").JobOptions} options @param {File | null} reference */
  add(files, options, reference) {
    if (this.underWay === 0) this.sent = 0;
    const limit = this.#limits().bytes;
    for (const file of files) {
      const upload = { key: newKey(), file, options, reference, state: "waiting", sent: 0, tries: 0, message: "", abort: new AbortController() };
      if (limit && file.size > limit) {
        upload.state = "failed";
        upload.hopeless = true;
        upload.message = t("upload.tooLarge", { size: bytes(file.size), limit: bytes(limit) });
      } else if (file.size === 0) {
        upload.state = "failed";
        upload.hopeless = true;
        upload.message = t("upload.empty");
      }
      this.entries.push(/** @type {Upload} */ (upload));
    }
    this.#changed();
    this.#pump();
  }

  /** Takes an upload back, or clears a failed one away. @param {Upload} upload */
  drop(upload) {
    upload.abort.abort();
    this.entries = this.entries.filter((other) => other !== upload);
    this.#changed();
    this.#pump();
  }

  /** Takes all back. */
  dropAll() {
    for (const upload of this.entries) upload.abort.abort();
    this.entries = [];
    this.#changed();
  }

  /** @param {Upload} upload */
  retry(upload) {
    upload.state = "waiting";
    upload.message = "";
    upload.tries = 0;
    upload.abort = new AbortController();
    this.#changed();
    this.#pump();
  }

  /** Tries at once what waits for the network; after signing in, too. */
  resume() {
    for (const upload of this.entries) if (upload.state === "failed" && upload.signedOut) this.retry(upload);
    this.#hurry();
  }

  #hurry() {
    this.#notBefore = 0;
    for (const upload of this.entries) if (upload.state === "later") upload.state = "waiting";
    this.#changed();
    this.#pump();
  }

  #pump() {
    if (Date.now() < this.#notBefore) return;
    const sending = this.entries.filter((upload) => upload.state === "sending").length;
    for (const upload of this.entries.filter((upload) => upload.state === "waiting").slice(0, Math.max(0, atATime - sending))) this.#send(upload);
  }

  /** @param {Upload} upload */
  async #send(upload) {
    upload.state = "sending";
    upload.sent = 0;
    this.#changed();
    try {
      const progress = (sent) => {
        upload.sent = sent;
        this.#changed();
      };
      const job = await send(upload, progress, upload.abort.signal);
      this.entries = this.entries.filter((other) => other !== upload);
      this.sent++;
      this.#arrived(job);
    } catch (error) {
      if (upload.abort.signal.aborted) return;
      this.#failed(upload, error instanceof Problem ? error : Problem.unreachable());
    }
    this.#changed();
    this.#pump();
  }

  /** @param {Upload} upload @param {Problem} problem */
  #failed(upload, problem) {
    // Nothing answered, too many at once, the queue is full, the server is starting: all of these pass.
    const passes = problem.status === 0 || problem.status === 429 || problem.status === 502 || problem.status === 503 || problem.status === 504;
    upload.message = problem.message;
    upload.signedOut = problem.status === 401;
    if (!passes) {
      upload.state = "failed";
      upload.hopeless = [400, 413, 415, 422].includes(problem.status);
      return;
    }
    upload.state = "later";
    upload.tries++;
    const wait = Math.min(problem.retryAfter ?? 2 ** Math.min(upload.tries, 5), longestWait) * 1000;
    if (problem.status === 429 || problem.status === 503) this.#notBefore = Date.now() + wait;
    setTimeout(() => {
      if (upload.state === "later") upload.state = "waiting";
      this.#changed();
      this.#pump();
    }, wait + 20);
  }
}
