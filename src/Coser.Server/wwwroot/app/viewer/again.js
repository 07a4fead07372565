// "Try again from here": the controls with the options of a result in them, and a button that runs them.

import { tryAgain } from "../api/api.js";
import { button, h } from "../core/dom.js";
import { t } from "../core/text.js";
import { Settings } from "../model/settings.js";
import { complain } from "../shell/notices.js";
import { settingsForm } from "../shell/settings-form.js";

/**
 * @param {import("../api/types.js").Job} job
 * @param {import("../api/types.js").Capabilities} capabilities
 * @param {{started: (job: import("../api/types.js").Job) => void, closed: () => void}} then
 */
export function againPanel(job, capabilities, { started, closed }) {
  const settings = new Settings(capabilities, { values: job.options });
  settings.keepsReference = job.options?.reference === "photo";
  const form = settingsForm(settings);
  const run = button("play", t("again.run"), async () => {
    run.disabled = true;
    try {
      started(await tryAgain(job.id, settings.options(), settings.values.reference === "photo" ? settings.reference : null));
    } catch (error) {
      complain(error);
      run.disabled = false;
    }
  }, { class: "button primary" });
  const element = h(
    "section",
    { class: "again", "aria-labelledby": "again-title" },
    h("h2", { id: "again-title", tabIndex: -1 }, t("again.title")),
    h("p", { class: "hint" }, t("again.hint")),
    form.element,
    h("div", { class: "again-actions" }, run, button("", t("dialog.no"), closed)),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      closed();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run.click();
  });
  return { element, focus: () => element.querySelector("h2").focus() };
}
