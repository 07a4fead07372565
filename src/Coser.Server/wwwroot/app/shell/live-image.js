// A picture that is replaced by a better one without a flash: the new one is decoded first, then fades in over the old.

import { h } from "../core/dom.js";

/** @param {{class?: string, alt?: string}} [how] */
export function liveImage({ class: kind = "", alt = "" } = {}) {
  const element = h("span", { class: `live ${kind}` });
  let wanted = "";
  let busy = false;

  const load = async () => {
    if (busy || !wanted) return;
    busy = true;
    const url = wanted;
    const image = h("img", { alt, draggable: "false" });
    image.src = url;
    let good = true;
    await image.decode().catch(() => (good = false));
    busy = false;
    if (good && element.dataset.shown !== url) {
      element.dataset.shown = url;
      element.append(image);
      while (element.children.length > 2) element.firstElementChild.remove();
      setTimeout(() => {
        while (element.children.length > 1) element.firstElementChild.remove();
      }, 500);
    }
    if (wanted !== url) load();
  };

  return {
    element,
    /** @param {string | null} url the newest wins; in between, some may never be shown */
    show(url) {
      if (!url || url === wanted) return;
      wanted = url;
      load();
    },
  };
}
