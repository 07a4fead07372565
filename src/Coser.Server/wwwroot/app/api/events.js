// One stream of news for all jobs, which comes back by itself when it breaks.

import { eventsUrl } from "./api.js";

const longestWait = 15_000;

/**
 * @typedef {object} Watcher
 * @property {(job: import("./types.js").Job) => void} job
 * @property {(id: string) => void} gone
 * @property {(counts: Record<string, number>) => void} counts
 * @property {(again: boolean) => void} opened the stream runs; again: it had broken before
 * @property {() => void} broken the stream broke; it is being tried again
 */

/**
 * @param {Watcher} watcher
 * @returns {{restart: () => void, stop: () => void}}
 */
export function followEvents(watcher) {
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;
  let wait = 1000;
  let broke = false;

  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(eventsUrl);
    source.addEventListener("open", () => {
      wait = 1000;
      watcher.opened(broke);
      broke = false;
    });
    source.addEventListener("job", (event) => watcher.job(JSON.parse(event.data)));
    source.addEventListener("gone", (event) => watcher.gone(JSON.parse(event.data).id));
    source.addEventListener("counts", (event) => watcher.counts(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      broke = true;
      watcher.broken();
      // A browser tries again by itself after a lost connection, but not after an answer that is no stream (401, 503).
      if (source?.readyState === EventSource.CLOSED) {
        clearTimeout(timer);
        timer = setTimeout(open, wait);
        wait = Math.min(wait * 2, longestWait);
      }
    });
  };

  open();
  addEventListener("online", open);
  return {
    restart: open,
    stop: () => {
      clearTimeout(timer);
      source?.close();
      removeEventListener("online", open);
    },
  };
}
