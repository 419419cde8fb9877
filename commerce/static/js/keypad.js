/* The number pad (partials/keypad.html): keys for thumbs beside a number. The first digit replaces what was proposed. */
"use strict";

(() => {
  let typedInto = null;
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]");
    if (!key) { if (event.target.closest("[data-open], [data-step]")) typedInto = null; return; }
    const input = key.closest("[data-keypad]").querySelector("[data-keypad-value]");
    const was = typedInto === input ? input.value : "";
    typedInto = input;
    if (key.dataset.key === "clear") input.value = "";
    else if (key.dataset.key === "back") input.value = input.value.slice(0, -1);
    else input.value = String(Math.min(Number(input.max), Number(was + key.dataset.key)));
  });
  document.addEventListener("toggle", (event) => { if (event.target.matches?.("dialog")) typedInto = null; }, true);
})();
