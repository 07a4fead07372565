// The contact sheet: what has ended, by photo, with filters, search, and more as one scrolls.

import { arrange, fill, h, isTyping, write } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/text.js";
import { filters } from "../model/history.js";
import { sheetFrame } from "./frame.js";

const searchDelay = 250;
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {object} tools
 * @param {import("../model/history.js").History} tools.history
 * @param {import("../model/jobs.js").JobStore} tools.store
 * @param {import("../shell/actions.js").Actions} tools.actions
 * @param {import("./selection.js").Selection} tools.selection
 */
export function sheetView({ history, store, actions, selection }) {
  /** @type {Map<string, ReturnType<typeof sheetFrame>>} */
  let frames = new Map();
  const list = element("sheet-list");
  const search = /** @type {HTMLInputElement} */ (element("search"));
  const note = element("sheet-note");
  const end = element("sheet-end");

  const tabs = Object.keys(filters).map((filter) => {
    const count = h("span", { class: "count" });
    const tab = h("button", { type: "button", class: "filter", "aria-pressed": "false", onClick: () => history.choose(filter, history.name) }, h("span", null, t(`filter.${filter}`)), count);
    return { filter, tab, count };
  });
  fill(element("filters"), tabs.map(({ tab }) => tab));

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => history.choose(history.filter, search.value.trim()), searchDelay);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || search.value === "") return;
    event.stopPropagation();
    search.value = "";
    history.choose(history.filter, "");
  });

  const render = () => {
    const photos = history.photos();
    const next = new Map();
    for (const { photo, runs } of photos) {
      const frame = frames.get(photo) ?? sheetFrame({ actions, selection });
      frame.update(runs);
      next.set(photo, frame);
    }
    frames = next;
    arrange(list, [...frames.values()].map((frame) => frame.element));
    list.setAttribute("aria-busy", String(history.loading));

    const ended = filters.all.reduce((sum, state) => sum + (store.counts[state] ?? 0), 0);
    for (const { filter, tab, count } of tabs) {
      const n = filters[filter].reduce((sum, state) => sum + (store.counts[state] ?? 0), 0);
      tab.setAttribute("aria-pressed", String(history.filter === filter));
      tab.hidden = filter !== history.filter && (n === 0 || (n === ended && history.filter === "all"));
      write(count, n > 0 ? number(n) : "");
    }
    const isEmpty = photos.length === 0 && !history.loading;
    element("sheet").hidden = ended === 0 && photos.length === 0 && history.name === "" && history.filter === "all" && !history.problem;
    note.hidden = !isEmpty;
    if (isEmpty) write(note, history.problem ? history.problem.message : history.name ? t("sheet.noMatch", { name: history.name }) : t("sheet.none"));
    end.hidden = !history.hasMore;
    write(end, history.loading ? t("sheet.loading") : t("sheet.more"));
  };

  end.addEventListener("click", () => history.more());
  const nearEnd = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && history.more(), { rootMargin: "600px" });
  history.addEventListener("change", () => {
    render();
    // Observed anew: a short page may leave the end in sight.
    nearEnd.unobserve(end);
    if (!history.loading && history.hasMore && !history.problem) nearEnd.observe(end);
  });
  selection.addEventListener("change", render);
  list.addEventListener("keydown", (event) => onKey(event, { list, frames, selection, actions, store }));
  return { render, focusSearch: () => search.focus() };
}

/** Arrows move between frames, X ticks, D downloads, Delete deletes. @param {KeyboardEvent} event @param {any} sheet */
function onKey(event, { list, selection, actions, store }) {
  const frame = /** @type {HTMLElement} */ (event.target).closest(".frame");
  if (!frame || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...list.children];
  const at = all.indexOf(frame);
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const job = store.get(frame.dataset.id);
  if (event.key in steps) all[at + steps[event.key]]?.querySelector("a.name").focus();
  else if (event.key === "Home") all[0].querySelector("a.name").focus();
  else if (event.key === "End") all.at(-1).querySelector("a.name").focus();
  else if (event.key.toLowerCase() === "x") selection.toggle(frame.dataset.id);
  else if (event.key.toLowerCase() === "d" && job) actions.download([job]);
  else if (event.key === "Delete" && job) {
    (all[at + 1] ?? all[at - 1])?.querySelector("a.name").focus();
    actions.remove(store.runsOf(job.root ?? job.id).filter((run) => run.state !== "running"));
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
