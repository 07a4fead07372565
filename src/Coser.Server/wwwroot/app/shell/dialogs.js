// Dialogs: native ones, which keep the focus inside and give it back.

import { h, icon, iconButton } from "../core/dom.js";
import { t } from "../core/text.js";

/**
 * @param {string} title
 * @param {(Node | string | null | false)[]} content
 * @param {{class?: string, closable?: boolean}} [how]
 */
export function openDialog(title, content, { class: kind = "", closable = true } = {}) {
  const id = `dialog-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const dialog = h(
    "dialog",
    { class: `dialog ${kind}`, "aria-labelledby": id },
    h("div", { class: "dialog-head" }, h("h2", { id }, title), closable && iconButton("cancel", t("dialog.close"), () => dialog.close())),
    ...content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("cancel", (event) => !closable && event.preventDefault());
  if (closable) dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {{title: string, text: string, yes: string}} question @returns {Promise<boolean>} */
export function confirm({ title, text, yes }) {
  return new Promise((resolve) => {
    const dialog = openDialog(title, [
      h("p", null, text),
      h(
        "div",
        { class: "dialog-actions" },
        h("button", { type: "button", class: "button", onClick: () => dialog.close() }, t("dialog.no")),
        h("button", { type: "button", class: "button primary", autofocus: true, onClick: () => dialog.close("yes") }, yes),
      ),
    ]);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    dialog.querySelector(".primary").focus();
  });
}

/** @type {HTMLDialogElement | null} */
let signIn = null;

/**
 * Asks for a key until one fits.
 * @param {(key: string) => Promise<void>} tryKey throws what is wrong
 */
export function askForKey(tryKey) {
  if (signIn) return;
  const wrong = h("p", { class: "form-error", role: "alert" });
  const field = h("input", { id: "key", type: "password", name: "key", autocomplete: "current-password", required: true, "aria-describedby": "key-hint" });
  const go = h("button", { type: "submit", class: "button primary" }, t("signIn.go"));
  const form = h(
    "form",
    { class: "sign-in" },
    h("p", { class: "hint", id: "key-hint" }, t("signIn.hint")),
    h("label", { for: "key" }, t("signIn.key")),
    field,
    wrong,
    h("div", { class: "dialog-actions" }, go),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.textContent = "";
    try {
      await tryKey(field.value);
      signIn?.close();
    } catch (error) {
      wrong.replaceChildren(icon("alert"), " ", error.message);
      field.select();
    } finally {
      go.disabled = false;
    }
  });
  signIn = openDialog(t("signIn.title"), [form], { closable: false });
  signIn.addEventListener("close", () => (signIn = null));
  field.focus();
}

const shortcuts = {
  page: [["?", "help"], ["U", "choose"], ["Ctrl V", "paste"], ["/", "search"], ["S", "settings"], ["← ↑ ↓ →", "move"], ["Enter", "open"], ["X", "select"], ["Del", "delete"], ["Esc", "clear"]],
  viewer: [["← →", "slide"], ["← ↑ ↓ →", "pan"], ["+ −", "zoom"], ["0 1 2", "zoomTo"], ["J K", "next"], ["B", "flip"], ["P", "crisp"], ["T", "again"], ["C", "compare"], ["D", "download"], ["Esc", "back"]],
};

/** Which keys do what. */
export function openHelp() {
  const list = (group) =>
    h("section", null, h("h3", null, t(`keys.${group}`)), h("dl", { class: "keys" }, shortcuts[group].map(([keys, action]) => [h("dt", null, keys.split(" ").map((key) => h("kbd", null, key))), h("dd", null, t(`key.${action}`))])));
  openDialog(t("keys.title"), [h("div", { class: "keys-columns" }, list("page"), list("viewer"))], { class: "wide" });
}
