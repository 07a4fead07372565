// The upper part of the sheet: uploads, what is in work, what waits.

import { arrange, button, h, write } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/text.js";
import { developCard } from "./develop.js";
import { queueRow, uploadRow } from "./waiting.js";

const rowsAtFirst = 6;
const rowsMore = 100;
const cardsAtMost = 12;
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {object} tools
 * @param {import("../model/jobs.js").JobStore} tools.store
 * @param {import("../model/uploads.js").Uploads} tools.uploads
 * @param {import("../shell/actions.js").Actions} tools.actions
 * @param {(job: import("../api/types.js").Job) => string | undefined} tools.kindOf
 */
export function workView({ store, uploads, actions, kindOf }) {
  /** @type {Map<string, {element: HTMLElement, update: Function}>} */
  let cards = new Map();
  let rows = new Map();
  let sendings = new Map();
  let rowsShown = rowsAtFirst;
  let uploadsShown = rowsAtFirst;

  const more = h("button", { type: "button", class: "link more", onClick: () => {
    rowsShown += rowsMore;
    renderJobs();
  } });
  const fewer = h("button", { type: "button", class: "link more", onClick: () => {
    rowsShown = rowsAtFirst;
    renderJobs();
    element("work").scrollIntoView({ block: "nearest" });
  } }, t("work.fewer"));
  const moreUploads = h("button", { type: "button", class: "link more", onClick: () => {
    uploadsShown += rowsMore;
    renderUploads();
  } });
  const cancelAll = button("cancel", t("action.cancelAll"), () => actions.cancelAll(), { class: "button quiet" });
  const dropUploads = button("cancel", t("upload.dropAll"), () => uploads.dropAll(), { class: "button quiet" });
  element("work-head").append(cancelAll);
  element("waiting-list").after(more, fewer);
  element("upload-list").after(moreUploads);
  element("upload-head").append(dropUploads);

  const renderJobs = () => {
    const open = store.open();
    // A large card for what has been begun, a row for what has not.
    const begun = open.filter((job) => job.state === "running" || (job.state === "paused" && job.progress?.stage));
    const working = begun.slice(0, cardsAtMost);
    const waiting = open.filter((job) => !working.includes(job));
    const queued = waiting.filter((job) => job.state === "queued").length;
    const nextCards = new Map();
    for (const job of working) {
      const card = cards.get(job.id) ?? developCard(job, { actions, kindOf });
      card.update(job);
      nextCards.set(job.id, card);
    }
    cards = nextCards;
    arrange(element("develop-list"), [...cards.values()].map((card) => card.element));

    const nextRows = new Map();
    let position = 0;
    for (const job of waiting.slice(0, rowsShown)) {
      const row = rows.get(job.id) ?? queueRow(job, actions);
      row.update(job, job.state === "queued" ? ++position : 0);
      nextRows.set(job.id, row);
    }
    rows = nextRows;
    arrange(element("waiting-list"), [...rows.values()].map((row) => row.element));
    if (waiting.length <= rowsAtFirst) rowsShown = rowsAtFirst;

    element("work").hidden = open.length === 0;
    element("work-title").textContent = working.length > 0 ? t("work.title") : t("work.waiting");
    write(element("work-count"), [begun.length > 0 ? t("work.running", { n: number(begun.length) }) : "", queued > 0 ? t("work.queued", { n: number(queued) }) : ""].filter(Boolean).join(" · "));
    cancelAll.hidden = open.length < 2;
    fewer.hidden = rowsShown === rowsAtFirst;
    more.hidden = waiting.length <= rowsShown;
    if (!more.hidden) write(more, t("work.more", { n: number(waiting.length - rowsShown) }));
  };

  const renderUploads = () => {
    const { entries } = uploads;
    // What failed has to be read, what is being sent is worth seeing; the rest is a number.
    const rank = { failed: 0, sending: 1, later: 2, waiting: 3 };
    const order = entries.length > rowsAtFirst ? [...entries].sort((a, b) => rank[a.state] - rank[b.state]) : entries;
    const next = new Map();
    for (const upload of order.slice(0, uploadsShown)) {
      const row = sendings.get(upload) ?? uploadRow(upload, uploads);
      row.update();
      next.set(upload, row);
    }
    sendings = next;
    arrange(element("upload-list"), [...sendings.values()].map((row) => row.element));
    if (entries.length <= rowsAtFirst) uploadsShown = rowsAtFirst;
    element("uploads").hidden = entries.length === 0;
    write(element("upload-count"), t("upload.count", { sent: number(uploads.sent), all: number(uploads.sent + uploads.underWay) }));
    moreUploads.hidden = entries.length <= uploadsShown;
    if (!moreUploads.hidden) write(moreUploads, t("work.more", { n: number(entries.length - uploadsShown) }));
    dropUploads.hidden = entries.length < 2;
  };
  return { renderJobs, renderUploads };
}
