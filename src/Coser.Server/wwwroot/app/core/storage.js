// What the page remembers in this browser. Where storage is off or full, it forgets, and nothing breaks.

const prefix = "coser.";

/**
 * @template T
 * @param {string} key
 * @param {T} fallback for when nothing usable is stored
 * @returns {T}
 */
export function recall(key, fallback) {
  try {
    const text = localStorage.getItem(prefix + key);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

/** @param {string} key @param {unknown} value null or undefined forgets it */
export function remember(key, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(prefix + key);
    else localStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // Forgotten, then.
  }
}
