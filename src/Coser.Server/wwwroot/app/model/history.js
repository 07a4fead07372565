// What has ended, a page at a time, newest first.

import { listJobs } from "../api/api.js";
import { isFinal, photoOf } from "./jobs.js";

/** @typedef {import("../api/types.js").Job} Job */

const pageSize = 60;

/** The states behind each filter. @type {Record<string, string[]>} */
export const filters = {
  all: ["done", "failed", "quarantined", "cancelled"],
  done: ["done"],
  failed: ["failed", "quarantined"],
  cancelled: ["cancelled"],
};

/** The ended jobs that a filter and a name leave over. */
export class History extends EventTarget {
  filter = "all";
  name = "";
  /** True while a page is on its way. */
  loading = false;
  /** True once the first page is here. */
  loaded = false;
  /** What went wrong with the last page; null: nothing. @type {Error | null} */
  problem = null;
  /** Where the next page begins; undefined: there is none. @type {number | undefined} */
  #next;
  #store;
  #turn = 0;

  /** @param {import("./jobs.js").JobStore} store */
  constructor(store) {
    super();
    this.#store = store;
  }

  get hasMore() {
    return this.#next !== undefined;
  }

  /** @param {string} filter @param {string} name */
  choose(filter, name) {
    if (filter === this.filter && name === this.name) return;
    this.filter = filter;
    this.name = name;
    this.reload();
  }

  /** From the beginning. */
  reload() {
    this.#next = undefined;
    return this.#load(undefined);
  }

  more() {
    if (this.loading || this.#next === undefined) return;
    return this.#load(this.#next);
  }

  /** @param {number | undefined} before */
  async #load(before) {
    const turn = ++this.#turn;
    this.loading = true;
    this.problem = null;
    this.dispatchEvent(new Event("change"));
    try {
      const page = await listJobs({ state: filters[this.filter].join(","), limit: pageSize, before, name: this.name || undefined });
      if (turn !== this.#turn) return;
      for (const job of page.jobs) this.#store.put(job);
      if (page.counts) this.#store.setCounts(page.counts);
      this.#next = page.next;
      this.loaded = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = error;
    } finally {
      if (turn === this.#turn) {
        this.loading = false;
        this.dispatchEvent(new Event("change"));
      }
    }
  }

  /**
   * The photos to show, those of the newest runs first; each with its runs, the newest first.
   * @returns {{photo: string, runs: Job[]}[]}
   */
  photos() {
    const states = filters[this.filter];
    const name = this.name.toLowerCase();
    const floor = this.#next ?? -Infinity;
    /** @type {Map<string, Job[]>} */
    const groups = new Map();
    const shown = this.#store.all().filter((job) => isFinal(job) && states.includes(job.state) && job.sequence >= floor && job.name.toLowerCase().includes(name));
    for (const job of shown.sort((a, b) => b.sequence - a.sequence)) {
      const photo = photoOf(job);
      const runs = groups.get(photo);
      if (runs) runs.push(job);
      else groups.set(photo, [job]);
    }
    return [...groups].map(([photo, runs]) => ({ photo, runs }));
  }
}
