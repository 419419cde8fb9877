"""Events and subscriptions: what a payload looks like, and what the registries refuse."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from commerce import events

ID = UUID("1f0c2d3e-0000-4000-8000-000000000001")
NOON_IN_BERLIN = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))


class Shade(StrEnum):
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class LampLit(events.Event):
    type = "lamp.lit"
    is_public = True

    lamp_id: UUID
    lit_at: datetime
    shade: Shade
    rooms: dict[str, int]
    tags: tuple[str, ...] = ()

    @property
    def aggregate(self) -> str:
        return f"lamp:{self.lamp_id}"


@pytest.fixture(autouse=True)
def _registries_of_our_own() -> Iterator[None]:
    with events.isolated():
        yield


def lit(**changes: Any) -> LampLit:
    given: dict[str, Any] = {
        "aggregate_sequence": 1,
        "occurred_at": NOON_IN_BERLIN,
        "channel_id": 7,
        "lamp_id": ID,
        "lit_at": NOON_IN_BERLIN,
        "shade": Shade.DARK,
        "rooms": {"hall": 2},
        "tags": ("a", "b"),
    }
    return LampLit(**given | changes)


def test_a_payload_holds_the_fact_without_its_envelope_as_json_values() -> None:
    assert lit().payload() == {
        "lamp_id": str(ID),
        "lit_at": "2026-07-01T10:00:00Z",
        "shade": "dark",
        "rooms": {"hall": 2},
        "tags": ["a", "b"],
    }


def test_types_are_listed_by_who_may_hear_of_them() -> None:
    events.register(LampLit)
    assert events.types()["lamp.lit"] is LampLit
    assert "lamp.lit" in events.public_types()
    assert "lamp.lit" not in events.state_types()


def test_a_type_has_one_class() -> None:
    events.register(LampLit)
    events.register(LampLit)

    class Impostor(LampLit):
        pass

    with pytest.raises(ValueError, match=r"lamp\.lit"):
        events.register(Impostor)


def test_a_subscriber_has_one_handler_per_type() -> None:
    heard: list[object] = []
    events.subscribe(LampLit, name="hall.lights", handler=heard.append)
    events.subscribe("lamp.lit", name="hall.lights", handler=heard.append)
    assert events.subscription("lamp.lit", "hall.lights") is not None
    with pytest.raises(ValueError, match="already"):
        events.subscribe(LampLit, name="hall.lights", handler=print)


@pytest.mark.parametrize("name", ["", "webhook:1", "x" * 81])
def test_a_subscriber_s_name_can_t_be_mistaken(name: str) -> None:
    with pytest.raises(ValueError, match="subscriber"):
        events.subscribe(LampLit, name=name, handler=print)


def test_what_a_block_registers_is_forgotten_after_it() -> None:
    with events.isolated():
        events.register(LampLit)
        events.subscribe(LampLit, name="hall.lights", handler=print)
    assert "lamp.lit" not in events.types()
    assert events.subscription("lamp.lit", "hall.lights") is None
