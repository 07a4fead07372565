// Several results of a photo side by side, two to four, with zoom and pan in step; under each, what sets it apart.

import { button, fill, h, icon, mark } from "../core/dom.js";
import { span } from "../core/format.js";
import { t } from "../core/text.js";
import { differing, distinction, optionText } from "../model/differences.js";
import { fileOf, photoOf } from "../model/jobs.js";
import { refresh } from "../model/sync.js";
import { comparePlace, go, photoPlace } from "../shell/router.js";
import { complain } from "../shell/notices.js";
import { handleGestures } from "./gestures.js";
import { missing } from "./inspector.js";
import { pictureLayer } from "./layer.js";
import { resultSize, sourceOf } from "./sources.js";
import { View } from "./view.js";
import { zoomBar } from "./zoom-bar.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {HTMLElement} place
 * @param {{store: import("../model/jobs.js").JobStore, actions: import("../shell/actions.js").Actions}} tools
 */
export function compareView(place, { store, actions }) {
  const view = new View();
  /** @type {{layer: ReturnType<typeof pictureLayer>, element: HTMLElement}[]} */
  let panes = [];
  let crisp = false;
  let ids = [];
  let turn = 0;
  const lay = () => {
    const at = view.place();
    for (const { layer, element } of panes) {
      layer.lay(at, crisp && view.scale >= 1);
      element.classList.toggle("can-pan", view.canPan);
    }
  };
  const zoom = zoomBar(view, (on) => {
    crisp = on;
    lay();
  });
  view.addEventListener("change", lay);
  const sizes = new ResizeObserver(() => panes[0] && view.setPane(panes[0].element.clientWidth, panes[0].element.clientHeight));

  /** @param {Job[]} jobs */
  const draw = (jobs) => {
    const isOnePhoto = new Set(jobs.map(photoOf)).size === 1;
    const title = isOnePhoto ? jobs[0].name : t("compare.photos", { n: jobs.length });
    const options = differing(jobs);
    const figures = jobs.map((job, i) => {
      const layer = pictureLayer();
      const element = h("div", { class: "stage pane", tabIndex: 0, role: "img", "aria-label": t("compare.pane", { n: i + 1, what: isOnePhoto ? distinction(job, jobs) : job.name }) }, layer.element);
      handleGestures(element, view);
      panes.push({ layer, element });
      return h(
        "figure",
        { class: "compare-figure" },
        element,
        h(
          "figcaption",
          null,
          h("a", { class: "name", href: photoPlace(job.id) }, isOnePhoto ? t("runs.number", { n: store.runsOf(photoOf(job)).indexOf(job) + 1 }) : job.name),
          isOnePhoto && options.length > 0 ? h("ul", { class: "differences" }, options.map((option) => h("li", null, optionText(option, job.options?.[option])))) : h("span", { class: "facts" }, distinction(job, [job])),
          job.outcome && h("span", { class: "facts" }, span(job.outcome.seconds)),
          h("span", { class: "pane-actions" }, button("download", t("action.download"), () => actions.download([job]), { class: "button quiet" }), jobs.length > 2 && button("cancel", t("compare.drop"), () => go(comparePlace(ids.filter((id) => id !== job.id)), { replace: true }), { class: "button quiet" })),
        ),
      );
    });
    const size = jobs.map(resultSize).filter((one) => one !== null).sort((a, b) => b.width * b.height - a.width * a.height)[0];
    if (size) view.setPicture(size.width, size.height);
    const back = isOnePhoto ? photoPlace(jobs.at(-1).id) : "#/";
    const heading = h("h1", { class: "name", tabIndex: -1 }, title);
    fill(
      place,
      h("header", { class: "viewer-bar" }, h("a", { class: "button quiet", href: back, title: t("compare.back") }, icon("back"), h("span", { class: "wide-only" }, t("compare.back"))), heading, h("span", { class: "facts wide-only" }, isOnePhoto ? t("compare.runs", { n: jobs.length }) : ""), zoom.element),
      h("div", { class: `compare-grid panes-${jobs.length}` }, figures),
    );
    for (const [i, job] of jobs.entries()) panes[i].layer.show(sourceOf(job, "result"));
    sizes.observe(panes[0].element);
    view.fit();
    lay();
    document.title = t("title.compare", { name: title });
    heading.focus({ preventScroll: true });
  };

  return {
    /** @param {string[]} wanted */
    async open(wanted) {
      const mine = ++turn;
      this.close(false);
      ids = wanted;
      mark(place, "aria-busy", "true");
      const jobs = [];
      try {
        for (const id of wanted) {
          const job = store.get(id) ?? (await refresh(store, id));
          if (job && fileOf(job, "result")) jobs.push(job);
        }
      } catch (error) {
        complain(error);
      }
      if (mine !== turn) return;
      mark(place, "aria-busy", null);
      if (jobs.length < 2) missing(place, t("compare.missing"));
      else draw(jobs);
    },
    close(leaving = true) {
      if (leaving) turn++;
      sizes.disconnect();
      for (const { layer } of panes) layer.show(null);
      panes = [];
      fill(place);
    },
    /** @param {KeyboardEvent} event */
    onKey(event) {
      if (zoom.onKey(event)) return true;
      if (event.key !== "Escape") return false;
      place.querySelector(".viewer-bar a")?.click();
      return true;
    },
  };
}
