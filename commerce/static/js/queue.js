/* The pickup queue keeps itself fresh: it asks every 1.5 seconds whether the board still looks the same (ETag, 304), and
   changes only the cards that do. What has the focus keeps it, nothing moves under a pressed thumb, clocks tick on. */
"use strict";

(() => {
  const EVERY = 1500; // ms between two questions; an order has to stand in the queue within two seconds, answer included
  const EVERY_HIDDEN = 10000; // a page in the background only has to ring
  const AFTER_PRESS = 400; // ms that the board still waits after the thumb went up, so that the press lands
  const TAB = "kontor.queue.tab";
  const board = document.getElementById("board");
  if (!board) return;

  const words = board.dataset;
  let etag = words.etag;
  let clockAhead = new Date(words.at) - Date.now(); // the server's clock is the promise's clock
  let unseen = 0;

  /* --- the clocks --- */
  const fill = (pattern, facts) => pattern.replace(/%\((\w+)\)s/g, (_all, name) => facts[name]);
  function span(minutes) {
    if (minutes < 60) return fill(words.minutes, { minutes });
    if (minutes < 1440) return fill(words.hours, { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
    return fill(words.days, { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60) });
  }
  function tick() {
    const now = Date.now() + clockAhead;
    for (const clock of board.querySelectorAll("[data-clock]")) {
      const minutes = Math.floor((new Date(clock.dataset.clock) - now) / 60000);
      const waits = "waits" in clock.dataset;
      const isLate = waits ? minutes <= -5 : minutes < 0;
      const isSoon = waits ? !isLate : !isLate && minutes < 30;
      const text = waits ? fill(words.waiting, { time: span(Math.max(-minutes - 1, 0)) }) : isLate ? fill(words.late, { time: span(-minutes) }) : span(minutes);
      const said = clock.querySelector("[data-clock-text]");
      if (said.textContent !== text) said.textContent = text;
      clock.classList.toggle("clock-late", isLate);
      clock.classList.toggle("clock-soon", isSoon);
      const card = clock.closest(".pickup");
      card.classList.toggle("card-late", isLate);
      card.classList.toggle("card-due", isSoon);
    }
  }

  /* --- tabs of the phone --- */
  const tabs = () => [...board.querySelectorAll("[data-tab]")];
  function show(key) {
    board.dataset.shown = key;
    for (const tab of tabs()) tab.setAttribute("aria-pressed", String(tab.dataset.tab === key));
  }
  board.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tab]");
    if (!tab) return;
    kontor.remember(TAB, tab.dataset.tab);
    show(tab.dataset.tab);
  });
  function beginTabs() {
    board.querySelector(".queue-tabs").classList.add("is-ready");
    const known = tabs().map((tab) => tab.dataset.tab);
    const last = kontor.remembered(TAB);
    show(known.includes(last) ? last : known[0]);
  }

  /* --- changing only what changed --- */
  let isPressed = false, waitingBoard = null, release = 0;
  function change(fresh) {
    const focused = document.activeElement?.closest("#board [data-card], #board [data-part]");
    const place = focused ? controls(focused).indexOf(document.activeElement) : -1;
    const before = new Map([...board.querySelectorAll("[data-card]")].map((card) => [card.dataset.card, card]));
    const columnOf = (card) => card.closest("[data-column]").dataset.column;
    const wasIn = new Map([...before].map(([id, card]) => [id, columnOf(card)]));
    for (const list of board.querySelectorAll("[data-list]")) changeList(list, fresh.querySelector(`[data-list="${list.dataset.list}"]`), before);
    for (const part of board.querySelectorAll("[data-part]")) {
      const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (now && now.innerHTML !== part.dataset.was) { part.dataset.was = now.innerHTML; part.innerHTML = now.innerHTML; }
    }
    for (const name of ["[data-columns]", "[data-nobody]", '[data-column="put_back"]']) board.querySelector(name).hidden = fresh.querySelector(name).hidden;
    show(board.dataset.shown);
    if (focused && !document.activeElement.closest("#board")) controls(focused.isConnected ? focused : document.getElementById(focused.id))[place]?.focus({ preventScroll: true });
    clockAhead = new Date(fresh.dataset.at) - Date.now();
    tick();
    kontor.pulse(); // the menu counts what waits here
    const now = [...board.querySelectorAll("[data-card]")];
    announce(now.filter((card) => columnOf(card) === "new" && !wasIn.has(card.dataset.card)), now.filter((card) => columnOf(card) === "outside" && wasIn.get(card.dataset.card) !== "outside"));
  }
  const controls = (card) => (card ? [...card.querySelectorAll("a, button")] : []);
  function changeList(list, wanted, before) {
    const stays = new Set([...wanted.children].map((card) => card.dataset.card));
    for (const card of [...list.children]) if (!stays.has(card.dataset.card)) card.remove(); // first, so that nobody moves for them
    let here = list.firstElementChild;
    for (const card of [...wanted.children]) {
      const known = before.get(card.dataset.card);
      const isSame = known && known.dataset.look === card.dataset.look;
      const now = isSame ? known : card;
      if (known && !isSame) { if (here === known) here = known.nextElementSibling; known.remove(); }
      if (now === here) here = here.nextElementSibling;
      else list.insertBefore(now, here);
    }
  }
  function announce(arrivals, outside) {
    for (const card of [...arrivals, ...outside]) card.classList.add("is-new");
    if (!arrivals.length && !outside.length) return;
    const said = [];
    if (outside.length) said.push(words.outside);
    if (arrivals.length) said.push(arrivals.length === 1 ? words.oneNew : words.new.replace("{n}", arrivals.length));
    document.getElementById("news").textContent = said.join(". ");
    kontor.sound("arrival");
    if (document.visibilityState !== "visible") unseen += arrivals.length + outside.length;
    showUnseen();
  }
  function showUnseen() {
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = unseen ? `(${unseen}) ${title}` : title;
    if (unseen) navigator.setAppBadge?.(unseen)?.catch?.(() => {});
    else navigator.clearAppBadge?.()?.catch?.(() => {});
  }

  const bring = (fresh) => { if (isPressed) waitingBoard = fresh; else change(fresh); };
  board.addEventListener("pointerdown", () => { clearTimeout(release); isPressed = true; });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, () => {
      clearTimeout(release);
      release = setTimeout(() => {
        isPressed = false;
        if (waitingBoard) change(waitingBoard);
        waitingBoard = null;
      }, AFTER_PRESS);
    });
  }

  /* --- asking --- */
  let timer = 0, isAsking = false;
  const next = () => { clearTimeout(timer); timer = setTimeout(ask, document.visibilityState === "visible" ? EVERY : EVERY_HIDDEN); };
  async function ask() {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(words.url, { headers: { "If-None-Match": etag, "HX-Request": "true" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (answer.status === 304) kontor.answered();
      else if (answer.headers.has("HX-Redirect") || answer.redirected || answer.status === 403) location.reload(); // signed out, or another store
      else if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("board");
        if (fresh && fresh.dataset.store !== words.store) location.reload(); // another tab changed the store
        else if (fresh) { etag = answer.headers.get("ETag") || fresh.dataset.etag; bring(document.importNode(fresh, true)); }
        kontor.answered();
      }
    } catch {
      if (!navigator.onLine) kontor.lost(); // else the mark shows by itself how old the page is
    } finally {
      isAsking = false;
      next();
    }
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    unseen = 0;
    showUnseen();
    ask();
  });
  window.addEventListener("online", ask);

  for (const part of board.querySelectorAll("[data-part]")) part.dataset.was = part.innerHTML;
  beginTabs();
  tick();
  setInterval(tick, 1000);
  next();
})();
