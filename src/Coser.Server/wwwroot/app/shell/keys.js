// Keyboard shortcuts. None works while somebody types, or while a dialog is open.

import { isTyping } from "../core/dom.js";

/** @param {(event: KeyboardEvent) => boolean} act says whether the key was one of ours */
export function handleKeys(act) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (isTyping(event)) {
      if (event.key === "Escape") /** @type {HTMLElement} */ (event.target).blur();
      return;
    }
    const target = /** @type {Element} */ (event.target);
    // Arrows belong to the control that has the focus.
    if (event.key.startsWith("Arrow") && target.closest?.("input, [role=tablist], .segments")) return;
    act(event);
  });
}
