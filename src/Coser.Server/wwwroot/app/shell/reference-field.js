// Where the reference image comes from, and the user's own one.

import { fill, h, icon, iconButton } from "../core/dom.js";
import { name, t } from "../core/text.js";

/**
 * @param {import("../model/settings.js").Settings} settings
 * @param {(option: string, id: string, content: (Node | null)[], beside?: Node | null) => HTMLElement} frame
 */
export function referenceField(settings, frame) {
  const id = `reference-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const choices = settings.choices("reference");
  const select = h("select", { id, name: "reference", "aria-describedby": `${id}-hint` }, choices.map((value) => h("option", { value }, name("reference", value))));
  select.value = settings.value("reference") ?? choices[0];
  const own = h("div", { class: "own-reference" });
  const file = h("input", { type: "file", accept: "image/*", hidden: true });
  let url = "";

  const show = () => {
    if (url) URL.revokeObjectURL(url);
    url = "";
    own.hidden = select.value !== "photo";
    if (own.hidden) return;
    const choose = h("button", { type: "button", class: "button", onClick: () => file.click() }, icon("image"), h("span", null, t("reference.choose")));
    if (!settings.reference) {
      fill(own, choose, h("span", { class: "hint" }, settings.keepsReference ? t("reference.kept") : t("reference.missing")));
      return;
    }
    url = URL.createObjectURL(settings.reference);
    const picture = h("img", { alt: t("reference.alt"), src: url, onLoad: () => URL.revokeObjectURL(url) });
    fill(own, picture, h("span", { class: "own-name" }, settings.reference.name), iconButton("cancel", t("reference.remove"), () => {
      settings.setReference(null);
      show();
      select.focus();
    }));
  };

  select.addEventListener("change", () => {
    settings.set("reference", select.value === settings.fallback("reference") ? undefined : select.value);
    show();
    if (select.value === "photo" && !settings.reference && !settings.keepsReference) file.click();
  });
  file.addEventListener("change", () => {
    if (file.files.length > 0) settings.setReference(file.files[0]);
    file.value = "";
    show();
  });
  show();
  return frame("reference", id, [select, file, own]);
}
