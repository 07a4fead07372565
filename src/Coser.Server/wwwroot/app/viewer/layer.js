// A picture in a pane: first as large as needed now, sharper as one zooms in; the sharper one is decoded before it is shown.

import { h } from "../core/dom.js";

/** @typedef {import("./sources.js").Source} Source */

const steps = [256, 1024, 2048, 4096];
const settle = 120;

/**
 * @param {{sized?: (width: number, height: number) => void, broken?: () => void}} [tell] sized: pixels of what is shown
 */
export function pictureLayer(tell = {}) {
  const element = h("div", { class: "layer" });
  /** @type {Source | null} */
  let source = null;
  let shownKey = "";
  let shownUrl = "";
  /** Longest side that has been asked for; Infinity: there is nothing better. */
  let asked = 0;
  let needed = 0;
  let timer = 0;
  let turn = 0;

  /** @param {string} url @param {number} size */
  const load = async (url, size) => {
    const mine = ++turn;
    asked = size;
    element.classList.add("is-loading");
    const image = h("img", { alt: "", draggable: "false" });
    image.src = url;
    const key = source.key;
    try {
      await image.decode();
    } catch {
      if (mine === turn && source?.key === key) {
        element.classList.remove("is-loading");
        // A preview may be gone when its job has ended; what is shown stays.
        if (shownKey !== key) tell.broken?.();
      }
      return;
    }
    if (source?.key !== key || (mine !== turn && shownKey === key)) return;
    if (mine === turn) element.classList.remove("is-loading");
    if (!source.still && size !== Infinity && Math.max(image.naturalWidth, image.naturalHeight) < size * 0.98) asked = Infinity;
    const blends = shownKey === key;
    shownKey = key;
    shownUrl = url;
    element.classList.toggle("own-shape", source.ownShape === true);
    image.classList.toggle("blend", blends);
    element.append(image);
    if (blends) setTimeout(() => keep(image), 450);
    else keep(image);
    tell.sized?.(image.naturalWidth, image.naturalHeight);
  };

  /** @param {HTMLImageElement} image */
  const keep = (image) => {
    if (image.parentNode !== element) return;
    while (element.firstElementChild !== image) element.firstElementChild.remove();
  };

  const better = () => {
    if (!source || source.still) return;
    const step = steps.find((size) => size >= needed * 0.92) ?? steps.at(-1);
    if (needed > steps.at(-1) * 1.1 && source.whole && (source.longest ?? 0) > steps.at(-1) && asked < 1e9) load(source.whole, Infinity);
    else if (step > asked) load(source.view(step), step);
  };

  return {
    element,
    /** @param {Source | null} next */
    show(next) {
      if (!next) {
        source = null;
        shownKey = shownUrl = "";
        turn++;
        element.replaceChildren();
        return;
      }
      const isOther = next.key !== source?.key;
      source = next;
      if (next.still) {
        if (next.still !== shownUrl) load(next.still, 0);
      } else if (isOther) {
        asked = 0;
        better();
      }
    },
    /** @param {{left: number, top: number, width: number, height: number}} place @param {boolean} crisp */
    lay(place, crisp) {
      const { style } = element;
      style.width = `${place.width}px`;
      style.height = `${place.height}px`;
      style.transform = `translate(${place.left}px, ${place.top}px)`;
      element.classList.toggle("crisp", crisp);
      needed = Math.max(place.width, place.height) * devicePixelRatio;
      clearTimeout(timer);
      if (asked === 0) better();
      else timer = setTimeout(better, settle);
    },
  };
}
