"""The OpenAPI document as it is served: made once per process and form, as nothing in it depends on who asks.

Making it takes seconds of work and needs no key, so it is never made for one request alone.
"""

import hashlib
import threading

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework.renderers import BaseRenderer

FORMS: dict[str, type[BaseRenderer]] = {"json": OpenApiJsonRenderer, "yaml": OpenApiYamlRenderer}

_made: dict[str, bytes] = {}
_making = threading.Lock()


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer with the document, as JSON for whoever asks for that by `?format=json` or `Accept`, as YAML otherwise."""
    wanted = request.GET.get("format", "")
    form = wanted if wanted in FORMS else "json" if "json" in request.headers.get("Accept", "") else "yaml"
    body = _made.get(form) or _make(form)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300", "Vary": "Accept"}
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(
        body,
        content_type=f"{FORMS[form].media_type}; charset=utf-8",
        headers=headers | {"Content-Disposition": f'inline; filename="kontor.{form}"'},
    )


def _make(form: str) -> bytes:
    with _making:  # many may ask at once after a start; one of them does the work
        if form not in _made:
            with translation.override("en"):
                schema = SchemaGenerator().get_schema(request=None, public=True)
                body: bytes = FORMS[form]().render(schema, renderer_context={})
            _made[form] = body
    return _made[form]
