// The place of one photo: its pictures, and everything that is known of it.

import { listJobs } from "../api/api.js";
import { button, fill, h, icon, iconButton, mark, write } from "../core/dom.js";
import { t } from "../core/text.js";
import { fileOf, photoOf } from "../model/jobs.js";
import { refresh } from "../model/sync.js";
import { go, photoPlace } from "../shell/router.js";
import { complain, toast } from "../shell/notices.js";
import { againPanel } from "./again.js";
import { inspector, missing } from "./inspector.js";
import { afterRole, beforeRole, resultSize, roleLabel, rolesOf, sourceOf } from "./sources.js";
import { stage } from "./stage.js";
import { pictureTabs, splitTab } from "./tabs.js";
import { View } from "./view.js";
import { zoomBar } from "./zoom-bar.js";

/** @typedef {import("../api/types.js").Job} Job */

/**
 * @param {HTMLElement} place
 * @param {object} tools
 * @param {import("../model/jobs.js").JobStore} tools.store
 * @param {import("../shell/actions.js").Actions} tools.actions
 * @param {() => import("../api/types.js").Capabilities | null} tools.capabilities
 * @param {(job: Job) => string | undefined} tools.kindOf
 * @param {(photo: string, step: number) => string | null} tools.neighbour id of a job of the next photo
 */
export function photoView(place, { store, actions, capabilities, kindOf, neighbour }) {
  /** @type {Job | undefined} */
  let job;
  let id = "";
  let tab = splitTab;
  /** What was chosen for each side; "": what fits. A choice is "role" or "id role" of another run. */
  let choice = { left: "", right: "" };
  let flipped = false;

  const view = new View();
  const scene = stage(view, {
    sized: (width, height) => {
      if (job && !resultSize(job)) view.setPicture(width * (job.options?.scale || 4), height * (job.options?.scale || 4));
    },
    broken: (label) => toast(t("viewer.broken", { name: label }), { kind: "bad" }),
  });
  const zoom = zoomBar(view, scene.setCrisp);
  const title = h("h1", { class: "name", tabIndex: -1 });
  const tabs = pictureTabs((name) => {
    tab = name;
    update();
  });
  const sides = { left: sideSelect("left"), right: sideSelect("right") };
  const opacity = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: "0.6", id: "overlay-opacity", onInput: () => scene.setOpacity(Number(opacity.value)) });
  const overlay = h("div", { class: "overlay-bar" }, h("label", { for: "overlay-opacity" }, t("overlay.opacity")), opacity, h("p", { class: "hint" }, t("overlay.hint")));
  const note = h("p", { class: "stage-note" });
  const details = inspector({
    actions,
    kindOf,
    again: openAgain,
    removed: (gone) => {
      const left = store.runsOf(photoOf(gone)).filter((run) => run.id !== gone.id);
      actions.remove([gone]);
      go(left.length > 0 ? photoPlace(left.at(-1).id) : "#/", { replace: true });
    },
  });
  const side = h("aside", { class: "inspector", "aria-label": t("inspector.label") }, details.element);
  const panel = h("div", { class: "stage-panel", id: "stage-panel", role: "tabpanel", "aria-label": t("tabs.panel") }, scene.element, sides.left, sides.right, overlay, note, zoom.element);
  const bar = h(
    "header",
    { class: "viewer-bar" },
    h("a", { class: "button quiet", href: "#/", title: t("viewer.back") }, icon("back"), h("span", { class: "wide-only" }, t("viewer.back"))),
    title,
    tabs.element,
    h("span", { class: "steps" }, iconButton("chevron", t("viewer.previous"), () => step(-1), { class: "button quiet icon-only turned" }), iconButton("chevron", t("viewer.next"), () => step(1), { class: "button quiet icon-only" })),
  );

  /** @param {"left" | "right"} which */
  function sideSelect(which) {
    return h("select", { class: `side side-${which}`, "aria-label": t(`side.${which}`), onChange: (event) => {
      choice = { ...choice, [which]: event.target.value };
      update();
    } });
  }

  /** @param {string} text a choice @returns {import("./sources.js").Source | null} */
  const chosen = (text) => {
    const [role, other] = text.split(" ").reverse();
    const of = other ? store.get(other) : job;
    const source = of ? sourceOf(of, role) : null;
    return source && other ? { ...source, label: t("side.ofRun", { role: source.label, n: runs().indexOf(of) + 1 }) } : source;
  };
  const runs = () => (job ? store.runsOf(photoOf(job)) : []);

  /** @param {HTMLSelectElement} select @param {string} value */
  const fillSide = (select, value) => {
    const roles = rolesOf(job);
    const others = runs().filter((run) => run.id !== job.id && fileOf(run, "result"));
    const key = roles.join() + others.map((run) => run.id).join();
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      const all = runs();
      fill(select, roles.map((role) => h("option", { value: role }, roleLabel(role))), others.length > 0 && h("optgroup", { label: t("side.others") }, others.map((run) => h("option", { value: `${run.id} result` }, t("side.ofRun", { role: roleLabel("result"), n: all.indexOf(run) + 1 })))));
    }
    select.value = value;
  };

  function update() {
    job = store.get(id);
    if (!job) return;
    const roles = rolesOf(job);
    const before = beforeRole(job);
    const after = afterRole(job);
    const canSplit = before !== null && after !== null;
    if (tab !== splitTab && !roles.includes(tab)) tab = splitTab;
    let left = choice.left && chosen(choice.left) ? choice.left : (before ?? after ?? "");
    let right = choice.right && chosen(choice.right) ? choice.right : (after ?? "");
    const isSplit = tab === splitTab && canSplit;
    tabs.update([splitTab, ...roles], tab);
    sides.left.hidden = sides.right.hidden = !isSplit;
    if (isSplit) {
      fillSide(sides.left, left);
      fillSide(sides.right, right);
    }
    const size = resultSize(job);
    if (size) view.setPicture(size.width, size.height);
    const isOverlay = tab === "matches" && roles.includes("result");
    overlay.hidden = !isOverlay;
    if (isSplit && flipped) [left, right] = [right, left];
    if (isOverlay) scene.show({ left: sourceOf(job, "result"), right: sourceOf(job, "matches"), mode: "overlay" });
    else if (isSplit) scene.show({ left: chosen(left), right: chosen(right), mode: "split" });
    else scene.show({ left: sourceOf(job, tab === splitTab ? (left || "input") : tab), right: null, mode: "single" });
    write(note, isSplit ? "" : tab === splitTab ? t(`state.${job.state}`) : t(`role.${tab}.hint`) === `role.${tab}.hint` ? "" : t(`role.${tab}.hint`));
    note.hidden = note.textContent === "" || isOverlay;
    write(title, job.name);
    document.title = t("title.photo", { name: job.name });
    if (!side.querySelector(".again")) details.update(job, runs());
    mark(place, "data-state", job.state);
  }

  function openAgain() {
    const all = capabilities();
    if (!all || !job) return;
    const panel = againPanel(job, all, {
      started: (started) => {
        store.put(started);
        closeAgain();
        go(photoPlace(started.id));
      },
      closed: () => {
        closeAgain();
        details.element.querySelector('[data-act="again"]')?.focus();
      },
    });
    fill(side, panel.element);
    panel.focus();
  }
  function closeAgain() {
    fill(side, details.element);
    update();
  }

  /** @param {number} by */
  function step(by) {
    const next = job && neighbour(photoOf(job), by);
    if (next) go(photoPlace(next), { replace: true });
  }

  const unwatch = store.watch((changed) => {
    if (id && (changed.has(id) || runs().some((run) => changed.has(run.id)))) {
      if (store.get(id)) update();
      else if (job) missing(place, t("viewer.missing"));
    }
  });

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (zoom.onKey(event)) return true;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const split = scene.element.dataset.mode === "split";
    const slide = (by) => split && scene.line.move(scene.line.at + by * (event.shiftKey ? 10 : 1));
    const acts = {
      arrowleft: () => slide(-0.01),
      arrowright: () => slide(0.01),
      j: () => step(1),
      k: () => step(-1),
      b: () => {
        if (tab === splitTab) {
          flipped = !flipped;
          update();
        }
      },
      t: () => side.querySelector('[data-act="again"]')?.click(),
      c: () => side.querySelector('[data-act="compare"]')?.click(),
      d: () => job && actions.download([job]),
      escape: () => go("#/"),
    };
    if (!Object.hasOwn(acts, event.key.toLowerCase())) return false;
    event.preventDefault();
    acts[event.key.toLowerCase()]();
    return true;
  };

  return {
    /** @param {string} next */
    async open(next) {
      const same = job && store.get(next) && photoOf(store.get(next)) === photoOf(job);
      id = next;
      tab = same ? tab : splitTab;
      choice = same ? choice : { left: "", right: "" };
      flipped = false;
      if (!same) {
        scene.show({ left: null, right: null, mode: "single" });
        view.fit();
        scene.line.move(0.5);
      }
      fill(side, details.element);
      fill(place, bar, h("div", { class: "viewer-main" }, panel, side));
      update();
      title.focus({ preventScroll: true });
      try {
        const found = await refresh(store, id);
        if (id !== next) return;
        if (!found) return missing(place, t("viewer.missing"));
        const page = await listJobs({ root: photoOf(found), limit: 50 });
        for (const run of page.jobs) if (photoOf(run) === photoOf(found)) store.put(run);
        update();
      } catch (error) {
        complain(error);
      }
    },
    close() {
      id = "";
      job = undefined;
      scene.show({ left: null, right: null, mode: "single" });
      fill(place);
    },
    onKey,
    dispose: unwatch,
  };
}
