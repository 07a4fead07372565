// One photo of the contact sheet: its newest result, or why there is none.

import { viewUrl } from "../api/api.js";
import { fill, h, icon, iconButton, mark, write } from "../core/dom.js";
import { size, span } from "../core/format.js";
import { name as named, t } from "../core/text.js";
import { faceOf, fileOf } from "../model/jobs.js";
import { Actions } from "../shell/actions.js";
import { photoPlace } from "../shell/router.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {{actions: Actions, selection: import("./selection.js").Selection}} tools
 */
export function sheetFrame({ actions, selection }) {
  /** @type {Job} */
  let job;
  /** @type {Job[]} */
  let runs = [];
  let drawn = "";
  const image = h("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const sign = h("span", { class: "frame-sign" });
  const badge = h("span", { class: "badge" });
  const link = h("a", { class: "name" });
  const facts = h("p", { class: "facts" });
  const check = h("input", { type: "checkbox", onChange: () => selection.toggle(job.id, check.checked) });
  const retry = iconButton("retry", "", () => actions.steer(job, "retry"));
  const download = iconButton("download", "", () => actions.download([job]));
  const remove = iconButton("trash", "", () => actions.remove(runs));
  const element = h(
    "li",
    { class: "frame" },
    h("div", { class: "frame-picture" }, image, sign, badge),
    h("label", { class: "frame-check" }, check),
    h("div", { class: "frame-tools" }, retry, download, remove),
    h("div", { class: "frame-caption" }, link, facts),
  );

  const label = (control, text) => {
    mark(control, "aria-label", text);
    if (control !== check) mark(control, "title", text);
  };

  /** @param {Job[]} given the photo's runs, the newest first */
  const update = (given) => {
    runs = given;
    job = runs.find((run) => run.state === "done") ?? runs[0];
    const key = runs.map((run) => `${run.id} ${run.revision}`).join();
    check.checked = selection.has(job.id);
    element.classList.toggle("is-selected", check.checked);
    if (key === drawn) return;
    drawn = key;
    const face = faceOf(job);
    const url = face ? viewUrl(face, 256) : "";
    if (face && image.getAttribute("src") !== url) image.src = url;
    image.hidden = !face;
    element.dataset.id = job.id;
    element.dataset.state = job.state;
    link.href = photoPlace(job.id);
    write(link, job.name);
    link.title = job.name;
    const possible = Actions.possible(job);
    retry.hidden = !possible.retry;
    remove.hidden = !possible.remove;
    download.hidden = !possible.download;
    label(check, t("select.of", { name: job.name }));
    label(retry, t("action.retry.of", { name: job.name }));
    label(download, t("action.download.of", { name: job.name }));
    label(remove, t("action.delete.of", { name: job.name }));
    badge.hidden = runs.length < 2;
    write(badge, t("runs.count", { n: runs.length }));
    const failed = job.state !== "done";
    sign.hidden = !failed;
    if (failed) fill(sign, icon(job.state === "cancelled" ? "cancel" : "alert"), named("state", job.state));
    write(facts, failed ? (job.reason ?? named("state", job.state)) : job.outcome ? `${size(job.outcome.width, job.outcome.height)} · ${span(job.outcome.seconds)}` : "");
    facts.title = failed ? (job.reason ?? "") : "";
    facts.hidden = facts.textContent === "" || (failed && !job.reason);
  };
  return { element, update, url: () => fileOf(job, "result")?.url };
}
