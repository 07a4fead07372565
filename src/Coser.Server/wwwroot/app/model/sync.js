// Keeps the store in step with the server: the stream of news, and questions after it had broken.

import { Problem, getJob, listJobs } from "../api/api.js";
import { followEvents } from "../api/events.js";
import { isFinal } from "./jobs.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {import("./jobs.js").JobStore} store
 * @param {object} news
 * @param {(job: Job, before: Job | undefined) => void} news.ended a job came to its end while we watched
 * @param {(connected: boolean) => void} news.connection
 * @param {() => void} news.again the stream runs again after a break: lists may be out of date
 */
export function follow(store, news) {
  /** A job whose stream broke in a state that does not change any more is asked for again. */
  const catchUp = async () => {
    const seen = new Set();
    let before;
    do {
      const page = await listJobs({ state: "queued,running,paused", limit: 200, before });
      for (const job of page.jobs) {
        seen.add(job.id);
        store.put(job);
      }
      if (page.counts) store.setCounts(page.counts);
      before = page.next;
    } while (before !== undefined);
    for (const job of store.open().filter((job) => !seen.has(job.id))) await refresh(store, job.id, news.ended);
  };

  const stream = followEvents({
    job: (job) => {
      const before = store.get(job.id);
      if (store.put(job) && isFinal(job) && before && !isFinal(before)) news.ended(job, before);
    },
    gone: (id) => store.remove(id),
    counts: (counts) => store.setCounts(counts),
    opened: (again) => {
      news.connection(true);
      if (again) news.again();
      // The first time, too: what ended between the first lists and the stream is in neither.
      catchUp().catch(() => {});
    },
    broken: () => {
      // Was it the session? Then this is refused, and the sign-in dialog opens.
      listJobs({ limit: 1 }).catch((error) => error.status !== 401 && news.connection(false));
    },
  });
  return { ...stream, catchUp };
}

/**
 * Asks for one job.
 * @param {import("./jobs.js").JobStore} store @param {string} id @param {(job: Job, before: Job | undefined) => void} [ended]
 * @returns {Promise<Job | null>} null when the server does not have it
 */
export async function refresh(store, id, ended) {
  try {
    const before = store.get(id);
    const job = await getJob(id);
    store.put(job);
    if (before && !isFinal(before) && isFinal(job)) ended?.(job, before);
    return job;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error;
    store.remove(id);
    return null;
  }
}
