"""A shop at noon on an ordinary Wednesday."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from commerce import clock
from commerce.models import User
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


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return `signed_in(user)`: the browser of someone who has signed in, as far as HTTP goes."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
