// Rows of what waits: photos on their way to the server, and jobs in the queue.

import { viewUrl } from "../api/api.js";
import { h, icon, iconButton, mark, write } from "../core/dom.js";
import { bytes } from "../core/format.js";
import { t } from "../core/text.js";
import { summary } from "../model/differences.js";
import { faceOf } from "../model/jobs.js";
import { photoPlace } from "../shell/router.js";

/** @typedef {import("../api/types.js").Job} Job */
/** @typedef {import("../model/uploads.js").Upload} Upload */

/** @param {Job} first @param {import("../shell/actions.js").Actions} actions */
export function queueRow(first, actions) {
  let job = first;
  const face = faceOf(job);
  const place = h("span", { class: "place" });
  const facts = h("span", { class: "facts" });
  const pause = iconButton("pause", t("action.pause.of", { name: job.name }), () => actions.steer(job, "pause"));
  const resume = iconButton("play", t("action.resume.of", { name: job.name }), () => actions.steer(job, "resume"));
  const element = h(
    "li",
    { class: "row", "data-id": job.id },
    h("span", { class: "thumb" }, face && h("img", { src: viewUrl(face, 256), alt: "", loading: "lazy", decoding: "async" })),
    h("span", { class: "row-text" }, h("a", { class: "name", href: photoPlace(job.id) }, job.name), facts),
    place,
    h("span", { class: "row-actions" }, pause, resume, iconButton("cancel", t("action.cancel.of", { name: job.name }), () => actions.cancel(job))),
  );
  /** @param {Job} next @param {number} position in the queue, from 1 */
  const update = (next, position) => {
    job = next;
    const paused = job.state === "paused";
    mark(element, "data-state", job.state);
    pause.hidden = paused;
    resume.hidden = !paused;
    write(facts, summary(job));
    write(place, paused ? t("state.paused") : position === 1 ? t("queue.next") : t("queue.place", { n: position }));
  };
  return { element, update };
}

/** @param {Upload} upload @param {import("../model/uploads.js").Uploads} uploads */
export function uploadRow(upload, uploads) {
  const state = h("span", { class: "place" });
  const message = h("span", { class: "facts" });
  const bar = h("progress", { max: 1, "aria-label": t("upload.progress", { name: upload.file.name }) });
  const retry = iconButton("retry", t("action.retry.of", { name: upload.file.name }), () => uploads.retry(upload));
  const drop = iconButton("cancel", t("upload.drop", { name: upload.file.name }), () => uploads.drop(upload));
  const sign = h("span", { class: "thumb thumb-sign" }, icon("upload"));
  const element = h("li", { class: "row row-upload" }, sign, h("span", { class: "row-text" }, h("span", { class: "name" }, upload.file.name), message, bar), state, h("span", { class: "row-actions" }, retry, drop));
  const update = () => {
    const { state: now } = upload;
    mark(element, "data-state", now);
    write(message, upload.message || bytes(upload.file.size));
    bar.hidden = now !== "sending";
    if (upload.sent < 1) bar.value = upload.sent;
    else bar.removeAttribute("value");
    retry.hidden = now !== "failed" || !!upload.hopeless;
    write(state, now === "failed" ? t("upload.failed") : now === "later" ? t("upload.later") : now === "sending" ? t("upload.sending") : "");
    if (now === "failed" && element.dataset.sign !== "alert") {
      sign.replaceChildren(icon("alert"));
      element.dataset.sign = "alert";
    }
  };
  update();
  return { element, update };
}
