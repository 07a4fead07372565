// The jobs as this page knows them. The server has the truth; here is the newest of it that has arrived.

/** @typedef {import("../api/types.js").Job} Job */

const hiddenWait = 250;
const finalStates = new Set(["done", "failed", "quarantined", "cancelled"]);

/** True when nothing more happens to the job by itself. @param {Job} job */
export const isFinal = (job) => finalStates.has(job.state);

/** The photo a job belongs to. @param {Job} job */
export const photoOf = (job) => job.root ?? job.from ?? job.id;

/** @param {Job} job @param {string} role */
export const fileOf = (job, role) => job.files?.find((file) => file.role === role) ?? null;

/** What is shown of a job when one picture has to do. @param {Job} job */
export const faceOf = (job) => fileOf(job, "result") ?? fileOf(job, "lr") ?? fileOf(job, "input");

/** Jobs by id; tells its watchers of changes once a frame, however many arrive. */
export class JobStore {
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** Taken away here, though the server may still have them: deletions that can be undone. @type {Set<string>} */
  #hidden = new Set();
  /** @type {Set<string>} */
  #gone = new Set();
  /** @type {Set<string>} */
  #changed = new Set();
  /** @type {Set<(changed: Set<string>) => void>} */
  #watchers = new Set();
  #scheduled = false;

  /** Jobs in each state, as the server counts them. @type {Record<string, number>} */
  counts = {};

  /** @param {string} id @returns {Job | undefined} */
  get(id) {
    return this.#hidden.has(id) ? undefined : this.#jobs.get(id);
  }

  /** @returns {Job[]} all that are not hidden, in no order */
  all() {
    const jobs = [];
    for (const job of this.#jobs.values()) if (!this.#hidden.has(job.id)) jobs.push(job);
    return jobs;
  }

  /** Those that are still to end: running, paused, then queued in their order. */
  open() {
    const rank = { running: 0, paused: 1, queued: 2 };
    return this.all()
      .filter((job) => !isFinal(job))
      .sort((a, b) => rank[a.state] - rank[b.state] || a.sequence - b.sequence);
  }

  /** All runs of one photo, oldest first. @param {string} photo */
  runsOf(photo) {
    return this.all()
      .filter((job) => photoOf(job) === photo || job.id === photo)
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** @param {Job} job @returns {boolean} whether it was news */
  put(job) {
    const known = this.#jobs.get(job.id);
    if (this.#gone.has(job.id) || (known && known.revision > job.revision)) return false;
    this.#jobs.set(job.id, job);
    this.#tell(job.id);
    return true;
  }

  /** @param {string} id */
  remove(id) {
    this.#gone.add(id);
    this.#hidden.delete(id);
    if (this.#jobs.delete(id)) this.#tell(id);
  }

  /** @param {string} id @param {boolean} hidden */
  hide(id, hidden) {
    if (hidden) this.#hidden.add(id);
    else this.#hidden.delete(id);
    this.#tell(id);
  }

  /** @param {Record<string, number>} counts */
  setCounts(counts) {
    this.counts = counts;
    this.#tell("");
  }

  /** @param {(changed: Set<string>) => void} act gets the ids of jobs that changed */
  watch(act) {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  /** @param {string} id */
  #tell(id) {
    this.#changed.add(id);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const run = () => {
      if (!this.#scheduled) return;
      this.#scheduled = false;
      const changed = this.#changed;
      this.#changed = new Set();
      for (const act of this.#watchers) act(changed);
    };
    requestAnimationFrame(run);
    // A hidden tab paints no frames, but its title goes on.
    setTimeout(run, hiddenWait);
  }
}
