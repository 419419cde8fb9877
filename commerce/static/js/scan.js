/* Scanning: a hand scanner is a keyboard that types fast and ends with Enter; a phone has a camera; a person may type.

   <form class="scan" data-scan action="…" method="post" hx-post="…" hx-target="#…" hx-swap="…">
     <input data-scan-input name="text">   <button data-scan-camera hidden>…</button>
   </form>

   data-scan            Enter sends the text, empties the field at once, and sends scans one after the other in their order.
                        Each scan carries a `scan_id` (a UUID, the same on every repeat), `scanned_at`, and `sent_at`: both by
                        the device's clock, so that the server sees how wrong that is.
   form.alsoSend = fn   what else each scan of this form carries, asked when it is taken: an object of plain values.
   kontor.scan(form, text, values) takes a scan as if it had come from the field; kontor.keptScans() lists those kept.
   data-scan-offline    without a connection scans are kept on the device and replayed once, in order, when it is back;
                        the event `kontor:replayed` on <body> then lets fragments renew themselves; `kontor:scan-kept`
                        on the document lets a page judge a kept scan by what it knows. A device that can keep no more says so.
   Without data-scan on the page, a scan goes to the search field of the top bar.
   data-scan-guard      on other inputs of such a page: a scan that lands there doesn't become its value.
   While a dialog is open (a hard stop), scans are refused with the stop sound. */
"use strict";

(() => {
  const BETWEEN_KEYS = 60; // ms on the average; hands are slower than 100 ms, scanners faster than 30 ms
  const PAUSE = 250; // ms without a key; what comes then is another hand, or another scan
  const SHORTEST = 6; // characters; shorter bursts are somebody typing
  const LONGEST_NUMBER = 7; // digits; the shortest barcode, GTIN-8, has one more
  const MOST_KEPT = 5000; // about a megabyte of the five that a browser keeps
  const TRY_AGAIN = 5000;
  const user = document.body.dataset.user || "";
  const KEPT = `kontor.scans.${user}`; // another person on this device never sends these in their name

  const kept = () => { try { return JSON.parse(kontor.remembered(KEPT) || "[]"); } catch { return []; } };
  const keep = (scans) => { kontor.remember(KEPT, JSON.stringify(scans)); kontor.scansWaiting(scans.length); };
  const isStopped = () => Boolean(document.querySelector("dialog[open]"));
  const isBurst = (keys, start, end) => keys.length >= SHORTEST && end - start <= keys.length * BETWEEN_KEYS;
  const field = () => document.querySelector("[data-scan] [data-scan-input]");
  const uuid = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

  /* --- sending, one after the other --- */
  let line = Promise.resolve();
  function take(form, text, values) {
    const also = { ...form.alsoSend?.(), ...values };
    const scan = { url: form.getAttribute("hx-post") || form.action, id: uuid(), at: new Date().toISOString(), text, also };
    line = line.then(() => send(form, scan)).catch(() => {});
    return line;
  }
  async function send(form, scan) {
    const input = form.querySelector("[data-scan-input]") || field();
    const name = input?.name || "text";
    const isKept = form.hasAttribute("data-scan-offline");
    if (isKept && (kept().length || !navigator.onLine)) return keepScan(scan, name);
    const source = form.isConnected ? form : document.querySelector("[data-scan]");
    if (!source) return undefined;
    try {
      await htmx.ajax("POST", scan.url, {
        source,
        target: source.getAttribute("hx-target") || undefined,
        swap: source.getAttribute("hx-swap") || undefined,
        values: fields({ ...scan, name }),
      });
    } catch {
      if (isKept) return keepScan(scan, name);
      if (input?.isConnected && !input.value) input.value = scan.text; // nothing is lost
      kontor.toast(kontor.word("noConnection"), "bad");
    }
    return undefined;
  }
  const fields = (scan) => ({ ...scan.also, [scan.name]: scan.text, scan_id: scan.id, scanned_at: scan.at, sent_at: new Date().toISOString() });
  function keepScan(scan, name) {
    const scans = kept();
    if (scans.length < MOST_KEPT) keep([...scans, { ...scan, name }]);
    if (kept().length === scans.length) { // full, or a browser that keeps nothing: rather stop than lose what comes
      kontor.sound("stop");
      return kontor.toast(kontor.word("scanNotKept"), "bad");
    }
    document.dispatchEvent(new CustomEvent("kontor:scan-kept", { detail: { url: scan.url, text: scan.text } }));
    if (!scans.length) kontor.toast(kontor.word("scanKept"), "warn"); // once; the mark in the top bar counts on
    return undefined;
  }

  /* --- replay: in order, by one tab at a time; the server knows a scan_id it has seen --- */
  let isReplaying = false;
  async function replay() {
    if (isReplaying || !kept().length || !navigator.onLine) return;
    isReplaying = true;
    const work = async (lock) => { if (lock !== null) await replayAll(); };
    try {
      await (navigator.locks ? navigator.locks.request(KEPT, { ifAvailable: true }, work) : work());
    } finally {
      isReplaying = false;
    }
  }
  async function replayAll() {
    let sent = 0, refused = 0;
    while (kept().length) {
      const [scan] = kept();
      let response;
      try {
        response = await fetch(scan.url, {
          method: "POST",
          headers: { "X-CSRFToken": kontor.csrf(), "HX-Request": "true", "X-Kontor-Replay": "true" },
          body: new URLSearchParams(fields(scan)),
          redirect: "manual",
        });
      } catch {
        break; // still offline
      }
      const mustWait = response.type === "opaqueredirect" || response.headers.has("HX-Redirect") || [401, 408, 429].includes(response.status) || response.status >= 500;
      if (mustWait) break;
      kontor.answered();
      response.ok ? (sent += 1) : (refused += 1);
      keep(kept().filter((one) => one.id !== scan.id)); // others may have been kept while this one was on its way
    }
    if (sent) kontor.toast(kontor.word("scansSent", sent), "ok");
    if (refused) { kontor.toast(kontor.word("scanRefused", refused), "bad"); kontor.sound("stop"); }
    if (sent || refused) htmx.trigger(document.body, "kontor:replayed", { sent, refused });
  }

  /* --- the field --- */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-scan]") || !form.hasAttribute("hx-post")) return;
    const input = form.querySelector("[data-scan-input]");
    const isScan = !event.submitter || event.submitter.hasAttribute("data-scan-send");
    if (!isScan || !input) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // htmx would send it a second time
    const text = input.value.trim();
    input.value = "";
    if (isStopped()) return kontor.sound("stop");
    if (text) take(form, text);
  }, true);

  const isTouch = () => matchMedia("(pointer: coarse)").matches;
  function refocus() {
    const input = field();
    const active = document.activeElement;
    const isFree = !active || active === document.body || !active.isConnected || active.id === "main";
    if (input && isFree && !isStopped() && !isTouch()) input.focus({ preventScroll: true });
  }
  document.addEventListener("htmx:afterSettle", refocus);
  /* A closing dialog gives the focus back while the page is still inert: the field has it then, but takes no keys. */
  document.addEventListener("close", () => setTimeout(() => {
    const input = field();
    if (!input || document.activeElement !== input) return refocus();
    input.blur();
    return input.focus({ preventScroll: true });
  }), true);

  /* Until the page has been laid out anew after a dialog, the field hears keys but takes no characters: a scan that follows
     at once would lose its first ones, or all. What was typed is therefore noted beside, and stands where the field has less. */
  let typed = "";
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-scan-input]") || event.ctrlKey || event.metaKey || event.altKey) { typed = ""; return; }
    if (event.key === "Shift") return;
    if (event.key.length === 1) { typed += event.key; return; }
    const whole = typed;
    typed = ""; // a cursor that was moved, a character taken back: the field alone knows
    const hasLost = event.key === "Enter" && whole.length > input.value.length && whole.endsWith(input.value);
    if (!hasLost || !input.form?.hasAttribute("hx-post") || isStopped()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    input.value = "";
    take(input.form, whole.trim());
  }, true);

  for (const begin of ["pointerdown", "submit", "paste"]) document.addEventListener(begin, () => { typed = ""; }, true);

  /* --- bursts that hit the page while no field has the focus; their Enter must not press a button --- */
  let burst = "", firstKey = 0, lastKey = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isField = event.target.matches?.("input:not([type=button], [type=submit], [type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (isField) { burst = ""; return; }
    const now = event.timeStamp;
    if (now - lastKey > PAUSE || !burst) { burst = ""; firstKey = now; }
    lastKey = now;
    if (event.key.length === 1) { burst += event.key; return; }
    if (event.key === "Shift") return;
    if (event.key !== "Enter" || !isBurst(burst, firstKey, now)) { burst = ""; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    const text = burst;
    burst = "";
    scanned(text);
  }, true);

  /* Other fields of a scanning page (data-scan-guard): a scan that lands there is taken out again and treated as a scan,
     and Enter goes back to the scan field instead of sending the form. A busy device delivers a scan with pauses, so what
     counts is the whole run of keys; and however slowly it came, no number of pieces is as long as a barcode. */
  const fresh = (value) => ({ keys: "", start: 0, at: 0, before: value, all: "", untouched: value });
  let guarded = fresh("");
  for (const begin of ["focusin", "input"]) document.addEventListener(begin, (event) => {
    const byKey = begin === "input" && event.inputType;
    if (!byKey && event.target.matches?.("[data-scan-guard]")) guarded = fresh(event.target.value);
  }, true);
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-scan-guard]")) return;
    const now = event.timeStamp;
    if (now - guarded.at > PAUSE) Object.assign(guarded, { keys: "", start: now, before: input.value });
    guarded.at = now;
    if (event.key.length === 1) { guarded.keys += event.key; guarded.all += event.key; }
    if (event.key !== "Enter") return;
    const { keys, start, before, all, untouched } = guarded;
    const isScan = isBurst(keys, start, now);
    const isLong = !isScan && input.type === "number" && input.value.length > LONGEST_NUMBER;
    if (isScan || isLong) input.value = isScan ? before : untouched;
    guarded = fresh(input.value);
    if (!isScan && !isLong && input.closest("dialog")) return; // a person sends the dialog's form
    event.preventDefault();
    if (isScan || isLong) scanned(isScan ? keys : all);
    field()?.focus();
  }, true);

  function scanned(text) {
    if (isStopped()) return kontor.sound("stop");
    const form = document.querySelector("form[data-scan][hx-post]");
    if (form) return take(form, text);
    const search = document.querySelector("form[data-scan]") || document.querySelector("form[data-find]");
    if (!search) return undefined;
    search.querySelector("[data-scan-input], [name=q]").value = text;
    search.requestSubmit();
    return undefined;
  }

  /* --- the phone's camera --- */
  /* A browser without a detector: the phone takes a photo, the page makes it smaller, the server finds the barcode in it. */
  const canSee = "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);
  const LONG_SIDE = 1600;
  function takePhoto() {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
    input.setAttribute("capture", "environment");
    input.addEventListener("change", () => { if (input.files[0]) sendPhoto(input.files[0]); });
    input.click();
  }
  async function sendPhoto(file) {
    let answer, body;
    try {
      const data = new FormData();
      data.append("photo", await smaller(file), "photo.jpg");
      answer = await fetch(document.getElementById("words").dataset.photoUrl, { method: "POST", headers: { "X-CSRFToken": kontor.csrf() }, body: data });
      body = await answer.json();
    } catch {
      return kontor.toast(kontor.word("noConnection"), "bad");
    }
    if (answer.ok) return scanned(body.text);
    kontor.sound("stop");
    return kontor.toast(body.message || kontor.word("noBarcode"), "warn");
  }
  async function smaller(file) {
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
      const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      return await new Promise((done) => canvas.toBlob((blob) => done(blob || file), "image/jpeg", 0.85));
    } catch {
      return file;
    }
  }

  async function lookThroughCamera() {
    if (!canSee) return takePhoto();
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    const close = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-block", textContent: kontor.word("close") });
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    const hint = Object.assign(document.createElement("p"), { className: "muted", textContent: kontor.word("camera") });
    const body = Object.assign(document.createElement("div"), { className: "stack" });
    body.append(hint, video, close);
    dialog.append(body);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return kontor.toast(kontor.word("noCamera"), "warn");
    }
    document.body.append(dialog);
    dialog.addEventListener("close", () => { stream.getTracks().forEach((track) => track.stop()); dialog.remove(); });
    close.addEventListener("click", () => dialog.close());
    dialog.showModal();
    video.srcObject = stream;
    await video.play();
    const detector = new BarcodeDetector();
    const look = async () => {
      if (!dialog.open) return;
      const [found] = await detector.detect(video).catch(() => []);
      if (!found) return void setTimeout(look, 120);
      dialog.close();
      scanned(found.rawValue);
    };
    return look();
  }
  document.addEventListener("click", (event) => { if (event.target.closest("[data-scan-camera]")) lookThroughCamera(); });
  const showCamera = () => {
    const canTake = canSee || matchMedia("(pointer: coarse)").matches;
    document.querySelectorAll("[data-scan-camera]").forEach((button) => (button.hidden = !canTake));
  };
  document.addEventListener("htmx:load", showCamera);

  Object.assign(kontor, { scan: take, keptScans: kept });
  showCamera();
  refocus();
  keep(kept());
  replay();
  setInterval(replay, TRY_AGAIN);
  window.addEventListener("online", replay);
})();
