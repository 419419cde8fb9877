"""What is printed leaves as a PDF that is shown at once and kept by no cache: names and addresses are on it."""

from django.http import HttpResponse

PDF = "application/pdf"


def answer(document: bytes, name: str) -> HttpResponse:
    """Return a document to be looked at and printed, named for whoever saves it."""
    response = HttpResponse(document, content_type=PDF)
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
