"""Every text that people read has a natural German one: what code and templates use is in the catalogue, whole."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from django.utils import translation
from django.utils.translation.template import templatize

from commerce.actors import ActorKind
from commerce.enums import choices
from commerce.roles import Role

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("commerce", "inventory", "pricing", "customers", "orders")
CATALOGUE = ROOT / "commerce" / "locale" / "de" / "LC_MESSAGES" / "django.po"
KEYWORDS = {
    "_": None,
    "_now": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")
Key = tuple[str | None, str]


def _sources() -> Iterator[tuple[str, bytes]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in file.parts:
                yield str(file.relative_to(ROOT)), file.read_bytes()
    for file in sorted((ROOT / "templates").rglob("*.html")):
        yield str(file.relative_to(ROOT)), templatize(file.read_text(), origin=str(file)).encode()


def used() -> dict[Key, str]:
    """Return every text that code and templates mark for translation, with one place where it stands."""
    found: dict[Key, str] = {}
    for where, source in _sources():
        for line, message, _comments, context in extract("python", io.BytesIO(source), keywords=KEYWORDS):
            text = message[0] if isinstance(message, tuple) else message
            if text:
                found.setdefault((context, text), f"{where}:{line}")
    for enum in (Role, ActorKind):  # their words are made at run time, by `commerce.models.choices`
        for _value, label in choices(enum):
            with translation.override(None):
                found.setdefault((None, str(label)), enum.__name__)
    return found


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return pofile.read_po(file, locale="de", abort_invalid=True)


def _messages(catalogue: Catalog) -> dict[Key, Message]:
    return {
        (message.context, message.id[0] if isinstance(message.id, tuple | list) else message.id): message
        for message in catalogue
        if message.id
    }


def test_the_reader_of_sources_sees_code_and_templates() -> None:
    found = used()
    assert (None, "Sign out") in found  # a template
    assert (None, "Enter your password.") in found  # code
    assert (None, "{n} s old") in found  # a word for the scripts
    assert (None, "Store manager") in found  # an enum


def test_every_text_has_a_german_one(catalogue: Catalog) -> None:
    known = _messages(catalogue)
    missing = [
        f"{where}: {text!r}" + (f" (context {context})" if context else "")
        for (context, text), where in used().items()
        if (context, text) not in known or not _strings(known[context, text])
    ]
    assert not missing, "No German text for:\n" + "\n".join(missing)


def test_no_german_text_is_a_guess_or_a_leftover(catalogue: Catalog) -> None:
    known, wanted = _messages(catalogue), used()
    assert not [message.id for message in known.values() if message.fuzzy]
    assert not [text for key, message in known.items() if key not in wanted and (text := message.id)]


def test_placeholders_survive_translation(catalogue: Catalog) -> None:
    for message in _messages(catalogue).values():
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        for source, text in zip(ids, _strings(message), strict=False):
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(source)), f"{source!r} → {text!r}"


def _strings(message: Message) -> list[str]:
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [text for text in strings if text] if all(strings) else []
