// Elements without HTML strings: whatever comes from a job or a file name can only ever become text.

import { paths } from "./icons.js";

const svgNamespace = "http://www.w3.org/2000/svg";
const properties = new Set(["value", "checked", "disabled", "hidden", "open", "indeterminate", "multiple", "tabIndex", "htmlFor"]);

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any> | null} [given] attributes; functions named on… listen; null, undefined and false are left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, given, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (typeof value === "function" && name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (properties.has(name)) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} parent @param {(Child | Child[])[]} children */
function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what an element holds. @param {Element} parent @param {...(Child | Child[])} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/** Writes text where it differs, so that screen readers and layout are left in peace. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or removes an attribute where it differs. @param {Element} element @param {string} name @param {string | number | boolean | null} value */
export function mark(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** A drawn sign; it says nothing to screen readers. @param {string} name a key of icons.js */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(svgNamespace, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with a sign alone; its label is read aloud and shown as a tooltip.
 * @param {string} sign @param {string} label @param {(event: MouseEvent) => void} act @param {Record<string, any>} [more]
 */
export function iconButton(sign, label, act, more) {
  return h("button", { type: "button", class: "button icon-only", title: label, "aria-label": label, onClick: act, ...more }, icon(sign));
}

/** @param {string} sign @param {string} label @param {(event: MouseEvent) => void} act @param {Record<string, any>} [more] */
export function button(sign, label, act, more) {
  return h("button", { type: "button", class: "button", onClick: act, ...more }, sign && icon(sign), h("span", null, label));
}

/**
 * Keeps the children of a list in step with keys: elements are moved only where the order differs.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  let at = parent.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

/** True where a key press belongs to a field the user is typing in. @param {Event} event */
export function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest?.("textarea, select, [contenteditable]")) return true;
  const input = target.closest?.("input");
  return !!input && !["checkbox", "radio", "range", "button", "file"].includes(input.type);
}
