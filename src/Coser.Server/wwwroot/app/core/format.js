// Numbers, sizes and times as people read them.

import { language, t } from "./text.js";

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const three = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });

/** @param {number} value */
export const number = (value) => three.format(value);

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1000) return `${whole.format(bytes)} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${(value < 10 ? one : whole).format(value)} ${units[unit]}`;
}

/** A span of time: "0.8 s", "42 s", "3 min 20 s", "2 h 5 min". @param {number} seconds */
export function span(seconds) {
  if (seconds < 10) return `${one.format(seconds)} s`;
  if (seconds < 60) return `${whole.format(seconds)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What is left, in steps that do not flicker. @param {number} seconds */
export function left(seconds) {
  const s = seconds > 90 ? Math.round(seconds / 10) * 10 : seconds > 20 ? Math.round(seconds / 5) * 5 : Math.max(1, Math.round(seconds));
  return t("time.left", { time: span(s) });
}

/** @param {string} iso */
export function when(iso) {
  const date = new Date(iso);
  return new Date().toDateString() === date.toDateString() ? t("time.today", { time: clock.format(date) }) : day.format(date);
}

/** @param {number} width @param {number} height */
export const size = (width, height) => `${width} × ${height}`;

/** @param {number} pixels */
export const megapixels = (pixels) => t("size.megapixels", { n: (pixels < 1e7 ? one : whole).format(pixels / 1e6) });

/** @param {number} fraction in [0,1] */
export const percent = (fraction) => `${Math.round(fraction * 100)} %`;
