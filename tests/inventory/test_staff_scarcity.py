"""The desk of scarcity: terms, what was said with its proof, who waits, and experiments that can be stopped."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import clock
from commerce.models import Experiment
from commerce.operations import experiments
from commerce.operations.experiments import Metric, Outcome, VariantSpec
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import ScarcityClaim
from inventory.promising import waiting_list
from inventory.scarcity import messages, places, terms
from inventory.scarcity_facts import Kind, Tone
from tests.factories import commerce as ground
from tests.inventory.conftest import BY, Shelf
from tests.inventory.test_staff_sharing import signed_in, text_of

pytestmark = pytest.mark.django_db

DESK = "/staff/scarcity/"
WAITING, EXPERIMENTS = DESK + "waiting/", DESK + "experiments/"
TERMS = {"few": 3, "fresh_seconds": 100, "soft_seconds": 200, "shown_seconds": 50, "experiment": "", "is_active": "on"}


def said(shelf: Shelf) -> None:
    with transaction():
        messages.messages(
            [shelf.product_id], channel_id=shelf.channel_id, country="DE", locale="en", at=clock.now(),
            place=places.of_location(shelf.store),
        )  # fmt: skip


def waits(shelf: Shelf, who: str, product_id: int | None = None) -> None:
    with transaction():
        waiting_list.join(
            channel_id=shelf.channel_id, product_id=product_id or shelf.product_id, location_id=shelf.store.id, quantity=2,
            subscriber=who, by=BY, at=clock.now(),
        )  # fmt: skip


def tried(key: str = "few") -> None:
    at = clock.now() - timedelta(days=9)
    with transaction():
        variants = [VariantSpec("control", 5_000, is_control=True), VariantSpec("loud", 5_000)]
        experiments.draft(key, "Few of few", variants, guardrails={Metric.CANCELLATION: 100}, by=BY, at=at)
        experiments.start(key, by=BY, at=at)
        for number in range(600):
            unit, met = f"u{number}", experiments.assigned(key, f"u{number}")
            assert met is not None
            experiments.expose(met, at=at)
            outcomes = [Outcome(unit, Metric.ORDER, at)]
            if met.variant == "loud":
                outcomes.append(Outcome(unit, Metric.CANCELLATION, at))
            experiments.report(key, outcomes, by=BY, at=clock.now())


def test_terms_are_changed_and_contradictions_stay_on_the_page(shelf: Shelf) -> None:
    client = signed_in()
    assert "up to 5 pieces; a number for 5 min" in text_of(client.get(DESK))
    address = f"{DESK}policies/{shelf.channel_id}/"
    assert client.get(address).status_code == 200
    refused = client.post(address, TERMS | {"soft_seconds": 60})
    assert (refused.status_code, "doesn’t fit" in refused.content.decode()) == (422, True)
    assert client.post(address, TERMS | {"few": 0}).status_code == 422
    assert terms.of_channel(shelf.channel_id).terms.few == 5
    assert "hold within seconds" in text_of(client.post(address, TERMS, follow=True))
    assert terms.of_channel(shelf.channel_id).terms.few == 3
    assert client.get(DESK + "policies/0/").status_code == 404


def test_what_was_said_is_listed_and_proven(shelf: Shelf) -> None:
    client = signed_in()
    assert "Nothing was said" in text_of(client.get(DESK))
    shelf.allocate(8)
    said(shelf)
    assert "Only 2 left in Berlin" in text_of(client.get(DESK))
    claim = ScarcityClaim.objects.get()
    page = text_of(client.get(f"{DESK}claims/{claim.pk}/"))
    assert "10 on hand, 8 promised, 0 in baskets, 0 withheld: 2 available" in page
    assert "True" in page
    assert client.get(DESK + "claims/00000000-0000-4000-8000-000000000000/").status_code == 404


def test_who_waits_for_what_is_counted_and_nobody_is_named(shelf: Shelf) -> None:
    client = signed_in()
    assert "Nobody waits" in text_of(client.get(WAITING))
    shelf.allocate(10)
    waits(shelf, "ref-one"), waits(shelf, "ref-two")
    page = text_of(client.get(WAITING))
    assert "2 wait" in page
    assert "4 pieces" in page
    assert "nothing on its way" in page
    assert "ref-one" not in page


def test_experiments_show_their_intervals_and_are_stopped_with_a_reason(db: None) -> None:
    client = signed_in()
    assert "Nothing is being tried" in text_of(client.get(EXPERIMENTS))
    tried()
    answer = client.get(EXPERIMENTS)
    assert "Cancellations" in text_of(answer)
    assert 'class="broken"' in answer.content.decode()
    stop = f"{EXPERIMENTS}few/stop/"
    client.post(stop, {"reason": " "}, follow=True)
    assert Experiment.objects.get().state == "running"
    assert "too loud" in text_of(client.post(stop, {"reason": "too loud"}, follow=True))
    assert Experiment.objects.get().state == "stopped"
    assert client.post(f"{EXPERIMENTS}none/stop/", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("role", [Role.CLERK, Role.STORE_MANAGER, Role.SERVICE_AGENT])
def test_only_merchandisers_come_in(shelf: Shelf, role: Role) -> None:
    shelf.allocate(8)
    said(shelf)
    claim, client = ScarcityClaim.objects.get(), signed_in(role)
    for address in (DESK, WAITING, EXPERIMENTS, f"{DESK}policies/{shelf.channel_id}/", f"{DESK}claims/{claim.pk}/"):
        assert client.get(address).status_code == 403, address
    assert client.post(f"{DESK}policies/{shelf.channel_id}/", TERMS).status_code == 403
    assert client.post(f"{EXPERIMENTS}few/stop/", {"reason": "x"}).status_code == 403


def test_pages_cost_the_same_however_much_there_is(shelf: Shelf) -> None:
    client = signed_in(language="de")

    def cost(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    shelf.allocate(8)
    said(shelf)
    waits(shelf, "a")
    few: dict[str, Any] = {address: cost(address) for address in (DESK, WAITING)}
    for number in range(9):
        ground.channel()
        waits(shelf, f"b{number}", ground.product().id)
    assert {address: cost(address) for address in few} == few


# --- wordings and new experiments -----------------------------------------------------------------------------------

WORDINGS = DESK + "wordings/"
CALM = {"message": "few_left:firm:en", "one": "{count} left {place}", "other": "{count} left {place}", "variant": ""}


def test_a_wording_is_written_checked_and_taken_back(db: None) -> None:
    client = signed_in(Role.MERCHANDISER)
    assert "Only {count} left {place}" in text_of(client.get(WORDINGS))
    begun = client.get(f"{WORDINGS}new/?message=few_left:firm:en")
    assert begun.context["form"].initial["one"] == "Only {count} left {place}"
    for wrong, sentence in [
        ({"one": "Hurry, only {count} left {place}"}, "No figure of stock carries “Hurry”."),
        ({"other": "Few left {place}"}, "Each of these placeholders has to be there once: {count}, {place}."),
        ({"message": "few_left:loud:en"}, "Select a valid choice"),
        ({"one": ""}, "This field is required."),
    ]:
        refused = client.post(f"{WORDINGS}new/", CALM | wrong)
        assert refused.status_code == 422
        assert sentence in text_of(refused)
    assert client.post(f"{WORDINGS}new/", CALM).status_code == 302
    assert (
        client.post(f"{WORDINGS}new/", CALM | {"variant": "calm", "other": "Now {count} left {place}"}).status_code
        == 302
    )
    page = text_of(client.get(WORDINGS))
    assert "our own" in page
    assert "Now {count} left {place}" in page
    assert terms.wording(Kind.FEW_LEFT, Tone.FIRM, "en").one == "{count} left {place}"
    for row in terms.wordings():
        assert client.post(f"{WORDINGS}{row.pk}/remove/").status_code == 302
        assert client.post(f"{WORDINGS}{row.pk}/remove/").status_code == 302
    assert terms.wording(Kind.FEW_LEFT, Tone.FIRM, "en").one == "Only {count} left {place}"


def test_an_experiment_is_drafted_started_and_only_once(db: None) -> None:
    client = signed_in(Role.MERCHANDISER)
    form = {
        "key": "few-three", "name": "Few means three", "share": "10", "few": "3", "wording": "", "cancellation": "1",
        "returned": "2", "complaint": "0.5",
    }  # fmt: skip
    for wrong, sentence in [
        ({"few": ""}, "Say what is different"),
        ({"share": "51"}, "less than or equal to 50"),
        ({"share": "-1"}, "greater than or equal to 1"),
        ({"cancellation": "101"}, "less than or equal to 100"),
    ]:
        refused = client.post(f"{EXPERIMENTS}new/", form | wrong)
        assert refused.status_code == 422
        assert sentence in text_of(refused)
    assert client.post(f"{EXPERIMENTS}new/", form).status_code == 302
    row = Experiment.objects.get()
    assert (row.state, row.guardrails) == ("draft", {"cancellation": 100, "return": 200, "complaint": 50})
    assert {one.name: (one.settings, one.buckets) for one in row.variants.all()} == {
        "control": ({}, [[0, 1000]]), "variant": ({"few": 3}, [[1000, 2000]]),
    }  # fmt: skip
    assert "This key is taken." in text_of(client.post(f"{EXPERIMENTS}new/", form))
    assert "Start it" in text_of(client.get(EXPERIMENTS))
    assert "Started." in text_of(client.post(f"{EXPERIMENTS}few-three/start/", follow=True))
    row.refresh_from_db()
    assert row.state == "running"
    client.post(f"{EXPERIMENTS}few-three/start/", follow=True)
    assert client.post(f"{EXPERIMENTS}unknown/start/").status_code == 404


def test_only_the_desk_writes_words_and_experiments(shelf: Shelf) -> None:
    clerk = signed_in(Role.CLERK, shelf.store.id)
    for address in (WORDINGS, f"{WORDINGS}new/", f"{EXPERIMENTS}new/"):
        assert clerk.get(address).status_code == 403
