// The desk of promotions: what was found is put into its list, and nothing is taken out by accident.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (!button) return;
  const holder = button.closest("[data-adds-to]");
  const list = holder && document.getElementById(holder.dataset.addsTo);
  if (!list) return;
  const line = `${holder.dataset.adds || ""}${button.dataset.add}`;
  const lines = list.value.split("\n").filter((one) => one.trim());
  if (!lines.includes(line)) lines.push(line);
  list.value = lines.join("\n");
  list.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-ask]");
  if (button && !window.confirm(button.dataset.ask)) event.preventDefault();
});
