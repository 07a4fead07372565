// Beside the picture: what the job is, what it was asked, what can be done with it, and its other runs.

import { viewUrl } from "../api/api.js";
import { button, fill, h, icon, mark } from "../core/dom.js";
import { bytes, left, megapixels, size, span, when } from "../core/format.js";
import { name as named, t } from "../core/text.js";
import { distinction, optionsOf, valueText } from "../model/differences.js";
import { faceOf, fileOf, isFinal } from "../model/jobs.js";
import { stageProgress } from "../model/stages.js";
import { Actions } from "../shell/actions.js";
import { comparePlace, go, photoPlace } from "../shell/router.js";
import { roleLabel } from "./sources.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {object} tools
 * @param {Actions} tools.actions
 * @param {(job: Job) => string | undefined} tools.kindOf
 * @param {() => void} tools.again
 * @param {(job: Job) => void} tools.removed
 */
export function inspector({ actions, kindOf, again, removed }) {
  const progress = h("div");
  const rest = h("div");
  const element = h("div", { class: "inspector-body" }, progress, rest);
  let drawn = "";
  let progressDrawn = "";

  /** @param {Job} job @param {Job[]} runs */
  const update = (job, runs) => {
    const now = `${job.id} ${job.revision}`;
    if (now !== progressDrawn) fill(progress, state(job));
    progressDrawn = now;
    // Steps come several times a second; buttons must not be replaced under a finger.
    const key = job.id + runs.map((run) => [run.id, run.state, run.files?.length, run.attempts].join()).join(";");
    if (key === drawn) return;
    drawn = key;
    // Somebody may be on a button here: it comes back under the same name.
    const focused = rest.contains(document.activeElement) ? document.activeElement.getAttribute("data-act") : null;
    const folds = new Map([...rest.querySelectorAll("details")].map((fold) => [fold.dataset.fold, fold.open]));
    fill(rest, verbs(job, runs), runs.length > 1 && runList(job, runs), facts(job), options(job), files(job));
    for (const fold of rest.querySelectorAll("details")) fold.open = folds.get(fold.dataset.fold) ?? fold.open;
    if (focused) rest.querySelector(`[data-act="${focused}"]`)?.focus();
  };

  /** @param {Job} job */
  const state = (job) => {
    if (job.state === "done") return null;
    if (isFinal(job))
      return h("div", { class: `verdict verdict-${job.state}` }, icon(job.state === "cancelled" ? "cancel" : "alert"), h("div", null, h("strong", null, named("state", job.state)), job.reason && h("p", null, job.reason)));
    const seconds = job.progress?.secondsLeft;
    return h(
      "div",
      { class: "progress-block", "data-state": job.state },
      h(
        "ol",
        { class: "steps-list" },
        stageProgress(job, kindOf(job)).map((part) => {
          const bar = h("span", { class: "step-fill" });
          bar.style.transform = `scaleX(${part.fraction})`;
          return h("li", { class: "step", "data-state": part.state, "aria-current": part.state === "now" ? "step" : null }, h("span", { class: "step-name" }, named("stage", part.stage)), h("span", { class: "step-count" }, part.state === "now" && job.progress.steps > 1 ? `${job.progress.step} / ${job.progress.steps}` : part.state === "done" ? "✓" : ""), h("span", { class: "step-bar" }, bar));
        }),
      ),
      h("p", { class: "remaining" }, job.state === "queued" ? t("state.queued.long") : job.state === "paused" ? t("state.paused.long") : seconds > 0.5 ? left(seconds) : job.progress?.stage ? t("time.soon") : t("time.starting")),
    );
  };

  /** @param {Job} job @param {Job[]} runs */
  const verbs = (job, runs) => {
    const can = Actions.possible(job);
    const result = fileOf(job, "result");
    const results = runs.filter((run) => fileOf(run, "result"));
    const act = (show, key, sign, label, run, kind = "button") => show && button(sign, label, run, { class: kind, "data-act": key });
    return h(
      "div",
      { class: "verbs" },
      act(can.download, "download", "download", result ? t("action.download.size", { size: bytes(result.bytes) }) : "", () => actions.download([job]), "button primary"),
      act(can.resume, "resume", "play", t("action.resume"), () => actions.steer(job, "resume"), "button primary"),
      act(can.pause, "pause", "pause", t("action.pause"), () => actions.steer(job, "pause")),
      act(can.cancel, "cancel", "cancel", t("action.cancel"), () => actions.cancel(job)),
      act(can.retry, "retry", "retry", t("action.retry"), () => actions.steer(job, "retry"), "button primary"),
      act(can.again, "again", "sliders", t("action.again"), again),
      act(results.length > 1, "compare", "compare", t("action.compareRuns", { n: Math.min(4, results.length) }), () => go(comparePlace(newestFour(results, job).map((run) => run.id)))),
      act(can.remove, "remove", "trash", t("action.delete"), () => removed(job), "button quiet"),
    );
  };

  return { element, update };
}

/** At most four of the runs, this one among them. @param {Job[]} runs @param {Job} job */
function newestFour(runs, job) {
  const others = runs.filter((run) => run !== job).slice(-3);
  return runs.filter((run) => run === job || others.includes(run));
}

/** @param {Job} job @param {Job[]} runs */
function runList(job, runs) {
  return h(
    "section",
    { class: "block" },
    h("h2", null, t("runs.title")),
    h(
      "ol",
      { class: "runs" },
      runs.map((run, i) => {
        const face = faceOf(run);
        return h(
          "li",
          null,
          h(
            "a",
            { href: photoPlace(run.id), class: "run", "aria-current": run.id === job.id ? "true" : null },
            h("span", { class: "thumb" }, face && h("img", { src: viewUrl(face, 256), alt: "", decoding: "async" })),
            h("span", { class: "row-text" }, h("span", { class: "name" }, t("runs.number", { n: i + 1 })), h("span", { class: "facts" }, run.state === "done" ? distinction(run, runs) : named("state", run.state))),
          ),
        );
      }),
    ),
  );
}

/** @param {(readonly [string, string | undefined | null | false])[]} pairs */
const list = (pairs) => h("dl", { class: "pairs" }, pairs.filter(([, value]) => value).map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));

/** @param {string} key @param {string} title @param {(Node | null | false)[]} content @param {boolean} [open] */
const fold = (key, title, content, open = false) => h("details", { class: "block fold", "data-fold": key, open }, h("summary", null, icon("chevron"), h("span", null, title)), ...content);

/** @param {Job} job */
function facts(job) {
  const { outcome } = job;
  const longest = outcome ? Math.max(...outcome.stages.map((stage) => stage.seconds), 0.001) : 1;
  return h(
    "section",
    { class: "block" },
    h("h2", null, t("facts.title")),
    list([
      [t("facts.photo"), job.width && `${size(job.width, job.height)}`],
      [t("facts.result"), outcome && `${size(outcome.width, outcome.height)} · ${megapixels(outcome.width * outcome.height)}`],
      [t("facts.created"), when(job.created)],
      [t("facts.owner"), job.owner !== "local" && job.owner],
      [t("facts.time"), outcome && span(outcome.seconds)],
      [t("facts.device"), outcome && `${outcome.device}${outcome.precision ? ` · ${outcome.precision}` : ""}`],
      [t("facts.memory"), outcome?.peakMemory > 0 && bytes(outcome.peakMemory)],
      [t("facts.attempts"), job.attempts > 1 && String(job.attempts)],
    ]),
    outcome?.stages.length > 1 &&
      h(
        "ul",
        { class: "timings", "aria-label": t("facts.stages") },
        outcome.stages.map(({ stage, seconds }) => {
          const bar = h("span", { class: "timing-bar" });
          bar.style.width = `${(seconds / longest) * 100}%`;
          return h("li", null, h("span", null, named("stage", stage)), h("span", { class: "timing-track" }, bar), h("span", { class: "facts" }, span(seconds)));
        }),
      ),
    outcome?.notes.length > 0 && h("ul", { class: "notes" }, outcome.notes.map((note) => h("li", null, note))),
  );
}

/** @param {Job} job */
function options(job) {
  return fold("options", t("options.title"), [list(optionsOf(job).map((option) => [t(`label.${option}`), valueText(option, job.options[option])]))], true);
}

/** @param {Job} job */
function files(job) {
  if (!job.files?.length) return null;
  const items = job.files.map((file) => h("li", null, h("a", { href: file.url, download: file.name, title: file.name }, roleLabel(file.role)), h("span", { class: "facts" }, bytes(file.bytes))));
  return fold("files", t("files.title"), [h("ul", { class: "file-list" }, items)]);
}

/** Where the viewer says what it could not find. @param {HTMLElement} place @param {string} text */
export function missing(place, text) {
  fill(place, h("div", { class: "missing" }, icon("image"), h("p", null, text), h("a", { class: "button", href: "#/" }, t("viewer.back"))));
  mark(place, "aria-busy", null);
}
