"""The quick reader of reservation bodies never accepts what the serializer refuses, nor reads anything else into it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.api import plain
from inventory.api.serializers import ReservationBatchBody, ReservationBody

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.integers(-5, 10**12),
    st.text(max_size=130),
    st.lists(st.integers()),
)
WORD = st.one_of(st.from_regex(r"[A-Z]{1,3}[ -~]{0,20}", fullmatch=True), ODD)
LINE = st.fixed_dictionaries(
    {"sku": WORD, "quantity": st.one_of(st.integers(1, 5), ODD)}, optional={"colour": ODD}
) | st.fixed_dictionaries({"sku": WORD})
BODY = st.fixed_dictionaries(
    {"location": WORD, "lines": st.one_of(st.lists(LINE, max_size=3), ODD)},
    optional={"ttl_seconds": st.one_of(st.integers(50, 4000), ODD), "reference": WORD, "extra": ODD},
)
GOOD = {"location": "BER01", "lines": [{"sku": "LAMP-1", "quantity": 2}], "ttl_seconds": 600, "reference": "basket 7"}


@given(BODY)
def test_what_is_read_quickly_is_what_the_serializer_reads(body: dict[str, Any]) -> None:
    quick = plain.reservation(body)
    if quick is not None:
        assert quick == ReservationBody.read(body)


@given(st.fixed_dictionaries({"items": st.lists(BODY, max_size=3)}, optional={"extra": ODD}) | ODD)
def test_a_batch_likewise(body: Any) -> None:
    quick = plain.batch(body)
    if quick is not None:
        assert quick == ReservationBatchBody.read(body)["items"]


@pytest.mark.parametrize("left_out", [None, "ttl_seconds", "reference"])
def test_the_documented_body_takes_the_quick_way(left_out: str | None) -> None:
    body = {name: value for name, value in GOOD.items() if name != left_out}
    assert plain.reservation(body) == ReservationBody.read(body)
    assert plain.batch({"items": [body]}) == [ReservationBody.read(body)]
