/* Counting: numbers by thumb, and what the page can say by itself while there is no connection. scan.js keeps and sends. */
"use strict";

(() => {
  const form = document.querySelector("form[data-counting]");
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
  if (!form) return;

  const url = form.getAttribute("hx-post");
  const panel = () => document.getElementById("count");
  const dialog = document.getElementById("count-number");
  const bare = (text) => text.trim().replace(/[\s-]/g, "").replace(/^0+(?=\d)/, "");
  const part = (name) => dialog.querySelector(`[data-number-${name}]`);

  /* How far the server's clock was ahead of this one when the page came: if this one is changed later, the server sees it. */
  const ahead = Date.parse(form.dataset.now) - Date.now();
  form.alsoSend = () => ({ offset_ms: ahead, quantity: 1, mode: "add" });

  /* --- numbers --- */
  function choose(row) {
    const { sku, name, shelves, own } = row.dataset;
    part("sku").value = sku;
    part("name").textContent = name;
    part("code").textContent = sku;
    part("shelves").textContent = shelves ? `· ${shelves}` : "";
    part("own").hidden = own === undefined;
    part("own").textContent = part("own").dataset.text.replace("{n}", own);
    part("add").hidden = own === undefined;
    part("missing").hidden = true;
    dialog.querySelector("[data-keypad-value]").value = "";
    dialog.showModal();
    if (!matchMedia("(pointer: coarse)").matches) dialog.querySelector("[data-keypad-value]").focus();
  }
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-choose]")?.closest("[data-row]");
    if (row) choose(row);
    if (event.target.closest("[data-hand-in]")) {
      if (kept().length) { kontor.sound("stop"); kontor.toast(event.target.closest("[data-hand-in]").dataset.waiting, "warn"); }
      else document.getElementById("hand-in").showModal();
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-count-number]")) return;
    event.preventDefault();
    const number = dialog.querySelector("[data-keypad-value]");
    const isNumber = /^\d+$/.test(number.value.trim());
    part("missing").hidden = isNumber;
    if (!isNumber) return;
    const mode = event.submitter?.value === "add" && !part("add").hidden ? "add" : "replace";
    dialog.close();
    kontor.scan(form, part("sku").value, { quantity: number.value.trim(), mode });
  }, true);

  /* --- without a connection --- */
  const kept = () => (kontor.keptScans?.() ?? []).filter((scan) => scan.url === url);
  function rowOf(text) {
    return [...panel().querySelectorAll("[data-row]")].find((row) => row.dataset.sku === text.trim()
      || row.dataset.codes.split(" ").some((code) => code && bare(code) === bare(text)));
  }
  function showKept() {
    if (!panel()) return;
    const scans = kept();
    const card = panel().querySelector("[data-kept]");
    card.hidden = !scans.length;
    card.querySelector("[data-kept-number]").textContent = scans.length;
    const seen = new Set();
    for (const mark of panel().querySelectorAll("[data-row-kept]")) mark.hidden = true;
    const lines = scans.map((scan) => {
      const row = rowOf(scan.text);
      if (row?.hasAttribute("data-wanted")) { seen.add(row); row.querySelector("[data-row-kept]").hidden = false; }
      const line = document.createElement("li");
      line.className = "row row-between count-outcome";
      const name = Object.assign(document.createElement("span"), { className: "grow", textContent: row ? row.dataset.name : scan.text });
      const sign = scan.also?.mode === "replace" ? "=" : "+";
      const pieces = Object.assign(document.createElement("span"), { className: "num strong", textContent: `${sign} ${scan.also?.quantity ?? 1}` });
      line.append(name, pieces);
      return line;
    });
    card.querySelector("[data-kept-list]").replaceChildren(...lines.reverse().slice(0, 50));
    const done = panel().querySelector("[data-done]");
    if (done) {
      const all = Number(done.dataset.server) + seen.size;
      done.textContent = all;
      panel().querySelector("[data-progress]").value = all;
    }
  }
  document.addEventListener("kontor:scan-kept", () => { kontor.sound("ok"); showKept(); });
  document.addEventListener("htmx:afterSettle", showKept);
  document.addEventListener("kontor:replayed", showKept);
  window.addEventListener("load", showKept);
})();
