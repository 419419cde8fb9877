"""Addresses for everybody: home, health, app manifest, error pages."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from commerce import problem_pages
from commerce.api import metrics
from commerce.staff import installable


def health(request: HttpRequest) -> HttpResponse:
    """Say whether this process answers and reaches the database: 200, or 503 while it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(url="/staff/"), name="home"),
    path("healthz", health, name="health"),
    path("metrics", metrics.page, name="metrics"),
    path("problems/", problem_pages.problem_list, name="problems"),
    path("problems/<slug:code>", problem_pages.problem, name="problem"),
    path("manifest.webmanifest", installable.manifest, name="manifest"),
    path("service-worker.js", installable.service_worker, name="service-worker"),
    path("offline/", installable.offline, name="offline"),
]
