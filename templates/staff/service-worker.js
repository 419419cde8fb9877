/* Keeps the static shell and one page that says there is no connection. Pages come from the network or not at all:
   nothing that belongs to a signed-in person is ever kept on the device. */
"use strict";
const CACHE = "kontor-{{ version }}";
const SHELL = {{ shell|safe }};
const OFFLINE = {{ offline|safe }};

self.addEventListener("install", (event) => {
  const fresh = [...SHELL, OFFLINE].map((url) => new Request(url, { cache: "reload", credentials: "omit" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const dropOld = caches.keys().then((names) => Promise.all(
    names.filter((name) => name.startsWith("kontor-") && name !== CACHE).map((name) => caches.delete(name))));
  event.waitUntil(dropOld.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const request = event.request, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE, { cacheName: CACHE })));
  } else if (SHELL.includes(url.pathname)) {
    event.respondWith(caches.match(request, { cacheName: CACHE, ignoreSearch: true }).then((kept) => kept || fetch(request)));
  }
});

/* Somebody waits outside: ring, and open the hand-over when the alert is touched. */
self.addEventListener("push", (event) => {
  const news = event.data ? event.data.json() : {};
  event.waitUntil(self.registration.showNotification(news.title || "Kontor", {
    body: news.body || "", tag: news.tag, renotify: Boolean(news.tag), requireInteraction: true,
    data: { url: news.url || "/staff/" }, icon: "{{ icon }}",
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data.url, self.location.origin).href;
  event.waitUntil(clients.matchAll({ type: "window" }).then((open) => {
    const known = open.find((client) => "navigate" in client);
    return known ? known.navigate(target).then((client) => client && client.focus()) : clients.openWindow(target);
  }));
});
