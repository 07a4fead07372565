// The controls of a restoration: those that the model in use has, each with a line that says what it does.

import { fill, h, icon, iconButton } from "../core/dom.js";
import { number } from "../core/format.js";
import { name, t } from "../core/text.js";
import { referenceField } from "./reference-field.js";

/** @typedef {import("../model/settings.js").Settings} Settings */

const main = ["model", "preset", "prompt", "negativePrompt", "reference", "fidelity", "colourFix", "seed"];
const output = ["scale", "format", "quality", "tile"];
const advanced = ["steps", "sampler", "guidance"];

let serial = 0;

/**
 * @param {Settings} settings
 * @returns {{element: HTMLElement, rebuild: () => void}}
 */
export function settingsForm(settings) {
  const element = h("form", { class: "settings-form", autocomplete: "off", onSubmit: (event) => event.preventDefault() });
  const opened = new Set();

  const rebuild = () => {
    const section = (key, options) => {
      const there = options.filter((option) => settings.has(option));
      if (there.length === 0) return null;
      return h(
        "details",
        { class: "fold", open: opened.has(key), onToggle: (event) => (event.currentTarget.open ? opened.add(key) : opened.delete(key)) },
        h("summary", null, icon("chevron"), h("span", null, t(`fold.${key}`)), h("span", { class: "fold-hint" }, there.map((option) => t(`short.${option}`)).join(", "))),
        h("div", { class: "fields" }, there.map((option) => field(settings, option))),
      );
    };
    fill(element, h("div", { class: "fields" }, main.filter((option) => settings.has(option)).map((option) => field(settings, option))), section("output", output), section("advanced", advanced));
  };
  settings.addEventListener("change", (event) => {
    // Another model has other controls, and another preset other steps.
    if (event.detail === "model") keepFocus(element, rebuild);
  });
  rebuild();
  return { element, rebuild };
}

/** @param {HTMLElement} root @param {() => void} act */
function keepFocus(root, act) {
  const focused = root.contains(document.activeElement) ? document.activeElement.getAttribute("name") : null;
  act();
  if (focused) root.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
}

/** @param {Settings} settings @param {string} option */
function field(settings, option) {
  switch (option) {
    case "model":
      return modelField(settings);
    case "preset":
      return segmented(settings, "preset", settings.presets.map((preset) => ({ value: preset.name, label: name("preset", preset.name), hint: preset.steps ? t("preset.steps", { n: preset.steps }) : "" })));
    case "colourFix":
      return segmented(settings, "colourFix", settings.choices("colourFix").map((value) => ({ value, label: name("colourFix", value) })));
    case "prompt":
    case "negativePrompt":
      return textField(settings, option);
    case "reference":
      return referenceField(settings, frame);
    case "fidelity":
      return rangeField(settings, option, settings.range("fidelity", [0, 1]), 0.05, (value) => number(value));
    case "scale":
      return rangeField(settings, option, settings.range("scale", [1, settings.model?.scale ?? 4]), 0.5, (value) => `${number(value)}×`);
    case "quality":
      return numberField(settings, option, settings.range("quality", [1, 100]), 1);
    case "seed":
      return seedField(settings);
    case "guidance":
      return numberField(settings, option, settings.range("guidance", [1, 20]), 0.5);
    case "tile":
      return numberField(settings, option, settings.range("tile", [0, 4096]), 16);
    case "steps":
      return numberField(settings, option, settings.range("steps", [1, 1000]), 1);
    default:
      return selectField(settings, option);
  }
}

/** Label, control and the line that explains. @param {string} option @param {string} id @param {(Node | null)[]} content @param {Node | null} [beside] */
function frame(option, id, content, beside = null) {
  return h(
    "div",
    { class: `field field-${option}` },
    h("div", { class: "field-head" }, h("label", { for: id }, t(`label.${option}`)), beside),
    content,
    h("p", { class: "hint", id: `${id}-hint` }, t(`hint.${option}`)),
  );
}

const newId = (option) => `${option}-${++serial}`;

/** @param {Settings} settings */
function modelField(settings) {
  const id = newId("model");
  const models = settings.capabilities.models;
  const chosen = settings.model;
  const hint = h("p", { class: "hint", id: `${id}-hint` }, chosen?.title ?? "");
  const options = models.map((model) => h("option", { value: model.name, disabled: !model.ready }, model.ready ? model.name : t("model.notReady", { name: model.name })));
  const select = h("select", { id, name: "model", "aria-describedby": hint.id, onChange: () => settings.set("model", select.value) }, options);
  select.value = chosen?.name ?? "";
  const missing = models.filter((model) => !model.ready && model.reason).map((model) => h("li", null, h("code", null, model.name), " ", model.reason));
  return h(
    "div",
    { class: "field" },
    h("div", { class: "field-head" }, h("label", { for: id }, t("label.model"))),
    select,
    hint,
    missing.length > 0 && h("details", { class: "why" }, h("summary", null, t("model.missing", { n: missing.length })), h("ul", null, missing)),
  );
}

/** A choice of a few, side by side. @param {Settings} settings @param {string} option @param {{value: string, label: string, hint?: string}[]} choices */
function segmented(settings, option, choices) {
  const id = newId(option);
  const current = settings.value(option);
  const radios = choices.map(({ value, label, hint }) =>
    h(
      "label",
      { class: "segment" },
      h("input", { type: "radio", name: id, value, checked: value === current, onChange: () => settings.set(option, value === settings.fallback(option) ? undefined : value) }),
      h("span", { class: "segment-label" }, label, hint && h("small", null, hint)),
    ),
  );
  return h(
    "fieldset",
    { class: "field", "aria-describedby": `${id}-hint` },
    h("legend", { class: "field-head" }, t(`label.${option}`)),
    h("div", { class: "segments" }, radios),
    h("p", { class: "hint", id: `${id}-hint` }, t(`hint.${option}`)),
  );
}

/** @param {Settings} settings @param {string} option */
function textField(settings, option) {
  const id = newId(option);
  const area = h("textarea", { id, name: option, rows: option === "prompt" ? 2 : 1, maxlength: 1000, "aria-describedby": `${id}-hint`, placeholder: t(`placeholder.${option}`), onInput: () => settings.set(option, area.value.trim()) });
  area.value = settings.values[option] ?? "";
  return frame(option, id, [area]);
}

/** @param {Settings} settings @param {string} option @param {[number, number]} range @param {number} step @param {(value: number) => string} show */
function rangeField(settings, option, [low, high], step, show) {
  const id = newId(option);
  const output = h("output", { for: id, class: "reading" });
  const input = h("input", { id, type: "range", name: option, min: low, max: high, step, "aria-describedby": `${id}-hint` });
  const say = () => {
    const value = settings.value(option);
    output.textContent = value === undefined ? t("option.unset") : show(value);
    output.classList.toggle("is-set", settings.values[option] !== undefined);
  };
  input.value = String(settings.value(option) ?? (low + high) / 2);
  input.addEventListener("input", () => {
    const value = Number(input.value);
    settings.set(option, value === settings.fallback(option) ? undefined : value);
    say();
  });
  say();
  return frame(option, id, [input], output);
}

/** @param {Settings} settings @param {string} option @param {[number, number]} range @param {number} step */
function numberField(settings, option, [low, high], step) {
  const id = newId(option);
  const input = h("input", { id, type: "number", name: option, min: low, max: high, step, inputmode: "decimal", "aria-describedby": `${id}-hint` });
  const hintAtFallback = () => input.setAttribute("placeholder", settings.fallback(option) === undefined ? t("option.unset") : number(settings.fallback(option)));
  input.value = settings.values[option] ?? "";
  input.addEventListener("input", () => {
    if (input.value === "") settings.set(option, undefined);
    else if (input.validity.valid || input.validity.stepMismatch) settings.set(option, Number(input.value));
  });
  if (option === "steps" || option === "guidance") settings.addEventListener("change", (event) => event.detail === "preset" && hintAtFallback());
  hintAtFallback();
  return frame(option, id, [input]);
}

/** @param {Settings} settings */
function seedField(settings) {
  const id = newId("seed");
  const input = h("input", { id, type: "number", name: "seed", min: 0, max: 4294967295, step: 1, inputmode: "numeric", "aria-describedby": `${id}-hint`, placeholder: String(settings.fallback("seed") ?? 42) });
  input.value = settings.values.seed ?? "";
  input.addEventListener("input", () => {
    if (input.value === "") settings.set("seed", undefined);
    else if (input.validity.valid) settings.set("seed", Number(input.value));
  });
  const dice = iconButton("dice", t("seed.dice"), () => {
    input.value = String(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);
    settings.set("seed", Number(input.value));
  });
  return frame("seed", id, [h("div", { class: "with-button" }, input, dice)]);
}

/** @param {Settings} settings @param {string} option */
function selectField(settings, option) {
  const id = newId(option);
  const fallback = settings.fallback(option);
  const unset = option === "format" ? t("format.asPhoto") : fallback ? t("option.modelsChoiceOf", { value: name(option, fallback) }) : t("option.unset");
  const select = h(
    "select",
    { id, name: option, "aria-describedby": `${id}-hint`, onChange: () => settings.set(option, select.value) },
    h("option", { value: "" }, unset),
    settings.choices(option).map((value) => h("option", { value }, name(option, value))),
  );
  select.value = settings.values[option] ?? "";
  return frame(option, id, [select]);
}
