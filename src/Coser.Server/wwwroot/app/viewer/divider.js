// The line between before and after: dragged, or moved by keys.

import { h } from "../core/dom.js";
import { percent } from "../core/format.js";
import { t } from "../core/text.js";

/**
 * @param {HTMLElement} pane
 * @param {(at: number) => void} moved at: in [0,1] of the pane's width
 */
export function divider(pane, moved) {
  let at = 0.5;
  let names = { left: "", right: "" };
  const element = h(
    "div",
    { class: "divider", role: "slider", tabIndex: 0, "aria-label": t("slider.label"), "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100 },
    h("span", { class: "divider-knob", "aria-hidden": "true" }),
  );

  const say = () => {
    element.setAttribute("aria-valuenow", String(Math.round(at * 100)));
    element.setAttribute("aria-valuetext", t("slider.value", { left: names.left, right: names.right, part: percent(at) }));
  };
  /** @param {number} to */
  const move = (to) => {
    at = Math.min(1, Math.max(0, to));
    element.style.left = `${at * 100}%`;
    say();
    moved(at);
  };
  const follow = (event) => {
    const box = pane.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && follow(event));
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = event.shiftKey ? 0.1 : 0.01;
    const to = { ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step, PageDown: at - 0.1, PageUp: at + 0.1, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(to);
  });
  return {
    element,
    move,
    get at() {
      return at;
    },
    /** @param {string} left @param {string} right */
    name(left, right) {
      names = { left, right };
      say();
    },
    /** To a place in CSS pixels from the pane's left. @param {number} x */
    moveTo: (x) => move(x / pane.clientWidth),
  };
}
