// The panel with the settings for the next photos: beside the sheet where there is room, folded above it where not.

import { button, fill, h, icon, write } from "../core/dom.js";
import { name as named, t } from "../core/text.js";
import { optionText } from "../model/differences.js";
import { settingsForm } from "../shell/settings-form.js";

const wide = matchMedia("(min-width: 1020px)");

/** @param {import("../model/settings.js").Settings} settings */
export function settingsPanel(settings) {
  const panel = /** @type {HTMLDetailsElement} */ (document.getElementById("settings"));
  const summary = panel.querySelector("summary");
  summary.append(icon("chevron"));
  const reset = button("retry", t("settings.reset"), () => {
    settings.reset();
    form.rebuild();
    show();
  }, { class: "button quiet" });
  const form = settingsForm(settings);
  fill(document.getElementById("settings-body"), form.element, h("div", { class: "settings-foot" }, reset, h("p", { class: "hint" }, t("settings.remembered"))));

  const show = () => {
    reset.disabled = settings.isDefault;
    const parts = [settings.model?.name, settings.has("preset") && settings.value("preset") && named("preset", settings.value("preset"))];
    for (const option of ["seed", "fidelity", "reference"]) if (settings.has(option) && settings.values[option] !== undefined) parts.push(optionText(option, settings.values[option]));
    write(document.getElementById("settings-summary"), parts.filter(Boolean).join(" · "));
  };
  const suit = () => {
    panel.open = wide.matches;
    summary.tabIndex = wide.matches ? -1 : 0;
  };
  summary.addEventListener("click", (event) => wide.matches && event.preventDefault());
  wide.addEventListener("change", suit);
  settings.addEventListener("change", show);
  suit();
  show();
  return {
    focus() {
      panel.open = true;
      panel.querySelector("select, input, textarea")?.focus();
    },
  };
}
