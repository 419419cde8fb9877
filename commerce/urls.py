"""Addresses. Rooms are named by string; each brings its own `api/urls.py` and `staff/urls.py`."""

from importlib import import_module
from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerView

from commerce.api import document

ROOMS = ["commerce", "inventory", "pricing", "customers", "orders"]


def _of_rooms(module: str) -> list[str]:
    """Return that module of every room that has one; a room with nothing to say there leaves it out."""
    package = module.partition(".")[0]
    return [f"{room}.{module}" for room in ROOMS if find_spec(f"{room}.{package}") and find_spec(f"{room}.{module}")]


urlpatterns: list[URLPattern | URLResolver] = [
    # First and flat: an API answer is quick enough for the search of its view to show.
    path(
        "api/v1/",
        include([pattern for module in _of_rooms("api.urls") for pattern in import_module(module).urlpatterns]),
    ),
    path("admin/", admin.site.urls),
    path("api/schema/", document.page, name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    *[path("staff/", include(module)) for module in _of_rooms("staff.urls")],
    *[path("", include(module)) for module in _of_rooms("public_urls")],
]

# Problem documents under /api/, pages elsewhere.
handler400 = "commerce.api.problems.bad_request"
handler403 = "commerce.api.problems.permission_denied"
handler404 = "commerce.api.problems.not_found"
handler500 = "commerce.api.problems.server_error"
