"""A shop at noon on an ordinary Wednesday."""

from collections.abc import Iterator

import pytest

from commerce import clock
from tests.factories import orders as make


@pytest.fixture
def noon() -> Iterator[None]:
    """Let it be noon in Berlin, on a Wednesday without a holiday."""
    with clock.frozen(make.NOON):
        yield


@pytest.fixture
def shop(db: None, noon: None) -> make.Shop:
    """A store in Berlin, always open, with ten pieces of each of three products."""
    return make.shop()
