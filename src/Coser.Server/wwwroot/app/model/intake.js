// Photos out of drops, pastes and file fields: folders are walked, what is no photo is left out of them.

const extensions = /\.(jpe?g|jfif|png|webp|tiff?|avif|gif|hei[cf])$/i;

/** @typedef {{files: File[], leftOut: number}} Intake */

/** Of a folder, only what looks like a photo; hidden files are left out. @param {File} file */
const looksLikePhoto = (file) => !file.name.startsWith(".") && (extensions.test(file.name) || /^image\/(?!svg)/.test(file.type));

/**
 * What was dropped. Files named one by one are taken whatever they are: the server says what is wrong with them.
 * @param {DataTransfer} transfer
 * @returns {Promise<Intake>}
 */
export async function fromDrop(transfer) {
  // The list is only readable during the event: entries first, waiting later.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const intake = { files: [], leftOut: 0 };
  for (const entry of entries) {
    if (entry instanceof File) intake.files.push(entry);
    else if (entry) await walk(entry, intake, false);
  }
  return intake;
}

/** @param {FileSystemEntry} entry @param {Intake} intake @param {boolean} inFolder */
async function walk(entry, intake, inFolder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)).catch(() => null);
    if (file && (!inFolder || looksLikePhoto(file))) intake.files.push(file);
    else intake.leftOut++;
    return;
  }
  if (entry.name.startsWith(".")) return;
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // A reader hands out a hundred at a time, until it has no more.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => []);
    if (some.length === 0) return;
    some.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const child of some) await walk(child, intake, true);
  }
}

/** @param {FileList} list @param {boolean} isFolder @returns {Intake} */
export function fromField(list, isFolder) {
  const all = [...list];
  const files = isFolder ? all.filter(looksLikePhoto) : all;
  return { files, leftOut: all.length - files.length };
}

/** Pictures on the clipboard; a picture without a name of its own gets the time as its name. @param {DataTransfer | null} clipboard @returns {Intake} */
export function fromPaste(clipboard) {
  const files = [...(clipboard?.files ?? [])].map((file) => {
    if (file.name && !/^image\.\w+$/i.test(file.name)) return file;
    const stamp = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
    const extension = file.type.split("/")[1]?.replace("jpeg", "jpg") || "png";
    return new File([file], `pasted ${stamp}.${extension}`, { type: file.type });
  });
  return { files, leftOut: 0 };
}
