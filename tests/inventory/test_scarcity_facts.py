"""Which message a set of facts allows, and which words a message may use: rules without a database."""

from datetime import date

import pytest

from inventory.scarcity.words import HOUSE, LOCALES, Wording, day, fault, filled, is_said, where
from inventory.scarcity_facts import Kind, Seen, Terms, Tone, allowed, holds_true, summed, tone_of

FIRM, SOFT = Tone.FIRM, Tone.SOFT
NONE = Seen(0)


@pytest.mark.parametrize(
    ("here", "there", "arrives", "tone", "expected"),
    [
        (Seen(3), None, False, FIRM, [Kind.FEW_LEFT]),
        (Seen(5), None, False, FIRM, [Kind.FEW_LEFT]),
        (Seen(6), None, False, FIRM, []),
        (Seen(3, withheld=4), None, False, FIRM, [Kind.FEW_ORDERABLE]),  # seven lie on the shelf
        (Seen(3, waiting=2), None, False, FIRM, [Kind.FEW_ORDERABLE]),
        (Seen(3, backorderable=50), None, False, FIRM, []),  # more can be ordered: not scarce
        (Seen(0, withheld=4), None, False, FIRM, []),  # hidden from this channel, not sold out
        (Seen(0, withheld=4), Seen(2), True, FIRM, [Kind.ELSEWHERE_DELIVERED]),
        (Seen(0, held=2), None, False, FIRM, [Kind.IN_BASKETS]),
        (Seen(0, held=2), Seen(1), False, FIRM, [Kind.IN_BASKETS, Kind.ELSEWHERE]),
        (Seen(0, held=2), None, False, SOFT, []),  # baskets of ten minutes ago say nothing
        (NONE, None, False, FIRM, [Kind.SOLD_OUT]),
        (NONE, NONE, False, FIRM, [Kind.SOLD_OUT]),
        (NONE, Seen(9), False, FIRM, [Kind.SOLD_OUT_ELSEWHERE]),
        (NONE, Seen(9), True, FIRM, [Kind.SOLD_OUT_DELIVERED]),
        (NONE, Seen(9), True, SOFT, [Kind.SOLD_OUT_ELSEWHERE]),
        (Seen(0, levels=0), Seen(9), False, FIRM, [Kind.ELSEWHERE]),  # it was never sold here, so it can't be sold out
        (Seen(0, backorderable=3), None, False, FIRM, []),
    ],
)
def test_what_facts_allow(here: Seen, there: Seen | None, arrives: bool, tone: Tone, expected: list[Kind]) -> None:
    assert allowed(here, there, arrives=arrives, tone=tone, few=5) == expected


def test_whatever_is_allowed_is_carried_by_its_own_facts_and_not_by_better_ones() -> None:
    plenty = Seen(40)
    for held in (0, 2):
        for withheld in (0, 3):
            for available in (0, 1, 5):
                here, there = Seen(available, held, withheld), Seen(7)
                for kind in allowed(here, there, arrives=True, tone=FIRM, few=5):
                    assert holds_true(kind, available, here, there)
                    if kind not in (Kind.ELSEWHERE, Kind.ELSEWHERE_DELIVERED):
                        assert not holds_true(kind, available, plenty, there)
                    if available == 0 and kind is not Kind.IN_BASKETS and kind is not Kind.SOLD_OUT:
                        assert not holds_true(kind, available, here, NONE)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, (FIRM, 300)), (240, (FIRM, 60)), (241, (SOFT, 3_359)), (3_540, (SOFT, 60)), (3_541, None), (10**9, None)],
)
def test_a_fact_is_softened_and_then_withheld_as_it_ages(age: float, expected: object) -> None:
    """It must stay young enough for the minute that the shop shows it."""
    assert tone_of(age, Terms(few=5, fresh_seconds=300, soft_seconds=3_600, shown_seconds=60)) == expected


def test_places_together_hold_what_may_be_had_in_all() -> None:
    assert summed([Seen(2, 1), Seen(3, 0, 4)]) == Seen(5, 1, 4, levels=2)
    assert summed([Seen(2), Seen(3)], 4).available == 4
    assert summed([]).levels == 0


# --- words ----------------------------------------------------------------------------------------------------------


def test_the_house_has_a_sound_wording_for_everything_that_is_said_in_every_locale() -> None:
    for kind in Kind:
        for tone in Tone:
            said = {(kind, tone, locale) in HOUSE for locale in LOCALES}
            assert said == {is_said(kind, tone)}
    for (kind, tone, _), wording in HOUSE.items():
        assert not fault(kind, tone, wording.one), wording
        assert not fault(kind, tone, wording.other), wording


@pytest.mark.parametrize(
    ("kind", "tone", "text"),
    [
        (Kind.FEW_LEFT, FIRM, "Only {count} left"),  # where?
        (Kind.FEW_LEFT, FIRM, "Few left {place}"),  # how many?
        (Kind.FEW_LEFT, FIRM, "Only {count} of {count} left {place}"),
        (Kind.FEW_LEFT, FIRM, "Only {count} left {place}, {visitors} watch it"),
        (Kind.FEW_LEFT, FIRM, "Only {count!r} left {place}"),
        (Kind.FEW_LEFT, FIRM, "Only {count left {place}"),
        (Kind.FEW_LEFT, FIRM, "Only {count} left {place} for 2 hours"),
        (Kind.FEW_LEFT, FIRM, "Hurry, {count} left {place}"),
        (Kind.FEW_LEFT, FIRM, "Nur heute: {count} Stück {place}"),
        (Kind.FEW_LEFT, FIRM, "{count} left {place}, other people want it"),
        (Kind.FEW_LEFT, FIRM, "Beinahe ausverkauft: {count} {place}"),
        (Kind.FEW_LEFT, SOFT, "Only {count} left {place} ({as_of})"),  # an old number
        (Kind.FEW_LEFT, SOFT, "Few left {place}"),  # as of when?
        (Kind.IN_BASKETS, FIRM, "Sold out {place}"),
        (Kind.IN_BASKETS, SOFT, "In baskets {place} {as_of}"),
        (Kind.FEW_ORDERABLE, FIRM, "Only {count} left {place}"),
        (Kind.ELSEWHERE, FIRM, "Nur noch {other}"),
        (Kind.SOLD_OUT_ELSEWHERE, FIRM, "Sold out {place}"),
        (Kind.SOLD_OUT, FIRM, " "),
        (Kind.SOLD_OUT, FIRM, "x" * 201 + "{place}"),
    ],
)
def test_words_that_no_fact_carries_are_refused(kind: Kind, tone: Tone, text: str) -> None:
    assert fault(kind, tone, text)


def test_sentences_have_their_plural_and_their_place() -> None:
    wording = Wording("Just {count} piece {place}", "{count} pieces {place}")
    assert filled(wording, {"count": 1, "place": "in München"}, count=1) == "Just 1 piece in München"
    assert (
        filled(wording, {"count": 3, "place": "in {count}"}, count=3) == "3 pieces in {count}"
    )  # a name is no template
    assert where("group", "West", "de") == "in der Region West"
    assert where("all", "", "de") == "online"


@pytest.mark.parametrize(
    ("on", "german", "english"),
    [
        (date(2026, 11, 20), "heute", "today"),
        (date(2026, 11, 21), "morgen", "tomorrow"),
        (date(2026, 11, 23), "am Montag", "on Monday"),
        (date(2026, 12, 1), "am 01.12.", "on 1/12"),
    ],
)
def test_days_are_said_as_people_say_them(on: date, german: str, english: str) -> None:
    today = date(2026, 11, 20)
    assert (day(on, today=today, locale="de"), day(on, today=today, locale="en")) == (german, english)
