"""Reconciliation three ways: files are read once, what is certain settles itself, people decide the rest, each line once."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from commerce import clock, ids
from commerce.errors import InvalidInput
from commerce.operations import kpis
from commerce.roles import Role
from commerce.transactions import transaction as one_transaction
from inventory.places import locations
from orders.models import SettlementLine, SettlementMatch
from orders.paying import PayMethod
from orders.payments import ledger
from orders.settlements import decisions, files, lists, matching
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db
STRIPE = "reporting_category,payment_intent_id,created,gross,fee,currency,description\n"
BANK = "Buchungstag;Betrag;Verwendungszweck\n"


def read(content: str, source: str = "bank") -> files.Reading:
    with one_transaction():
        return files.read(content.encode(), source=source, name=f"{source}.csv", by=ground.TESTER, at=clock.now())


def match() -> dict[str, int]:
    with one_transaction():
        return matching.run(by=ground.TESTER, at=clock.now())


def decide(verb, subject, **options) -> None:
    with one_transaction():
        verb(subject, by=ground.TESTER, at=clock.now(), **options)


@pytest.fixture
def order(shop):
    return shop.place({0: 3, 1: 1})  # 47.60


@pytest.fixture
def transfer(order):
    return pay.payment(order.id, order.total_minor, gateway="bank", method=PayMethod.BANK_TRANSFER)


def test_a_file_is_read_once_with_what_could_not_be_read(order):
    content = BANK + "18.11.2026;47,60;K-1\n18.11.2026;much;K-2\n31.02.2026;1,00;K-3\n18.11.2026;0,00;nothing\n"
    reading = read(content)
    assert (reading.is_new, reading.lines, reading.rejected) == (True, 1, 3)
    assert [number for number, _why in reading.rejects] == [3, 4, 5]
    assert "Betrag" in reading.rejects[0][1]
    again = read(content)
    assert (again.is_new, again.file_id) == (False, reading.file_id)
    assert SettlementLine.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("", "bank"),
        ("a,b\n1,2\n", "bank"),
        (BANK, "bank"),
        (BANK + "x;y;z\n", "bank"),
        ("x", "nobody"),
        ("\x00\x00", "bank"),
    ],
)
def test_what_is_no_statement_is_refused(order, content, source):
    with pytest.raises(InvalidInput):
        read(content, source)


def test_a_transfer_that_names_its_order_pays_it_alone(order, transfer):
    read(BANK + f"19.11.2026;47,60;Bestellung {order.number} Danke\n")
    assert match()["transfers"] == 1
    assert ledger.get(transfer.id).status == "captured"
    assert lists.counts() == {"proposals": 0, "open": 0}
    assert match() == {"provider": 0, "payouts": 0, "transfers": 0}


def test_a_transfer_of_another_amount_waits_for_a_person(order, transfer):
    read(BANK + f"19.11.2026;40,00;{order.number}\n")
    match()
    [proposal] = lists.proposals()
    assert (proposal.order_number, proposal.difference_minor, proposal.rule) == (order.number, -760, "named_differs")
    assert ledger.get(transfer.id).amounts.captured == 0
    decide(decisions.confirm, proposal.id)
    assert ledger.get(transfer.id).amounts.captured == 4000
    with pytest.raises(decisions.SettlementGone):
        decide(decisions.reject, proposal.id)


def test_what_was_rejected_is_never_proposed_again(order, transfer):
    read(BANK + "19.11.2026;47,60;somebody\n")
    match()
    [proposal] = lists.proposals()
    assert proposal.rule == "exact_alone"
    decide(decisions.reject, proposal.id)
    match()
    assert lists.proposals() == []
    [line] = lists.open_lines()
    decide(decisions.own, line.id, user=ground.user(), note="asked the bank")
    decide(decisions.set_aside, line.id, note="rent")
    assert lists.open_lines() == []
    with pytest.raises(decisions.SettlementGone):
        decide(decisions.set_aside, line.id, note="again")


def test_closing_a_line_takes_a_reason(order):
    read(BANK + "19.11.2026;9,00;?\n")
    with pytest.raises(InvalidInput):
        decide(decisions.set_aside, lists.open_lines()[0].id, note=" ")


def test_the_provider_its_payout_and_the_account_are_compared(order):
    paid = pay.payment(order.id, 4760, gateway="stripe", authorised=4760, captured=4760, provider_reference="pi_1")
    with clock.frozen(make.NOON + timedelta(days=5)):
        assert lists.owing(at=clock.now())[0].missing_minor == 4760
        read(
            STRIPE + "charge,pi_1,2026-11-18,47.60,0.96,eur,\ncharge,pi_2,2026-11-18,10.00,0.40,eur,\n"
            "fee,,2026-11-18,-1.00,0,eur,\npayout,,2026-11-20,-46.64,0,eur,\n",
            "stripe",
        )
        read(BANK + "21.11.2026;46,64;STRIPE PAYMENTS EUROPE\n22.11.2026;46,64;STRIPE again\n")
        found = match()
        assert found["provider"] == 1
        assert ledger.get(paid.id).amounts.fee == 96
        assert lists.owing(at=clock.now()) == []
        assert [one.rule for one in lists.proposals()] == ["payout_named", "payout_named"]  # two lines, one payout
        decide(decisions.confirm, lists.proposals()[0].id)
        assert lists.proposals() == []
        assert {line.reference or line.text for line in lists.open_lines()} == {"pi_2", "STRIPE again"}
        ages = lists.ageing(on=clock.now().date())
        assert (ages["0-2"]["EUR"][0], ages["3-7"]["EUR"][0]) == (1, 1)


def test_a_settlement_of_more_than_was_taken_waits_for_a_person(order):
    pay.payment(order.id, 4760, gateway="stripe", authorised=4760, captured=4000, provider_reference="pi_1")
    read(STRIPE + "charge,pi_1,2026-11-18,47.60,0.96,eur,\n", "stripe")
    match()
    [proposal] = lists.proposals()
    assert (proposal.rule, proposal.difference_minor) == ("reference_differs", 760)


def test_the_database_settles_a_line_once(order, transfer):
    read(BANK + f"19.11.2026;47,60;{order.number}\n")
    match()
    known = SettlementMatch.objects.get()
    other = pay.payment(order.id, 10, gateway="bank")
    with pytest.raises(IntegrityError, match="settlement_line_settled_once"), transaction.atomic():
        SettlementMatch.objects.create(
            id=ids.new(),
            line=known.line,
            payment_id=other.id,
            rule="x",
            certainty=1,
            state="confirmed",
            created_at=clock.now(),
        )


# --- on screen --------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(shop, signed_in):
    agent = ground.user()
    with one_transaction():
        locations.assign(agent, Role.SERVICE_AGENT, None, by=ground.TESTER)
    return signed_in(agent)


def upload(desk, content: str, source: str = "bank"):
    file = SimpleUploadedFile("statement.csv", content.encode(), content_type="text/csv")
    return desk.post("/staff/settlements/read/", {"source": source, "file": file}, follow=True)


def test_a_file_is_read_and_decided_on_screen(desk, order, transfer, shop, signed_in):
    assert "No file was read yet" in desk.get("/staff/settlements/").content.decode()
    shown = upload(desk, BANK + f"19.11.2026;40,00;{order.number}\n19.11.2026;??;broken\n").content.decode()
    assert "Line 3 was not read" in shown
    assert order.number in shown
    [proposal] = lists.proposals()
    assert signed_in(shop.manager).post(f"/staff/settlements/matches/{proposal.id}/confirm/").status_code == 403
    said = desk.post(f"/staff/settlements/matches/{proposal.id}/confirm/", follow=True).content.decode()
    assert "Settled" in said
    again = desk.post(f"/staff/settlements/matches/{proposal.id}/confirm/", follow=True).content.decode()
    assert "decided about this already" in again
    rejected = desk.get(f"/staff/settlements/files/{lists.files()[0].id}/rejects/").content.decode()
    assert rejected.splitlines()[0] == "line,reason"
    assert (
        "nothing has changed"
        in upload(desk, BANK + f"19.11.2026;40,00;{order.number}\n19.11.2026;??;broken\n").content.decode()
    )


def test_a_wrong_file_is_refused_beside_its_field(desk, order):
    answer = upload(desk, "nothing,of,use\n1,2,3\n")
    assert answer.status_code == 422
    assert desk.post("/staff/settlements/read/", {"source": "bank"}).status_code == 422


def test_figures_are_shown_and_handed_out(desk, order):
    pay.payment(order.id, 4760, gateway="demo", authorised=4760, captured=4760)
    pay.payment(order.id, 4760, gateway="demo", failure="insufficient_funds")
    period = {"since": clock.now() - timedelta(days=1), "until": clock.now() + timedelta(days=1)}
    assert kpis.ask("payments.authorisation_rate", **period)[0].value == 50
    assert kpis.ask("payments.decline_reasons", **period)[0].label == "not enough money on the account"
    pay.payment(order.id, 4760, gateway="demo", failure="incorrect_cvc")
    pay.payment(order.id, 4760, gateway="demo", failure="invalid_cvc")
    told = [(row.label, row.of) for row in kpis.ask("payments.decline_reasons", **period)]
    assert told == [("wrong security code", 2), ("not enough money on the account", 1)], "by what they say, not by code"
    cost = kpis.ask("payments.cost", **period)[0]
    assert cost.facts["estimated_minor"] == 96
    shown = desk.get("/staff/settlements/figures/?days=7").content.decode()
    assert "not enough money on the account" in shown
    rows = desk.get("/staff/settlements/figures.csv?days=7").content.decode().splitlines()
    assert rows[0].startswith("figure,unit,of,currency,value")
    assert any("payments.cost" in row for row in rows)


def test_open_lines_age_by_currency(order):
    read(BANK + "18.11.2026;10,00;one\n")
    with one_transaction():
        files.read(
            (BANK + "18.11.2026;7,00;two\n").encode(), source="bank", name="chf.csv", currency="CHF", by=ground.TESTER,
            at=clock.now(),
        )  # fmt: skip
    assert lists.ageing(on=clock.now().date())["0-2"] == {"CHF": (1, 700), "EUR": (1, 1000)}


def test_a_transfer_of_the_day_before_is_near_enough_as_the_bank_counts_days(order):
    night = clock.now().replace(hour=23, minute=30)  # it is tomorrow in Berlin already
    with clock.frozen(night):
        paid = pay.payment(order.id, order.total_minor, gateway="bank", method=PayMethod.BANK_TRANSFER)
        read(BANK + f"{night - timedelta(days=1):%d.%m.%Y};47,60;{order.number}\n")
        assert match()["transfers"] == 0
        read(BANK + f"{night:%d.%m.%Y};47,60;{order.number} Danke\n")
        assert match()["transfers"] == 1
    assert ledger.get(paid.id).status == "captured"
