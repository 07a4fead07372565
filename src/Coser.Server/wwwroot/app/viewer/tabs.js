// The row of pictures one can look at: "before and after", then each alone.

import { arrange, h, mark } from "../core/dom.js";
import { t } from "../core/text.js";
import { roleLabel } from "./sources.js";

export const splitTab = "split";

/** @param {(tab: string) => void} choose */
export function pictureTabs(choose) {
  const element = h("div", { class: "tabs", role: "tablist", "aria-label": t("tabs.label") });
  /** @type {Map<string, HTMLElement>} */
  const tabs = new Map();

  element.addEventListener("keydown", (event) => {
    const all = [...element.children];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[(to + all.length) % all.length];
    next.focus();
    next.click();
  });

  return {
    element,
    /** @param {string[]} names @param {string} current */
    update(names, current) {
      for (const name of names) {
        if (tabs.has(name)) continue;
        tabs.set(name, h("button", { type: "button", class: "tab", role: "tab", "aria-controls": "stage-panel", "data-tab": name, onClick: () => choose(name) }, name === splitTab ? t("tabs.split") : roleLabel(name)));
      }
      arrange(element, names.map((name) => tabs.get(name)));
      for (const [name, tab] of tabs) {
        mark(tab, "aria-selected", String(name === current));
        tab.tabIndex = name === current ? 0 : -1;
      }
    },
  };
}
