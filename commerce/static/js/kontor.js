/* What every staff page can do: menus, messages, dialogs, the freshness mark, sounds, relative times, installing.

   data-open="#id" / data-close      open a <dialog> as a modal, close the one around
   dialog[data-show]                 opens by itself when it arrives (a hard stop)
   .stepper [data-step="1|-1"]       change the number beside it
   time[data-relative][datetime]     "3 minutes ago", the exact time on hover
   [data-sound="ok|stop|arrival"]    plays when it is swapped in; HX-Trigger {"kontor:sound": {"name": "arrival"}} as well
   [data-mute] [data-install]        switches of the page "More"
   kontor.word(key, n) · kontor.toast(text, kind) · kontor.sound(name) · kontor.isMuted() · kontor.csrf()
   kontor.pulse()                    renews the counters in the menu now, for pages that know that something has changed */
"use strict";

const kontor = (() => {
  const PULSE_EVERY = 15000; // ms; also how often counters in the menu are renewed
  const OLD_AFTER = 25000; // ms without an answer before the page says how old it is
  const OFFLINE_AFTER = 60000;
  const TOAST_STAYS = 6000;
  const MUTED = "kontor.muted";
  const page = document.documentElement;

  const word = (key, n) => (document.getElementById("words")?.dataset[key] ?? key).replace("{n}", String(n ?? ""));
  const csrf = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";

  /* --- remembering, where the browser allows it --- */
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode: not remembered */ } };
  const remembered = (key) => { try { return localStorage.getItem(key); } catch { return null; } };

  /* --- messages --- */
  const ICONS = { ok: "M9 12l2 2 4-4", bad: "M15 9l-6 6M9 9l6 6", warn: "M12 8v5M12 16h.01", info: "M12 11v5M12 8h.01" };
  function icon(kind) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ width: 24, height: 24, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
    const ring = document.createElementNS(svg.namespaceURI, "circle");
    for (const [name, value] of Object.entries({ cx: 12, cy: 12, r: 10 })) ring.setAttribute(name, value);
    const sign = document.createElementNS(svg.namespaceURI, "path");
    sign.setAttribute("d", ICONS[kind] || ICONS.info);
    svg.append(ring, sign);
    return svg;
  }
  function toast(text, kind = "info") {
    const note = document.createElement("div");
    note.className = `notice notice-${kind}`;
    note.dataset.toast = "";
    const body = document.createElement("div");
    body.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn btn-quiet";
    close.dataset.dismiss = "";
    close.textContent = word("close");
    note.append(icon(kind), body, close);
    document.getElementById("toasts")?.append(note);
    fade(note);
  }
  function fade(note) {
    if (note.dataset.fading || note.classList.contains("notice-bad")) return;
    note.dataset.fading = "1";
    const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : note.remove());
    setTimeout(leave, TOAST_STAYS);
  }

  /* --- sounds: short tones made here, no files --- */
  const TONES = { ok: [[1320, 0, 0.07]], stop: [[220, 0, 0.18], [180, 0.2, 0.3]], arrival: [[880, 0, 0.14], [1175, 0.16, 0.22]] };
  let speaker;
  const isMuted = () => remembered(MUTED) === "1";
  function sound(name) {
    if (name === "stop") navigator.vibrate?.([120, 60, 120]);
    if (name === "ok") navigator.vibrate?.(30);
    if (isMuted() || !TONES[name] || !navigator.userActivation?.hasBeenActive) return;
    speaker ??= new AudioContext();
    for (const [hertz, from, seconds] of TONES[name]) {
      const tone = speaker.createOscillator(), volume = speaker.createGain();
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.18, speaker.currentTime + from);
      volume.gain.exponentialRampToValueAtTime(0.001, speaker.currentTime + from + seconds);
      tone.connect(volume).connect(speaker.destination);
      tone.start(speaker.currentTime + from);
      tone.stop(speaker.currentTime + from + seconds);
    }
  }
  function showMuted() {
    for (const button of document.querySelectorAll("[data-mute]")) {
      button.setAttribute("aria-pressed", String(isMuted()));
      button.querySelectorAll("[data-mute-on]").forEach((part) => (part.hidden = isMuted()));
      button.querySelectorAll("[data-mute-off]").forEach((part) => (part.hidden = !isMuted()));
    }
  }

  /* --- the freshness mark --- */
  let answeredAt = Date.now(), state = "live", waitingScans = 0;
  const answered = () => { answeredAt = Date.now(); showFreshness(); };
  const lost = () => { answeredAt = Math.min(answeredAt, Date.now() - OFFLINE_AFTER); showFreshness(); };
  function showFreshness() {
    const mark = document.getElementById("live");
    if (!mark) return;
    const age = Date.now() - answeredAt;
    const now = !navigator.onLine || age >= OFFLINE_AFTER ? "offline" : age >= OLD_AFTER ? "old" : "live";
    let text = now === "old" ? word("old", Math.round(age / 1000)) : word(now);
    if (waitingScans) text += ` · ${waitingScans === 1 ? word("oneScan") : word("scans", waitingScans)}`;
    const spoken = mark.querySelector("[data-live-word]");
    if (spoken.textContent !== text) spoken.textContent = text;
    if (now !== state) {
      state = mark.dataset.state = now;
      document.getElementById("live-status").textContent = text; // spoken once per change, not every second
    }
  }
  function scansWaiting(n) { waitingScans = n; showFreshness(); }
  function pulse() {
    const mark = document.getElementById("live");
    if (mark && document.visibilityState === "visible" && navigator.onLine && window.htmx) {
      htmx.ajax("GET", mark.dataset.pulse, { source: mark, swap: "none" }).catch(() => {});
    }
  }

  /* --- times --- */
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
  function tellTimes() {
    const relative = new Intl.RelativeTimeFormat(page.lang, { numeric: "auto" });
    for (const time of document.querySelectorAll("time[data-relative][datetime]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      if (!time.title) time.title = time.textContent.trim();
      const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
      const text = relative.format(unit === "second" ? 0 : Math.round(seconds / size), unit);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  /* --- what is new on the page --- */
  function arrived(root) {
    for (const dialog of root.querySelectorAll?.("dialog[data-show]") ?? []) if (!dialog.open) dialog.showModal();
    if (root.matches?.("dialog[data-show]") && !root.open) root.showModal();
    for (const one of [root, ...(root.querySelectorAll?.("[data-sound]") ?? [])]) if (one.dataset?.sound) { sound(one.dataset.sound); delete one.dataset.sound; }
    document.querySelectorAll("[data-toast]").forEach(fade);
    tellTimes();
    showMuted();
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
    at("[data-dismiss]")?.closest("[data-toast]")?.remove();
    const opener = at("[data-open]");
    if (opener) document.querySelector(opener.dataset.open)?.showModal();
    if (at("[data-close]")) at("dialog")?.close();
    const step = at("[data-step]");
    if (step) {
      const input = step.closest(".stepper").querySelector("input");
      const low = Number(input.min || 0), high = Number(input.max || Number.MAX_SAFE_INTEGER);
      input.value = Math.min(high, Math.max(low, Number(input.value || 0) + Number(step.dataset.step)));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (at("[data-mute]")) {
      remember(MUTED, isMuted() ? "0" : "1");
      showMuted();
      toast(word(isMuted() ? "muted" : "unmuted"));
      sound("ok");
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details[data-menu][open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    }
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      document.getElementById("find")?.focus();
    }
  });
  /* A form is sent once: a second press while the answer is on its way does nothing. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.closest("[hx-boost]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  document.addEventListener("htmx:load", (event) => arrived(event.detail.elt));
  document.addEventListener("htmx:afterRequest", (event) => {
    const status = event.detail.xhr?.status ?? 0;
    if (status > 0 && status < 500) answered();
    if (status >= 500) toast(word("failed"), "bad");
  });
  for (const failure of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      lost();
      const isQuiet = event.detail.elt?.id === "live" || event.detail.requestConfig?.verb === "get" || event.target.closest?.("[data-scan]");
      if (!isQuiet) toast(word("noConnection"), "bad");
    });
  }
  document.addEventListener("kontor:sound", (event) => sound(event.detail?.name ?? event.detail?.value));
  document.addEventListener("kontor:toast", (event) => toast(event.detail.text, event.detail.kind));
  window.addEventListener("online", () => { showFreshness(); pulse(); });
  window.addEventListener("offline", showFreshness);
  document.addEventListener("visibilitychange", pulse);

  /* --- installing --- */
  let install;
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    install = event;
    document.querySelectorAll("[data-install]").forEach((button) => (button.hidden = false));
    document.querySelectorAll("[data-install-hint]").forEach((hint) => (hint.hidden = true));
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-install]") && install) install.prompt(); });
  if ("serviceWorker" in navigator) window.addEventListener("load", () => navigator.serviceWorker.register("/service-worker.js").catch(() => {}));

  const begin = () => {
    arrived(document);
    showFreshness();
    setInterval(showFreshness, 1000);
    setInterval(pulse, PULSE_EVERY);
    setInterval(tellTimes, 30000);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();

  return { word, csrf, toast, sound, isMuted, remember, remembered, scansWaiting, answered, lost, pulse };
})();
window.kontor = kontor;
