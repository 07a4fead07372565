// The buttons of the view: out, in, fit, the pixels, twice the pixels, crisp.

import { h, iconButton, mark, write } from "../core/dom.js";
import { percent } from "../core/format.js";
import { recall, remember } from "../core/storage.js";
import { t } from "../core/text.js";

const step = 1.25;
const panStep = 60;

/**
 * @param {import("./view.js").View} view
 * @param {(crisp: boolean) => void} setCrisp
 */
export function zoomBar(view, setCrisp) {
  let crisp = recall("crisp", false) === true;
  const reading = h("output", { class: "zoom-reading", "aria-label": t("zoom.now") });
  const preset = (label, title, act) => h("button", { type: "button", class: "button quiet", title, "aria-label": title, onClick: act }, label);
  const fit = preset(t("zoom.fit"), t("zoom.fit.long"), () => view.fit());
  const full = preset("1:1", t("zoom.full"), () => view.zoomTo(1));
  const twice = preset("2:1", t("zoom.twice"), () => view.zoomTo(2));
  const pixels = iconButton("pixels", t("zoom.crisp"), () => toggleCrisp(), { class: "button quiet icon-only" });
  const element = h(
    "div",
    { class: "zoom-bar", role: "group", "aria-label": t("zoom.group") },
    iconButton("remove", t("zoom.out"), () => view.zoomBy(1 / step), { class: "button quiet icon-only" }),
    reading,
    iconButton("add", t("zoom.in"), () => view.zoomBy(step), { class: "button quiet icon-only" }),
    fit,
    full,
    twice,
    pixels,
  );
  const update = () => {
    write(reading, percent(view.scale));
    mark(fit, "aria-pressed", String(view.isFitted));
    mark(full, "aria-pressed", String(!view.isFitted && Math.abs(view.scale - 1) < 0.005));
    mark(twice, "aria-pressed", String(!view.isFitted && Math.abs(view.scale - 2) < 0.005));
    mark(pixels, "aria-pressed", String(crisp));
  };
  const toggleCrisp = () => {
    crisp = !crisp;
    remember("crisp", crisp);
    setCrisp(crisp);
    update();
  };
  view.addEventListener("change", update);
  setCrisp(crisp);
  update();

  /** Keys of the view; true when it was one. @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const acts = {
      "+": () => view.zoomBy(step),
      "=": () => view.zoomBy(step),
      "-": () => view.zoomBy(1 / step),
      0: () => view.fit(),
      1: () => view.zoomTo(1),
      2: () => view.zoomTo(2),
      p: toggleCrisp,
    };
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key in pans && view.canPan) view.panBy(...pans[event.key].map((way) => way * (event.shiftKey ? 5 : 1) * panStep));
    else if (Object.hasOwn(acts, event.key.toLowerCase())) acts[event.key.toLowerCase()]();
    else return false;
    event.preventDefault();
    return true;
  };
  return { element, onKey };
}
