// The page's places, in the address's fragment: the sheet, a photo, several results side by side.

/**
 * @typedef {{view: "home"} | {view: "photo", id: string} | {view: "compare", ids: string[]}} Place
 */

/** @param {string} hash @returns {Place} */
export function parse(hash) {
  const [, view, rest] = /^#\/(photo|compare)\/([\w,-]+)$/.exec(hash) ?? [];
  if (view === "photo") return { view, id: rest };
  if (view === "compare") return { view, ids: rest.split(",").filter(Boolean).slice(0, 4) };
  return { view: "home" };
}

/** @param {string} id */
export const photoPlace = (id) => `#/photo/${id}`;

/** @param {string[]} ids */
export const comparePlace = (ids) => `#/compare/${ids.slice(0, 4).join(",")}`;

/** @param {string} hash @param {{replace?: boolean}} [how] replace: without a step in the history */
export function go(hash, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}

/** @param {(place: Place) => void} show */
export function followPlaces(show) {
  addEventListener("hashchange", () => show(parse(location.hash)));
  show(parse(location.hash));
}
