"""What is counted of API requests: how many by view and status, and how long they took. A few microseconds each.

With several web processes, set PROMETHEUS_MULTIPROC_DIR so that one scrape sees all of them.
"""

import hmac
import os
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client import REGISTRY as PROCESS_REGISTRY

LOOPBACK = {"127.0.0.1", "::1", ""}  # a Unix socket has no address

_requests = Counter("kontor_api_requests", "API requests by view, method and status.", ["view", "method", "status"])
_seconds = Histogram(
    "kontor_api_request_seconds",
    "Time from the first line of our view to its answer, by view.",
    ["view"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Looking a child up by its labels costs more than counting with it.
_counters: dict[tuple[str, str, int], Any] = {}
_timers: dict[str, Any] = {}


def observe(view: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. Methods that callers invent are one: each of them would stay in memory for good."""
    method = method if method in METHODS else "other"
    counter = _counters.get((view, method, status))
    if counter is None:
        counter = _counters.setdefault((view, method, status), _requests.labels(view, method, str(status)))
    counter.inc()
    timer = _timers.get(view)
    if timer is None:
        timer = _timers.setdefault(view, _seconds.labels(view))
    timer.observe(seconds)


def exposition() -> bytes:
    """Return all metrics in the Prometheus text format."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)
    return generate_latest(PROCESS_REGISTRY)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the metrics to who sends KONTOR_METRICS_TOKEN as a bearer; without one set, to this machine in development."""
    if settings.METRICS_TOKEN:
        given = request.META.get("HTTP_AUTHORIZATION", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
            return HttpResponse(
                "A bearer token is needed.\n",
                status=401,
                content_type="text/plain",
                headers={"WWW-Authenticate": 'Bearer realm="Kontor metrics"'},
            )
    elif settings.PRODUCTION or request.META.get("REMOTE_ADDR") not in LOOPBACK:
        return HttpResponse("Set KONTOR_METRICS_TOKEN to read metrics.\n", status=403, content_type="text/plain")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
