// Where one photo is looked at: two pictures with a line between them, one alone, or one laid over another.

import { h } from "../core/dom.js";
import { t } from "../core/text.js";
import { divider } from "./divider.js";
import { handleGestures } from "./gestures.js";
import { pictureLayer } from "./layer.js";

/** @typedef {import("./sources.js").Source} Source */

/**
 * @param {import("./view.js").View} view
 * @param {{sized?: (width: number, height: number) => void, broken?: (label: string) => void}} [tell]
 */
export function stage(view, tell = {}) {
  /** @type {{left: Source | null, right: Source | null, mode: "split" | "single" | "overlay"}} */
  let shown = { left: null, right: null, mode: "single" };
  let isCrisp = false;
  let opacity = 0.6;
  const left = pictureLayer({ sized: (width, height) => shown.left && !shown.left.ownShape && tell.sized?.(width, height), broken: () => tell.broken?.(shown.left?.label ?? "") });
  const right = pictureLayer({ broken: () => tell.broken?.(shown.right?.label ?? "") });
  const leftHalf = h("div", { class: "half" }, left.element);
  const rightHalf = h("div", { class: "half" }, right.element);
  const element = h("div", { class: "stage", tabIndex: 0, role: "group", "aria-label": t("stage.label") }, leftHalf, rightHalf);
  const line = divider(element, () => clip());
  element.append(line.element);

  const clip = () => {
    const at = `${line.at * 100}%`;
    const isSplit = shown.mode === "split" && shown.right !== null;
    leftHalf.style.clipPath = isSplit ? `inset(0 calc(100% - ${at}) 0 0)` : "none";
    rightHalf.style.clipPath = isSplit ? `inset(0 0 0 ${at})` : "none";
  };
  const lay = () => {
    const place = view.place();
    const crisp = isCrisp && view.scale >= 1;
    left.lay(place, crisp);
    right.lay(place, crisp);
    element.classList.toggle("can-pan", view.canPan);
  };

  handleGestures(element, view, { dragFitted: (x) => shown.mode === "split" && line.moveTo(x) });
  view.addEventListener("change", lay);
  const sizes = new ResizeObserver(() => view.setPane(element.clientWidth, element.clientHeight));
  sizes.observe(element);
  line.move(0.5);

  return {
    element,
    line,
    /** @param {typeof shown} next */
    show(next) {
      shown = next;
      left.show(next.left);
      right.show(next.mode === "single" ? null : next.right);
      const isSplit = next.mode === "split" && next.right !== null;
      line.element.hidden = !isSplit;
      rightHalf.style.opacity = next.mode === "overlay" ? String(opacity) : "1";
      element.dataset.mode = next.mode;
      line.name(next.left?.label ?? "", next.right?.label ?? "");
      clip();
      lay();
    },
    /** @param {boolean} crisp */
    setCrisp(crisp) {
      isCrisp = crisp;
      lay();
    },
    /** @param {number} value of the upper picture, in [0,1] */
    setOpacity(value) {
      opacity = value;
      if (shown.mode === "overlay") rightHalf.style.opacity = String(value);
    },
    close() {
      sizes.disconnect();
      view.removeEventListener("change", lay);
      left.show(null);
      right.show(null);
    },
  };
}
