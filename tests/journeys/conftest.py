"""Journeys: a running Kontor for whole stories; headless Chromium, one page per person and device."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from commerce.models import User
from commerce.transactions import transaction
from tests import servers
from tests.journeys import people

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def kontor(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[people.Kontor]:
    """The product as it runs: web server and relay, on this run's database, with as many TOWNS as the module asks for.

    Its tests share one database, each in a town of its own; it is emptied after the last of them.
    """
    with django_db_blocker.unblock():
        try:
            call_command("load_postal_codes", verbosity=0, stdout=io.StringIO())
            towns = [people.town() for _ in range(request.module.TOWNS)]
            with servers.serve(workers=2) as url, servers.started(servers.manage("relay_outbox")):
                made = people.Kontor(url, towns)
                yield made
                print(f"\nWhat was promised within two seconds took: {made.figures()}")
        finally:
            call_command("flush", interactive=False, verbosity=0)
            connection.close()  # it may belong to the context of the browser's driver, where nobody else would close it


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip that says so. Its driver runs a loop in this thread, so Django must be told that this is fine."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        assert os.environ.get("CI") != "true", "CI needs Chromium"
        pytest.skip("no Chromium found: install the package chromium to run the browser tests")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Return `opened(user, phone=…, language=…, dark=…)`: a signed-in page of that person on that device.

    A page that logs an error or breaks the Content-Security-Policy fails the test.
    """
    with ExitStack() as stack:
        complaints: list[str] = []

        def open_page(user: User | None, *, phone: bool = False, language: str = "en", dark: bool = False) -> Page:
            context = browser.new_context(
                base_url=live_server.url,
                viewport=PHONE if phone else DESKTOP,
                has_touch=phone,
                is_mobile=phone,
                locale={"de": "de-DE", "en": "en-GB"}[language],
                color_scheme="dark" if dark else "light",
                service_workers="block",
            )
            stack.callback(context.close)
            if user is not None:
                with transaction():
                    User.objects.filter(pk=user.pk).update(language=language)
                client = Client()
                client.force_login(user)
                session = client.cookies[settings.SESSION_COOKIE_NAME].value
                context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
            )
            return page

        yield open_page
        assert complaints == []


def fits(page: Page) -> None:
    """Nothing sticks out sideways and axe finds nothing, on the page that stands when what was pressed has loaded."""
    page.wait_for_load_state()
    page.wait_for_function("document.documentElement !== null")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways"
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page when somebody wants to look at it: KONTOR_PICTURES names the folder."""
    folder = os.environ.get("KONTOR_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True, caret="initial")
