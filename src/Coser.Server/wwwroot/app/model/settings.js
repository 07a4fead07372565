// How photos are to be restored: what the user has chosen, and what the model in use makes of it.

import { recall, remember } from "../core/storage.js";

/** @typedef {import("../api/types.js").JobOptions} JobOptions */
/** @typedef {import("../api/types.js").Model} Model */
/** @typedef {import("../api/types.js").Capabilities} Capabilities */

/** The options that make runs differ, in the order they are named. */
export const optionNames = [
  "model", "preset", "steps", "sampler", "guidance", "prompt", "negativePrompt", "reference", "fidelity", "colourFix", "seed", "scale", "format",
  "quality", "tile",
];

const ofEveryModel = ["scale", "format", "quality"];

/** The choices of one form: those for the next photos, or those for trying again. */
export class Settings extends EventTarget {
  /** What the user has set himself; what is absent is the model's choice. @type {JobOptions} */
  values;
  /** The user's own reference image, to be sent along. @type {File | null} */
  reference = null;
  /** The job tried again has an own reference image that is used again. */
  keepsReference = false;
  #key;

  /**
   * @param {Capabilities} capabilities
   * @param {{key?: string, values?: JobOptions}} [from] key: remembered in this browser under this name
   */
  constructor(capabilities, from = {}) {
    super();
    this.capabilities = capabilities;
    this.#key = from.key;
    const values = from.values ?? (from.key ? recall(from.key, {}) : {});
    this.values = values && typeof values === "object" ? { ...values } : {};
    // An own reference is a file, and files are not remembered.
    if (from.key && this.values.reference === "photo") delete this.values.reference;
    if (!this.capabilities.models.some((model) => model.name === this.values.model && model.ready)) delete this.values.model;
  }

  /** @returns {Model | undefined} the model in use */
  get model() {
    const wanted = this.values.model ?? this.capabilities.model;
    return this.capabilities.models.find((model) => model.name === wanted) ?? this.capabilities.models[0];
  }

  /** True when the model listens to this option. @param {string} name */
  has(name) {
    if (name === "model") return true;
    const controls = this.model?.controls ?? ofEveryModel;
    return controls.includes(name) && (this.choices(name)?.length ?? 1) > 0;
  }

  /** The values an option can take, where they are few. @param {string} name @returns {string[] | undefined} */
  choices(name) {
    const all = this.capabilities;
    switch (name) {
      case "preset":
        return this.presets.map((preset) => preset.name);
      case "sampler":
        return all.samplers ?? [];
      case "colourFix":
        return all.colourFixes ?? [];
      case "reference":
        return all.references ?? [];
      case "format":
        return all.formats ?? [];
      default:
        return undefined;
    }
  }

  get presets() {
    return this.model?.presets ?? this.capabilities.presets ?? [];
  }

  /** What applies when nothing is set; undefined: not known. @param {string} name */
  fallback(name) {
    if (name === "steps" || name === "sampler" || name === "guidance") {
      const preset = this.presets.find((preset) => preset.name === this.value("preset"));
      if (preset?.[name] !== undefined || name === "steps") return preset?.[name];
    }
    if (name === "scale") return this.model?.defaults?.scale ?? this.model?.scale ?? this.capabilities.defaults?.scale;
    return this.model?.defaults?.[name] ?? this.capabilities.defaults?.[name];
  }

  /** What applies. @param {string} name */
  value(name) {
    return this.values[name] ?? this.fallback(name);
  }

  /** @param {string} name @param {[number, number]} fallback @returns {[number, number]} */
  range(name, fallback) {
    return this.model?.ranges?.[name] ?? this.capabilities.ranges?.[name] ?? fallback;
  }

  /** @param {string} name @param {unknown} value undefined, null and "" leave it to the model */
  set(name, value) {
    if (value === undefined || value === null || value === "") delete this.values[name];
    else this.values[name] = value;
    this.#save();
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }

  /** @param {File | null} file */
  setReference(file) {
    this.reference = file;
    this.keepsReference = false;
    this.dispatchEvent(new CustomEvent("change", { detail: "reference" }));
  }

  /** Everything is the model's choice again. */
  reset() {
    this.values = {};
    this.reference = null;
    this.#save();
    this.dispatchEvent(new CustomEvent("change", { detail: "model" }));
  }

  get isDefault() {
    return Object.keys(this.values).length === 0 && !this.reference;
  }

  /** What is sent: only what was set, and only what the model listens to. @returns {JobOptions} */
  options() {
    /** @type {JobOptions} */
    const options = {};
    for (const name of optionNames) if (this.values[name] !== undefined && this.has(name)) options[name] = this.values[name];
    if (options.reference === "photo" && !this.reference && !this.keepsReference) delete options.reference;
    return options;
  }

  #save() {
    if (this.#key) remember(this.#key, this.values);
  }
}
