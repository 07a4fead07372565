// What can be done with jobs, wherever their buttons are.

import { deleteJob, steerJob } from "../api/api.js";
import { t } from "../core/text.js";
import { fileOf, isFinal } from "../model/jobs.js";
import { confirm } from "./dialogs.js";
import { complain, toast } from "./notices.js";

/** @typedef {import("../api/types.js").Job} Job */

const undoTime = 6000;
const betweenDownloads = 700;

/** The actions on the jobs of a store. */
export class Actions {
  #store;
  /** Deletions that can still be undone. @type {Map<string, number>} */
  #deleting = new Map();

  /** @param {import("../model/jobs.js").JobStore} store */
  constructor(store) {
    this.#store = store;
    // Whoever leaves the page has made up his mind.
    addEventListener("pagehide", () => {
      for (const id of this.#deleting.keys()) deleteJob(id, true).catch(() => {});
    });
  }

  /** @param {Job} job @param {"cancel" | "pause" | "resume" | "retry"} verb */
  async steer(job, verb) {
    try {
      this.#store.put(await steerJob(job.id, verb));
      return true;
    } catch (error) {
      complain(error);
      return false;
    }
  }

  /** @param {Job} job */
  async cancel(job) {
    if (await this.steer(job, "cancel")) toast(t("done.cancelled", { name: job.name }), { action: { label: t("action.undo"), act: () => this.steer(job, "retry") } });
  }

  /** All that have not ended. */
  async cancelAll() {
    const jobs = this.#store.open();
    const agreed = await confirm({ title: t("cancelAll.title"), text: t("cancelAll.text", { n: jobs.length }), yes: t("cancelAll.yes", { n: jobs.length }) });
    if (!agreed) return;
    // The last in the queue first, so that none of them begins meanwhile.
    await this.#each(jobs.reverse(), async (job) => this.#store.put(await steerJob(job.id, "cancel")));
  }

  /** Takes jobs away at once, and from the server when there was time to undo it. @param {Job[]} jobs */
  remove(jobs) {
    if (jobs.length === 0 || Actions.readOnly) return;
    for (const job of jobs) {
      this.#store.hide(job.id, true);
      this.#deleting.set(job.id, 0);
    }
    const timer = setTimeout(() => this.#delete(jobs), undoTime);
    const undo = () => {
      clearTimeout(timer);
      for (const job of jobs) {
        this.#deleting.delete(job.id);
        this.#store.hide(job.id, false);
      }
    };
    toast(jobs.length === 1 ? t("done.deleted", { name: jobs[0].name }) : t("done.deletedMany", { n: jobs.length }), { action: { label: t("action.undo"), act: undo } });
  }

  /** @param {Job[]} jobs */
  async #delete(jobs) {
    await this.#each(jobs, async (job) => {
      if (!this.#deleting.delete(job.id)) return;
      try {
        await deleteJob(job.id);
        this.#store.remove(job.id);
      } catch (error) {
        if (error.status === 404) this.#store.remove(job.id);
        else {
          this.#store.hide(job.id, false);
          throw error;
        }
      }
    });
  }

  /** Saves the results as they are, one after another. @param {Job[]} jobs */
  async download(jobs) {
    const files = jobs.map((job) => fileOf(job, "result")).filter((file) => file !== null);
    if (files.length === 0) return;
    if (files.length > 1) toast(t("done.downloads", { n: files.length }));
    for (const [i, file] of files.entries()) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, betweenDownloads));
      const link = document.createElement("a");
      link.href = file.url;
      link.download = file.name;
      document.body.append(link);
      link.click();
      link.remove();
    }
  }

  /** Somebody who may look at everything and change nothing. */
  static readOnly = false;

  /** What can be done with a job now. @param {Job} job */
  static possible(job) {
    if (Actions.readOnly) return { cancel: false, pause: false, resume: false, retry: false, remove: false, again: false, download: fileOf(job, "result") !== null };
    return {
      cancel: !isFinal(job),
      pause: job.state === "running" || job.state === "queued",
      resume: job.state === "paused",
      retry: job.state === "failed" || job.state === "quarantined" || job.state === "cancelled",
      remove: isFinal(job),
      download: fileOf(job, "result") !== null,
      again: isFinal(job),
    };
  }

  /** A few at a time; the first problem is told, the others are counted. @param {Job[]} jobs @param {(job: Job) => Promise<unknown>} act */
  async #each(jobs, act) {
    const rest = [...jobs];
    const problems = [];
    const worker = async () => {
      for (let job = rest.shift(); job; job = rest.shift()) {
        try {
          await act(job);
        } catch (error) {
          // A job that ended in the meantime needs no cancelling.
          if (error.status !== 409) problems.push(error);
        }
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    if (problems.length > 0) complain(problems[0]);
  }
}
