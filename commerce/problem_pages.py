"""A page for people behind every problem's `type`: what the code means and what to do about it."""

import inspect
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from commerce.errors import CommerceError


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One documented error code."""

    code: str
    status: int
    title: str
    meaning: str


def kinds() -> list[ProblemKind]:
    """Return every error code that the loaded rooms know, sorted; the meaning is the refusal's own docstring."""
    found: dict[str, ProblemKind] = {}
    pending: list[type[CommerceError]] = [CommerceError]
    while pending:
        cls = pending.pop(0)
        pending += cls.__subclasses__()
        if "code" in vars(cls):
            meaning = " ".join(inspect.cleandoc(cls.__doc__ or "").split())
            found.setdefault(cls.code, ProblemKind(cls.code, cls.status, cls.title, meaning))
    return sorted(found.values(), key=lambda kind: kind.code)


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    """List all error codes."""
    return render(request, "problems.html", {"kinds": kinds(), "title": "Error codes"})


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one error code."""
    found = [kind for kind in kinds() if kind.code == code]
    if not found:
        raise Http404(f"There is no error code {code}.")
    return render(request, "problems.html", {"kinds": found, "title": found[0].title, "is_one": True})
