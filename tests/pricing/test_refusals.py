"""What the verbs of prices refuse is said in German to who reads German: every code, and every message of a field."""

import ast
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Role
from commerce.staff import refusals
from commerce.transactions import transaction
from inventory.places import locations
from pricing import errors
from pricing.desk import faults, room
from pricing.exchange import files
from pricing.file_states import Kind
from tests.factories import commerce as ground
from tests.factories import pricing as make

SAID_BY = (faults, room)  # which register what they say
ROOM = Path(errors.__file__).parent
# What only tills and shops are told, at their doors; and sentences that are put together of others.
TO_MACHINES = {"quotes.py", "quoting.py", "packs.py", "unpriced.py"}
COMPOSED = ("7: 7", "There is no such price list. 7")
SAY = ("_invalid", "invalid", "InvalidInput", "Fault", "UnreadableFile", "tables.UnreadableFile")

CODES = sorted(
    {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, CommerceError)}
    - {CommerceError.code, InvalidInput.code, "not_found"}
)


def messages() -> list[tuple[str, str]]:
    """Return (file, message) of all that verbs say of a field, with 7 wherever something varies."""
    found = []
    for path in sorted([*ROOM.glob("*.py"), *ROOM.glob("exchange/*.py")]):
        if path.name in TO_MACHINES or path.name.startswith("admin"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            said: list[ast.expr | None] = []
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message":
                said = [node.value]
            elif isinstance(node, ast.Dict):
                said = [value for key, value in zip(node.keys, node.values, strict=True) if _is(key, "message")]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in SAY:
                said = list(node.args)
            texts = [text for one in said if one is not None and " " in (text := _text(one))]
            found += [(path.name, text) for text in texts if text not in COMPOSED]
    return sorted(set(found))


def _is(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_german_sentence(code):
    refusal = CommerceError("English")
    refusal.code = code  # type: ignore[misc]
    with translation.override("de"):
        german = refusals.sentence(refusal)
    with translation.override("en"):
        assert german not in ("English", refusals.sentence(refusal))


def test_every_message_of_a_field_has_a_german_one():
    said = messages()
    assert len(said) > 60
    with translation.override("de"):
        english = [(file, message) for file, message in said if refusals.said(message) == message]
    assert not english, "No German for:\n" + "\n".join(f"{file}: {message}" for file, message in english)


@pytest.mark.django_db
def test_what_is_wrong_with_a_row_is_said_by_line_and_in_german(client):
    make.price_list()
    user = ground.user(language="de")
    with transaction():
        locations.assign(user, Role.MERCHANDISER, None, by=ground.TESTER)
        rows = b"price_list,sku,amount\nnirgends,GONE,9.99\nstandard,GONE,abc\n"
        file = files.bring(rows, name="preise.csv", kind=Kind.PRICES, by=Actor.staff(user))
    files.work(file.pk)
    client.force_login(user)
    page = client.get(reverse("admin:pricing_pricefile_change", args=[file.pk])).content.decode()
    assert "Diese Preisliste gibt es nicht." in page
    assert "Einen Betrag als 12,50 oder 12.50 schreiben." in page
    assert "Verwerfen" in page
    sent = client.get(reverse("admin:pricing_pricefile_faults", args=[file.pk])).content.decode()
    assert "Diese Preisliste gibt es nicht." in sent


def test_what_varies_in_a_message_is_kept():
    with translation.override("de"):
        assert refusals.said("That goes in a circle: a → b → a. Choose another list.").startswith(
            "Das geht im Kreis: a → b → a."
        )
        assert refusals.said("Nobody ever said this.") == "Nobody ever said this."
