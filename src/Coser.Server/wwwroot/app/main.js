// Where everything meets: the store of jobs, the stream of news, the places of the page.

import { Problem, call, whenSignedOut } from "./api/api.js";
import { icon } from "./core/dom.js";
import { bytes, megapixels } from "./core/format.js";
import { language, t, translate } from "./core/text.js";
import { takeDrops } from "./home/drop.js";
import { Selection, selectionBar } from "./home/selection.js";
import { settingsPanel } from "./home/settings-panel.js";
import { sheetView } from "./home/sheet.js";
import { workView } from "./home/work.js";
import { judgeOptions } from "./model/differences.js";
import { History } from "./model/history.js";
import { JobStore, isFinal, photoOf } from "./model/jobs.js";
import { Settings } from "./model/settings.js";
import { follow } from "./model/sync.js";
import { Uploads } from "./model/uploads.js";
import { Actions } from "./shell/actions.js";
import { askForKey, openHelp } from "./shell/dialogs.js";
import { header } from "./shell/header.js";
import { handleKeys } from "./shell/keys.js";
import { announce, complain, showConnection, toast } from "./shell/notices.js";
import { followPlaces, go, photoPlace } from "./shell/router.js";
import { compareView } from "./viewer/compare.js";
import { photoView } from "./viewer/photo.js";

const startAgain = 3000;
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
document.documentElement.lang = language;
// Nothing can be dropped where there is only a finger.
if (matchMedia("(hover: none)").matches) for (const words of document.querySelectorAll("[data-touch]")) words.dataset.text = words.dataset.touch;
translate(document);
for (const control of document.querySelectorAll("[data-icon]")) control.prepend(icon(control.dataset.icon));

/** @type {import("./api/types.js").Capabilities | null} */
let capabilities = null;
/** @type {Settings | null} */
let settings = null;
/** @type {ReturnType<typeof settingsPanel> | null} */
let panel = null;
let place = { view: "" };

const store = new JobStore();
const actions = new Actions(store);
const selection = new Selection();
const history = new History(store);
const kindOf = (job) => capabilities?.models.find((model) => model.name === job.options?.model)?.kind;
const uploads = new Uploads({
  changed: () => schedule(),
  arrived: (job) => store.put(job),
  limits: () => capabilities?.limits ?? {},
});
const work = workView({ store, uploads, actions, kindOf });
const sheet = sheetView({ history, store, actions, selection });
selectionBar(selection, store, actions);

let scheduled = false;
/** Uploads tell of every few kilobytes; once a frame is enough. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    work.renderUploads();
    showEmpty();
  });
}

/** The page explains itself while there is nothing else on it. */
function showEmpty() {
  const isEmpty = history.loaded && store.all().length === 0 && uploads.entries.length === 0 && Object.values(store.counts).every((n) => n === 0);
  element("home").classList.toggle("is-empty", isEmpty);
  element("home").classList.toggle("is-loaded", history.loaded);
}

store.watch((changed) => {
  work.renderJobs();
  const isEnded = (id) => {
    const job = store.get(id);
    return !job || isFinal(job);
  };
  if ([...changed].some(isEnded)) sheet.render();
  showEmpty();
  const open = (store.counts.running ?? 0) + (store.counts.queued ?? 0);
  if (place.view === "home") document.title = open > 0 ? t("title.open", { n: open }) : t("title");
});
history.addEventListener("change", showEmpty);

const views = {
  photo: photoView(element("photo"), {
    store,
    actions,
    capabilities: () => capabilities,
    kindOf,
    neighbour: (photo, step) => {
      const photos = history.photos();
      const at = photos.findIndex((one) => one.photo === photo);
      return at < 0 ? (photos[0]?.runs[0].id ?? null) : (photos[at + step]?.runs[0].id ?? null);
    },
  }),
  compare: compareView(element("compare"), { store, actions }),
};

let homeScroll = 0;
let lastPhoto = "";
followPlaces((next) => {
  const before = place;
  if (before.view === "home") homeScroll = scrollY;
  if (before.view === "photo") lastPhoto = before.id;
  if (before.view !== next.view) {
    views[before.view]?.close();
    document.body.dataset.view = next.view;
    scrollTo({ top: 0, behavior: "instant" });
    for (const view of ["home", "photo", "compare"]) element(view).hidden = view !== next.view;
  }
  place = next;
  if (next.view === "photo") views.photo.open(next.id);
  else if (next.view === "compare") views.compare.open(next.ids);
  else {
    document.title = t("title");
    scrollTo({ top: homeScroll, behavior: "instant" });
    // Back where one came from.
    if (before.view) (element("sheet-list").querySelector(`[data-id="${CSS.escape(lastPhoto)}"] a.name`) ?? element("home-title")).focus({ preventScroll: true });
  }
});

const top = header({
  signOut: async () => {
    await call("/session", { method: "DELETE" }).catch(complain);
    location.reload();
  },
});

const drops = takeDrops((files) => {
  if (Actions.readOnly) return complain(t("reader.note"));
  uploads.add(files, settings?.options() ?? {}, settings?.values.reference === "photo" ? settings.reference : null);
  if (place.view !== "home") {
    toast(t("intake.taken", { n: files.length }), { action: { label: t("viewer.back"), act: () => go("#/") } });
  }
});

handleKeys((event) => {
  if (event.key === "?") {
    event.preventDefault();
    openHelp();
    return true;
  }
  if (place.view in views) return views[place.view].onKey(event);
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const acts = { u: drops.choose, "/": sheet.focusSearch, s: () => panel?.focus(), escape: () => selection.set([]) };
  const act = acts[event.key.toLowerCase()];
  if (!act) return false;
  event.preventDefault();
  act();
  return true;
});

/** What follows the server's news, once there is a session. @type {ReturnType<typeof follow> | null} */
let stream = null;
const news = {
  ended: (job) => {
    announce(t(`announce.${job.state}`, { name: job.name }));
    const looks = place.view === "photo" && store.get(place.id) && photoOf(store.get(place.id)) === photoOf(job);
    if (job.state === "failed" || job.state === "quarantined") toast(t("announce.failed", { name: job.name }), { kind: "bad", action: { label: t("action.show"), act: () => go(photoPlace(job.id)) } });
    else if (job.state === "done" && place.view !== "home" && !looks) toast(t("announce.done", { name: job.name }), { kind: "good", action: { label: t("action.show"), act: () => go(photoPlace(job.id)) } });
  },
  connection: showConnection,
  again: () => {
    history.reload();
    if (!capabilities) loadCapabilities().catch(() => {});
  },
};
addEventListener("offline", () => showConnection(false));

async function loadCapabilities() {
  capabilities = await call("/options");
  judgeOptions((job, option) => {
    const model = capabilities.models.find((one) => one.name === job.options.model);
    return option === "model" || (model?.controls?.includes(option) ?? true);
  });
  settings ??= new Settings(capabilities, { key: "settings" });
  panel ??= settingsPanel(settings);
  settings.addEventListener("change", () => top.showModel(capabilities, settings.model?.name));
  top.showModel(capabilities, settings.model?.name);
  const { limits = {} } = capabilities;
  const parts = [limits.bytes && t("limits.bytes", { size: bytes(limits.bytes) }), limits.pixels && t("limits.pixels", { size: megapixels(limits.pixels) })].filter(Boolean);
  element("drop-limits").textContent = [matchMedia("(hover: none)").matches ? "" : t("drop.hint"), parts.length > 0 ? t("limits.upTo", { list: parts.join(t("limits.and")) }) : ""].filter(Boolean).join(" ");
}

/** Everything from the server, if it lets us. */
async function start() {
  let session;
  try {
    session = await call("/session", { quiet: true });
  } catch {
    showConnection(false);
    setTimeout(start, startAgain);
    return;
  }
  top.showSession(session);
  document.body.dataset.role = session.role ?? "";
  Actions.readOnly = session.role === "reader";
  if (session.required && !session.signedIn) return signIn();
  showConnection(true);
  if (stream) stream.restart();
  else stream = follow(store, news);
  const results = await Promise.allSettled([loadCapabilities(), history.reload(), stream.catchUp()]);
  const problem = results.find((result) => result.status === "rejected" && !(result.reason instanceof Problem && [0, 401].includes(result.reason.status)));
  if (problem) complain(problem.reason);
}

function signIn() {
  askForKey(async (key) => {
    await call("/session", { method: "POST", json: { key }, quiet: true });
    await start();
    uploads.resume();
    // A photo's page may have been refused.
    if (place.view in views) dispatchEvent(new HashChangeEvent("hashchange"));
  });
}
whenSignedOut(signIn);
start();
