"""Kontor as an app on a device: its manifest, its service worker and the page for when there is no connection.

The service worker keeps the static shell and that one page, nothing else: pages with people's data are never kept.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

SHELL = (
    "css/kontor.css",
    "js/kontor.js",
    "js/scan.js",
    "django_htmx/htmx-2.min.js",
    "icons/kontor.svg",
    "icons/kontor-192.png",
)
OFFLINE_PAGE = "staff/offline.html"
HOUR = 3600


@cache
def version() -> str:
    """Return a name for exactly this shell: it changes when any of its files does."""
    digest = hashlib.sha256(get_template(OFFLINE_PAGE).render().encode())
    for name in SHELL:
        found = finders.find(name)
        if not found:
            raise FileNotFoundError(f"The static file {name} of the app shell is missing.")
        digest.update(Path(found).read_bytes())
    return digest.hexdigest()[:16]


@require_GET
@cache_control(max_age=HOUR)
def manifest(request: HttpRequest) -> HttpResponse:
    icons = [
        ("icons/kontor.svg", "any", "image/svg+xml", "any"),
        ("icons/kontor-192.png", "192x192", "image/png", "any"),
        ("icons/kontor-512.png", "512x512", "image/png", "any"),
        ("icons/kontor-maskable-512.png", "512x512", "image/png", "maskable"),
    ]
    content = {
        "id": "/staff/",
        "name": "Kontor",
        "short_name": "Kontor",
        "description": _("Pickup, stock and orders of your store."),
        "lang": request.LANGUAGE_CODE,
        "start_url": reverse("staff:home"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f4f5f7",
        "theme_color": "#1257b8",
        "icons": [
            {"src": static(file), "sizes": sizes, "type": kind, "purpose": purpose}
            for file, sizes, kind, purpose in icons
        ],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_GET
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the worker from the root, so that it may look after all pages."""
    facts = {
        "version": version(),
        "shell": json.dumps([static(name) for name in SHELL]),
        "offline": json.dumps(reverse("offline")),
        "icon": static("icons/kontor-192.png"),
    }
    return render(request, "staff/service-worker.js", facts, content_type="text/javascript")


@require_GET
@cache_control(no_cache=True)
def offline(request: HttpRequest) -> HttpResponse:
    """Serve the page that a device keeps for later; it is the same for everybody, so it is rendered for nobody."""
    return HttpResponse(get_template(OFFLINE_PAGE).render())
