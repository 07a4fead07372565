// What the page says by itself: short messages at the edge, words for screen readers, a banner when the server is gone.

import { fill, h, icon, iconButton } from "../core/dom.js";
import { t } from "../core/text.js";

const shown = 6000;
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A message that goes away by itself, unless the pointer or the focus is on it.
 * @param {string} text
 * @param {{kind?: "good" | "bad" | "plain", action?: {label: string, act: () => void}}} [how]
 */
export function toast(text, { kind = "plain", action } = {}) {
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    note.remove();
  };
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(close, kind === "bad" ? 2 * shown : shown);
  };
  const note = h(
    "div",
    { class: `toast toast-${kind}`, onPointerEnter: () => clearTimeout(timer), onPointerLeave: start, onFocusIn: () => clearTimeout(timer), onFocusOut: start },
    kind !== "plain" && icon(kind === "bad" ? "alert" : "check"),
    h("p", null, text),
    action &&
      h("button", { type: "button", class: "link", onClick: () => {
        close();
        action.act();
      } }, action.label),
    iconButton("cancel", t("dialog.close"), close),
  );
  const stack = element("toasts");
  stack.append(note);
  while (stack.children.length > 4) stack.firstElementChild.remove();
  start();
  return close;
}

/** A problem, told. @param {unknown} error */
export function complain(error) {
  if (error?.name === "AbortError" || error?.status === 401) return;
  toast(error instanceof Error ? error.message : String(error), { kind: "bad" });
}

let pending = [];

/** Says something to screen readers alone; what comes within a second is said together. @param {string} text */
export function announce(text) {
  pending.push(text);
  if (pending.length > 1) return;
  setTimeout(() => {
    const all = pending;
    pending = [];
    element("announcer").textContent = all.length > 3 ? t("announce.many", { n: all.length, last: all.at(-1) }) : all.join(". ");
  }, 1000);
}

let bannerTimer = 0;

/** @param {boolean} connected */
export function showConnection(connected) {
  const banner = element("banner");
  clearTimeout(bannerTimer);
  document.body.dataset.connected = String(connected);
  if (connected) {
    banner.hidden = true;
    return;
  }
  // A stream that comes back at once is nobody's business.
  bannerTimer = setTimeout(() => {
    fill(banner, icon("alert"), h("span", null, navigator.onLine ? t("banner.server") : t("banner.offline")));
    banner.hidden = false;
  }, 1500);
}
