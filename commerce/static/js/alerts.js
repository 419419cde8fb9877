/* Web push for this device: a button on the pickup queue that lets the browser ring when a customer waits outside. */
"use strict";

(() => {
  const button = document.querySelector("[data-alerts]");
  if (!button || !button.dataset.key || !("serviceWorker" in navigator) || !("PushManager" in window)) return;

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  };
  const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const post = (url, document_) => fetch(url, {
    method: "POST", credentials: "same-origin", body: JSON.stringify(document_),
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
  });
  const show = (isOn) => {
    button.setAttribute("aria-pressed", String(isOn));
    button.querySelector("[data-alerts-on]").hidden = !isOn;
    button.querySelector("[data-alerts-off]").hidden = isOn;
  };

  async function toggle() {
    const worker = await navigator.serviceWorker.ready;
    const known = await worker.pushManager.getSubscription();
    if (known) {
      await post(button.dataset.off, { endpoint: known.endpoint });
      await known.unsubscribe();
      show(false);
      return;
    }
    if ((await Notification.requestPermission()) !== "granted") return;
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(button.dataset.key) });
    const answer = await post(button.dataset.on, made.toJSON());
    if (!answer.ok) await made.unsubscribe();
    show(answer.ok);
  }

  navigator.serviceWorker.ready.then((worker) => worker.pushManager.getSubscription()).then((known) => {
    show(Boolean(known));
    button.hidden = false;
    if (known) post(button.dataset.on, known.toJSON()); // the store may be another one than last time
  });
  button.addEventListener("click", () => { button.disabled = true; toggle().catch(() => show(false)).finally(() => { button.disabled = false; }); });
})();
