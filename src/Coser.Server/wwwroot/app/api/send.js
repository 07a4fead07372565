// One photo on its way to the server, with progress; XMLHttpRequest, because fetch does not tell how much has been sent.

import { Problem, jobsUrl, signedOut } from "./api.js";

/**
 * @param {object} what
 * @param {File} what.file
 * @param {import("./types.js").JobOptions} what.options
 * @param {File | null} what.reference
 * @param {string} what.key the same for every try: the server makes one job of it
 * @param {(sent: number) => void} progress fraction in [0,1]
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Job>}
 * @throws {Problem}
 */
export function send(what, progress, signal) {
  const form = new FormData();
  form.append("options", JSON.stringify(what.options));
  if (what.reference) form.append("reference", what.reference, what.reference.name);
  form.append("photo", what.file, what.file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", jobsUrl);
    request.setRequestHeader("Idempotency-Key", what.key);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(Problem.unreachable());
    request.ontimeout = request.onerror;
    request.onabort = () => reject(new DOMException("Taken back", "AbortError"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve(JSON.parse(request.responseText));
      if (request.status === 401) signedOut();
      reject(Problem.read(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}
