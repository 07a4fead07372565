// The bar at the top: which model, how the theme is, help, signing out.

import { fill, h, icon, iconButton } from "../core/dom.js";
import { recall, remember } from "../core/storage.js";
import { t } from "../core/text.js";
import { openHelp } from "./dialogs.js";

const themes = ["auto", "dark", "light"];
const signs = { auto: "auto", dark: "moon", light: "sun" };

/** @param {string} theme */
function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("theme", theme === "auto" ? null : theme);
}

function themeButton() {
  let theme = themes.includes(recall("theme", "auto")) ? recall("theme", "auto") : "auto";
  const control = iconButton(signs[theme], "", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
    show();
  }, { class: "button quiet icon-only" });
  const show = () => {
    fill(control, icon(signs[theme]));
    const label = t("theme.is", { theme: t(`theme.${theme}`) });
    control.setAttribute("aria-label", label);
    control.title = label;
  };
  show();
  return control;
}

/** @param {{signOut: () => void}} how */
export function header({ signOut }) {
  const who = h("span", { class: "who", hidden: true });
  const out = iconButton("out", t("signOut"), signOut, { class: "button quiet icon-only", hidden: true });
  fill(document.getElementById("bar-tools"), who, iconButton("help", t("help"), openHelp, { class: "button quiet icon-only" }), themeButton(), out);
  return {
    /** @param {{required?: boolean, signedIn?: boolean, name?: string}} session */
    showSession(session) {
      const isIn = session.required === true && session.signedIn === true;
      who.hidden = out.hidden = !isIn;
      who.textContent = isIn ? (session.name ?? "") : "";
    },
    /** @param {import("../api/types.js").Capabilities} capabilities @param {string | undefined} model */
    showModel(capabilities, model) {
      fill(document.getElementById("brand-facts"), h("span", null, model ?? ""), h("span", { class: "wide-only" }, ` · ${capabilities.device}`));
      document.getElementById("brand-facts").title = t("version", { version: capabilities.version });
    },
  };
}
