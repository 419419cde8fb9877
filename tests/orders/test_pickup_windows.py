"""Windows that can be promised: opening hours, holidays by region, daylight saving, preparation, capacity."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from commerce import quotas
from commerce.errors import InvalidInput
from commerce.transactions import transaction
from inventory.places.locations import LocationRef
from orders import errors, opening, pickup_windows

BERLIN = ZoneInfo("Europe/Berlin")


def place(hours: str = "Mo-Sa 09:00-20:00", **values: object) -> LocationRef:
    ref = LocationRef(
        id=1, code="BER01", name="Berlin", kind="store", capabilities=frozenset({"pickup"}), street="", postal_code="10115",
        city="Berlin", country="DE", region="BE", latitude=52.5, longitude=13.4, time_zone="Europe/Berlin",
        opening_hours=hours, pickup_slot_minutes=60, pickup_slot_capacity=2, pickup_lead_minutes=120,
        pickup_horizon_days=7, pickup_keep_days=3, is_active=True,
    )  # fmt: skip
    return replace(ref, **values)


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def starts(location: LocationRef, at: datetime, days: int = 1) -> list[str]:
    found = pickup_windows.windows_between(location, at=at, days=days)
    return [start.astimezone(ZoneInfo(location.time_zone)).strftime("%a %H:%M") for start, _ in found]


# --- opening hours --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "is_open"), [("BE", True), ("BY", False)])
def test_all_saints_is_a_holiday_in_bavaria_not_in_berlin(region, is_open):
    found = opening.intervals_on("Mo-Su 09:00-20:00", "Europe/Berlin", "DE", region, date(2026, 11, 1))
    assert bool(found) is is_open


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("Mo-Sa 09:00-20:00", []),
        ("Mo-Sa 09:00-20:00; PH off", []),
        ("Mo-Sa 09:00-20:00; PH 10:00-14:00", [(10, 14)]),
        ("Mo-Sa 09:00-20:00; Su,PH 11:00-16:00", [(11, 16)]),
        ("Mo-Fr,PH 08:00-12:00,13:00-17:00", [(8, 12), (13, 17)]),
        ("24/7", []),
        ("24/7; PH 10:00-12:00", [(10, 12)]),
    ],
)
def test_a_public_holiday_is_closed_unless_it_has_a_rule_of_its_own(expression, hours):
    christmas = date(2026, 12, 25)
    found = opening.intervals_on(expression, "Europe/Berlin", "DE", "BE", christmas)
    assert [(start.astimezone(BERLIN).hour, end.astimezone(BERLIN).hour) for start, end in found] == hours


def test_an_ordinary_day_does_not_know_the_rule_for_holidays():
    found = opening.intervals_on("Mo-Fr 09:00-18:00; PH 10:00-14:00", "Europe/Berlin", "DE", "BE", date(2026, 11, 18))
    assert found == ((local(18, 9), local(18, 18)),)


def test_a_day_has_25_hours_when_the_clock_goes_back_and_23_when_it_goes_forward():
    always = place("24/7", pickup_lead_minutes=0)
    assert (
        len(
            pickup_windows.slots_of(next(pickup_windows.opening_days(always, start=local(25, 0, month=10), days=1)), 60)
        )
        == 25
    )
    spring = datetime(2026, 3, 29, tzinfo=BERLIN).astimezone(UTC)
    assert len(pickup_windows.slots_of(next(pickup_windows.opening_days(always, start=spring, days=1)), 60)) == 23


def test_local_opening_is_another_instant_after_the_change_of_the_clock():
    shop = place("Mo-Su 09:00-20:00", pickup_lead_minutes=0)
    found = pickup_windows.windows_between(shop, at=local(24, 0, month=10), days=2)
    first_of = {start.astimezone(BERLIN).date(): start for start, _ in reversed(found)}
    assert [start.hour for start in first_of.values()] == [8, 7]  # 09:00 is 08:00 UTC in winter, 07:00 in summer


# --- what can be promised -------------------------------------------------------------------------------------------


def test_windows_lie_wholly_within_opening_hours_and_leave_time_to_prepare():
    assert starts(place("Mo-Sa 09:00-12:30"), local(18, 6)) == ["Wed 11:00"]
    assert starts(place("Mo-Sa 09:00-12:30"), local(18, 9, 15)) == []


def test_preparation_counts_only_while_the_store_is_open():
    evening = local(18, 19)  # one hour before closing; one more is needed tomorrow
    assert pickup_windows.earliest_ready(place(), at=evening) == local(19, 10)
    assert starts(place(), evening, days=2)[0] == "Thu 10:00"


def test_saturday_evening_goes_on_on_monday():
    assert pickup_windows.earliest_ready(place(), at=local(21, 19, 30)) == local(23, 10, 30)


def test_the_horizon_bounds_what_is_asked_for():
    near = place(pickup_horizon_days=1)
    assert {text[:3] for text in starts(near, local(18, 6), days=30)} == {"Wed", "Thu"}


def test_a_place_without_hours_has_no_windows():
    assert starts(place(""), local(18, 6), days=7) == []
    assert pickup_windows.earliest_ready(place(""), at=local(18, 6)) is None


@pytest.mark.parametrize(
    "text", ["", "BER01", "BER01:", "BER01:tomorrow", "BER01:2026-11-21T14:00:00", ":2026-11-21T14:00:00Z"]
)
def test_a_window_is_named_in_one_way(text):
    with pytest.raises(InvalidInput) as refused:
        pickup_windows.parse_id(text)
    assert refused.value.errors[0]["field"] == "window"


def test_the_name_of_a_window_is_read_back():
    start = local(21, 15)
    assert pickup_windows.parse_id(pickup_windows.window_id(place(), start)) == ("BER01", start)
    assert pickup_windows.parse_id("BER01:2026-11-21T14:00:00Z") == ("BER01", start)


# --- capacity -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_window_takes_as_many_orders_as_it_has_room_for_and_names_others_when_full():
    store, at = place(), local(18, 6)
    start = local(18, 11)
    with transaction():
        quotas.book([pickup_windows.booking(store, start, purpose=f"order:{number}") for number in range(2)], at=at)
    left = {window.starts_at: window.left for window in pickup_windows.open_windows(store, at=at, days=1)}
    assert left[start] == 0
    assert left[start + timedelta(hours=1)] == 2
    with pytest.raises(quotas.QuotaExhausted), transaction():
        quotas.book([pickup_windows.booking(store, start, purpose="order:3")], at=at)
    assert pickup_windows.full(store, start, at=at).detail["alternatives"][0] == {
        "id": "BER01:2026-11-18T11:00:00Z",
        "starts_at": "2026-11-18T11:00:00Z",
        "ends_at": "2026-11-18T12:00:00Z",
        "left": 2,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("start", [local(18, 8), local(18, 10), local(18, 11, 30), local(22, 12), local(18, 20)])
def test_a_window_that_is_not_open_is_refused_with_those_that_are(start):
    with pytest.raises(errors.WindowClosed) as refused:
        pickup_windows.find(place(), start, at=local(18, 8, 30))
    assert refused.value.detail["alternatives"][0]["id"] == "BER01:2026-11-18T10:00:00Z"
