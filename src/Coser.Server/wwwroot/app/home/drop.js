// Every way in: the whole window as a target for drops, the clipboard, file and folder fields.

import { t } from "../core/text.js";
import { fromDrop, fromField, fromPaste } from "../model/intake.js";
import { isTyping } from "../core/dom.js";
import { toast } from "../shell/notices.js";

const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {(files: File[]) => void} take @returns {{choose: () => void}} */
export function takeDrops(take) {
  const files = /** @type {HTMLInputElement} */ (element("choose-files"));
  const folder = /** @type {HTMLInputElement} */ (element("choose-folder"));
  const veil = element("veil");

  /** @param {import("../model/intake.js").Intake} intake */
  const accept = (intake) => {
    if (intake.leftOut > 0) toast(t("intake.leftOut", { n: intake.leftOut }));
    if (intake.files.length > 0) take(intake.files);
    else if (intake.leftOut === 0) toast(t("intake.nothing"), { kind: "bad" });
  };

  for (const [field, isFolder] of /** @type {[HTMLInputElement, boolean][]} */ ([[files, false], [folder, true]])) {
    field.addEventListener("change", () => {
      if (field.files.length > 0) accept(fromField(field.files, isFolder));
      field.value = "";
    });
  }
  element("choose-files-button").addEventListener("click", () => files.click());
  element("choose-folder-button").addEventListener("click", () => folder.click());
  // Phones have no folders to choose.
  element("choose-folder-button").hidden = !("webkitdirectory" in folder) || matchMedia("(hover: none)").matches;

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const cover = (on) => {
    depth = on ? depth : 0;
    veil.hidden = !on;
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth++;
    cover(true);
  });
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --depth <= 0) cover(false);
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    cover(false);
    accept(await fromDrop(event.dataTransfer));
  });
  addEventListener("paste", (event) => {
    const intake = fromPaste(event.clipboardData);
    if (intake.files.length === 0 || (isTyping(event) && event.clipboardData.types.includes("text/plain"))) return;
    event.preventDefault();
    accept(intake);
  });
  return { choose: () => files.click() };
}
