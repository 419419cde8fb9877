"""A real server for races over HTTP."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests import servers


@pytest.fixture
def granian_server(transactional_db: None) -> Iterator[str]:
    """The product's web server with two workers on the test database; its base URL."""
    with servers.serve() as base_url:
        yield base_url


@pytest.fixture
def granian_port(granian_server: str) -> int:
    port = urlsplit(granian_server).port
    assert port is not None
    return port
