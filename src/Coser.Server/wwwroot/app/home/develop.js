// A photo in work: the picture that sharpens, its stages, the time left.

import { previewUrl, viewUrl } from "../api/api.js";
import { button, fill, h, mark, write } from "../core/dom.js";
import { left, size } from "../core/format.js";
import { name as named, t } from "../core/text.js";
import { summary } from "../model/differences.js";
import { faceOf } from "../model/jobs.js";
import { stageProgress } from "../model/stages.js";
import { liveImage } from "../shell/live-image.js";
import { photoPlace } from "../shell/router.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {Job} first
 * @param {{actions: import("../shell/actions.js").Actions, kindOf: (job: Job) => string | undefined}} tools
 */
export function developCard(first, { actions, kindOf }) {
  let job = first;
  const picture = liveImage();
  const link = h("a", { href: photoPlace(job.id) }, job.name);
  const facts = h("p", { class: "facts" });
  const stages = h("ol", { class: "steps-list" });
  const remaining = h("p", { class: "remaining" });
  const pause = button("pause", t("action.pause"), () => actions.steer(job, "pause"));
  const resume = button("play", t("action.resume"), () => actions.steer(job, "resume"), { class: "button primary" });
  const cancel = button("cancel", t("action.cancel"), () => actions.cancel(job));
  const element = h(
    "li",
    { class: "develop", "data-id": job.id },
    h("div", { class: "plate crop-marks" }, picture.element),
    h("div", { class: "develop-body" }, h("h3", { class: "name" }, link), facts, stages, remaining, h("div", { class: "row-actions" }, pause, resume, cancel)),
  );
  let drawn = "";

  /** @param {Job} next */
  const update = (next) => {
    job = next;
    const face = faceOf(job);
    picture.show(job.progress?.preview > 0 ? previewUrl(job.id, job.progress.preview) : face ? viewUrl(face, 256) : null);
    mark(element, "data-state", job.state);
    mark(picture.element, "data-source", job.progress?.preview > 0 ? "preview" : "input");
    write(facts, [job.width ? size(job.width, job.height) : "", summary(job)].filter(Boolean).join(" · "));
    pause.hidden = job.state !== "running";
    resume.hidden = job.state !== "paused";
    const progress = stageProgress(job, kindOf(job));
    const key = progress.map((part) => part.stage).join();
    if (key !== drawn) {
      fill(stages, progress.map((part) => h("li", { class: "step" }, h("span", { class: "step-name" }, named("stage", part.stage)), h("span", { class: "step-count" }), h("span", { class: "step-bar" }, h("span", { class: "step-fill" })))));
      drawn = key;
    }
    for (const [i, part] of progress.entries()) {
      const item = stages.children[i];
      mark(item, "data-state", part.state);
      mark(item, "aria-current", part.state === "now" ? "step" : null);
      write(item.querySelector(".step-count"), part.state === "now" && job.progress.steps > 1 ? `${job.progress.step} / ${job.progress.steps}` : part.state === "done" ? "✓" : "");
      item.querySelector(".step-fill").style.transform = `scaleX(${part.fraction})`;
    }
    const seconds = job.progress?.secondsLeft;
    write(remaining, job.state === "paused" ? t("state.paused.long") : seconds > 0.5 ? left(seconds) : job.progress?.stage ? t("time.soon") : t("time.starting"));
  };
  update(job);
  return { element, update };
}
