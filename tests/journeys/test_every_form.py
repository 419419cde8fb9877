"""Every form on the pages of the staff app, filled with what no form expects: refused in a sentence, never a fault of ours."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from commerce import clock
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.journeys.test_every_door import SHELL, STAFF, doors, furnished, page_of

pytestmark = pytest.mark.django_db
NONSENSE = ("9" * 20, "²", "x" * 3000)
ENDS = ("sign-out", "language", "/store/")  # what would end the walk: the session, the language, the place


class Forms(HTMLParser):
    """Reads where the forms of a page post to, and what their fields are called."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self._fields: set[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._fields = set()
            if (values.get("method") or "").lower() == "post":
                self.found.append((values.get("action") or "", self._fields))
        elif tag in ("input", "select", "textarea", "button") and self._fields is not None and values.get("name"):
            self._fields.add(str(values["name"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None


def test_no_form_breaks_whatever_is_typed_into_it() -> None:
    with clock.frozen(make.NOON):
        scene = furnished()
        client = Client(raise_request_exception=False)
        client.force_login(ground.user(is_administrator=True))
        client.post("/staff/store/", {"store": scene.here.code})
        forms: dict[str, tuple[str, set[str]]] = {}
        for door in doors(STAFF):
            if door.name in SHELL:
                continue
            answer = client.get(door.url(scene.known), {"q": scene.sku})
            assert answer.status_code < 500, door
            reader = Forms()
            reader.feed(page_of(answer))
            for action, fields in reader.found:
                url = action or door.url(scene.known)
                if not any(end in url for end in ENDS):
                    forms[re.sub(r"[0-9a-f-]{36}|\d+", "#", url)] = (url, fields)
        assert len(forms) > 40, "the walk must not become an empty one"
        for url, fields in forms.values():
            for value in NONSENSE:
                typed = dict.fromkeys(fields - {"csrfmiddlewaretoken"}, value)
                assert client.post(url, typed).status_code < 500, (url, value, fields)
        assert client.post("/staff/stock/adjust/", {"sku": "a\x00b"}).status_code == 400
