// The photos that are ticked, and the bar with what can be done with all of them.

import { button, fill, h } from "../core/dom.js";
import { t } from "../core/text.js";
import { fileOf } from "../model/jobs.js";
import { comparePlace, go } from "../shell/router.js";

/** Ids of jobs that are ticked, in the order they were. */
export class Selection extends EventTarget {
  /** @type {Set<string>} */
  #ids = new Set();

  get ids() {
    return [...this.#ids];
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /** @param {string} id @param {boolean} [on] */
  toggle(id, on = !this.#ids.has(id)) {
    if (on) this.#ids.add(id);
    else this.#ids.delete(id);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string[]} ids */
  set(ids) {
    this.#ids = new Set(ids);
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {Selection} selection @param {import("../model/jobs.js").JobStore} store @param {import("../shell/actions.js").Actions} actions
 */
export function selectionBar(selection, store, actions) {
  const bar = /** @type {HTMLElement} */ (document.getElementById("selection"));
  const count = h("strong", { "aria-live": "polite" });
  const jobs = () => selection.ids.map((id) => store.get(id)).filter((job) => job !== undefined);
  const compare = button("compare", t("action.compare"), () => go(comparePlace(jobs().filter((job) => fileOf(job, "result")).map((job) => job.id))));
  const download = button("download", t("action.download"), () => actions.download(jobs()), { class: "button primary" });
  const remove = button("trash", t("action.delete"), () => {
    // A photo's frame stands for all of its runs.
    actions.remove(jobs().flatMap((job) => store.runsOf(job.root ?? job.id).filter((run) => run.id === job.id || run.state !== "running")));
    selection.set([]);
  }, { "data-act": "delete" });
  const clear = button("", t("select.clear"), () => selection.set([]), { class: "button quiet" });
  fill(bar, count, compare, download, remove, clear);
  const update = () => {
    const chosen = jobs();
    bar.hidden = chosen.length === 0;
    const results = chosen.filter((job) => fileOf(job, "result")).length;
    count.textContent = t("select.count", { n: chosen.length });
    compare.disabled = results < 2 || results > 4;
    compare.title = compare.disabled ? t("compare.needs") : "";
    download.disabled = results === 0;
  };
  selection.addEventListener("change", update);
  store.watch((changed) => {
    const stale = selection.ids.filter((id) => changed.has(id) && !store.get(id));
    if (stale.length > 0) selection.set(selection.ids.filter((id) => !stale.includes(id)));
  });
  update();
}
