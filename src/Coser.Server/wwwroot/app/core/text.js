// The page's words, in the reader's language. Every text is in texts/; a language may leave texts out, English fills in.

import english from "./texts/en.js";

/** @typedef {string | ((values: Record<string, any>) => string)} Text */

/** @type {Record<string, () => Promise<{default: Record<string, Text>}>>} */
const languages = { de: () => import("./texts/de.js") };

const wished = (navigator.languages ?? [navigator.language ?? "en"]).map((tag) => tag.slice(0, 2).toLowerCase());
const chosen = wished.find((tag) => tag === "en" || tag in languages) ?? "en";

/** The language in use: "en" or "de". */
export const language = chosen;

/** @type {Record<string, Text>} */
const table = chosen === "en" ? english : { ...english, ...(await languages[chosen]()).default };

/**
 * A text by its key; `{name}` stands for a value.
 * @param {string} key
 * @param {Record<string, any>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const text = table[key];
  if (text === undefined) return key;
  if (typeof text === "function") return text(values);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** True when there is a text of this key. @param {string} key */
export const has = (key) => key in table;

/** A text that may have no entry: values of the server's enumerations. @param {string} group @param {string} value */
export const name = (group, value) => (has(`${group}.${value}`) ? t(`${group}.${value}`) : value);

/** Puts the texts into the elements of the page that name theirs: data-text, data-label, data-placeholder. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.matches("button, a")) element.setAttribute("title", t(element.dataset.label));
  }
  for (const element of root.querySelectorAll("[data-placeholder]")) element.setAttribute("placeholder", t(element.dataset.placeholder));
}
