/* Picking: what scan.js doesn't know. Without a connection the page judges scans itself, as it knows the barcodes of what
   is wanted: right ones count at once, wrong ones stop. The server has the last word when the kept scans are replayed. */
"use strict";

(() => {
  const BURST = 300; // ms; an Enter so soon after a character is a scanner's, not a person's
  const panel = () => document.getElementById("pick");
  const bare = (text) => text.trim().replace(/[\s-]/g, "").replace(/^0+(?=\d)/, "");

  /* --- offline --- */
  const lines = () => [...panel().querySelectorAll("[data-line]")];
  const open = (line) => Number(line.dataset.wanted) - Number(line.dataset.picked);
  function piecesOf(line, text) {
    if (line.dataset.sku === text.trim()) return 1;
    const found = line.dataset.codes.trim().split(/\s+/).map((code) => code.split(":")).find(([gtin]) => gtin && bare(gtin) === bare(text));
    return found ? Number(found[1]) : 0;
  }
  function judge(text) {
    const wanting = lines().filter((line) => piecesOf(line, text));
    const line = wanting.find(open);
    if (!line) return stop(text);
    line.dataset.picked = Number(line.dataset.picked) + Math.min(piecesOf(line, text), open(line));
    panel().classList.remove("flash-ok");
    void panel().offsetWidth; // starts the flash anew
    panel().classList.add("flash-ok");
    kontor.sound("ok");
    return render();
  }
  function render() {
    const now = lines().find(open);
    for (const line of lines()) {
      line.hidden = line !== now;
      line.querySelector("[data-picked-here]").textContent = line.dataset.picked;
      const left = open(line);
      line.querySelector("[data-left-here]").textContent = left === 1 ? panel().dataset.oneLeft : panel().dataset.left.replace("{n}", left);
    }
    const all = lines().reduce((sum, line) => sum + Number(line.dataset.picked), 0);
    panel().querySelector("[data-picked-all]").textContent = all;
    panel().querySelector("[data-progress]").value = all;
    panel().querySelector("[data-complete]").hidden = Boolean(now);
    const problems = panel().querySelector("[data-problems]");
    if (problems) problems.hidden = true; // counts by hand need the server; they come back with the connection
  }
  function stop(text) {
    const now = lines().find(open);
    const dialog = document.getElementById("wrong-offline").content.firstElementChild.cloneNode(true);
    dialog.querySelector("[data-stop-scanned]").textContent = text;
    dialog.querySelector("[data-stop-wanted]").textContent = now ? `${now.dataset.name} · ${now.dataset.sku}` : "–";
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    kontor.sound("stop");
  }
  document.addEventListener("kontor:scan-kept", (event) => { if (panel()?.querySelector("[data-lines]")) judge(event.detail.text); });

  /* --- a hard stop is dismissed by a person: the Enter of the next scan doesn't do it --- */
  let lastCharacter = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key.length === 1) lastCharacter = event.timeStamp;
    if (event.key === "Enter" && document.querySelector("dialog[data-stop][open]") && event.timeStamp - lastCharacter < BURST) {
      event.preventDefault();
      kontor.sound("stop");
    }
    /* Enter in the empty scan field marks a picked order ready: no scanner ever sends an empty scan. */
    if (event.key === "Enter" && event.target.id === "scan" && !event.target.value.trim() && event.timeStamp - lastCharacter > BURST) {
      const ready = panel()?.querySelector("[data-ready]");
      if (ready) { event.preventDefault(); ready.click(); }
    }
  }, true);
})();
