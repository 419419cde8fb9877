"""Reconciliation through the API: files once, proposals decided once, what is open by age and currency."""

import base64
import json

import pytest
from django.test import Client

from commerce.roles import Scope
from orders.models import SettlementLine
from tests.factories import commerce as ground
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db
STRIPE = "reporting_category,payment_intent_id,created,gross,fee,currency,description\n"
BANK = "Buchungstag;Betrag;Verwendungszweck\n"


@pytest.fixture
def call(shop):
    key = ground.key(shop.channel, Scope.SETTLEMENTS_WRITE)

    def call(method: str, path: str, body=None, **headers):
        given = {"Idempotency-Key": f"{method}-{path}-{len(str(body))}", **headers}
        answer = Client().generic(
            method, f"/api/v1/{path}", json.dumps(body) if body is not None else "", content_type="application/json",
            **key.headers, **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in given.items()},
        )  # fmt: skip
        return answer.status_code, answer.json()

    return call


def file_of(content: str, source: str = "stripe", **more) -> dict:
    return {"source": source, "name": "a.csv", "content": base64.b64encode(content.encode()).decode(), **more}


def test_a_file_comes_in_once_and_its_proposals_are_decided_once(call, shop):
    order = shop.place({0: 3, 1: 1})
    pay.payment(order.id, 4760, gateway="stripe", authorised=4760, captured=4000, provider_reference="pi_1")
    sent = file_of(STRIPE + "charge,pi_1,2026-11-18,47.60,0.96,eur,\nnonsense\n")
    status, made = call("POST", "settlement-files", sent)
    assert (status, made["is_new"], made["lines"], made["rejected"], made["found"]) == (201, True, 1, 1, 1)
    assert made["rejects"][0]["line"] == 3
    assert call("POST", "settlement-files", sent, **{"Idempotency-Key": "again"})[1]["is_new"] is False
    status, waiting = call("GET", "settlement-proposals")
    [proposal] = waiting["items"]
    assert (status, waiting["waiting"], proposal["order"], proposal["difference_minor"]) == (200, 1, order.number, 760)
    path = f"settlement-proposals/{proposal['id']}/confirm"
    assert call("POST", path)[1] == {"id": proposal["id"], "outcome": "confirmed"}
    status, gone = call("POST", path, **{"Idempotency-Key": "later"})
    assert (status, gone["code"]) == (404, "settlement_gone")
    assert call("GET", "settlement-proposals")[1] == {"items": [], "waiting": 0}


def test_open_lines_are_told_by_age_and_currency_and_set_aside_with_a_reason(call, noon):
    call("POST", "settlement-files", file_of(BANK + "18.11.2026;-12,00;Miete\n", "bank"))
    call("POST", "settlement-files", file_of(BANK + "10.11.2026;7,00;x\n", "bank", currency="CHF"))
    _status, told = call("GET", "settlement-lines")
    assert [(one["age"], one["currency"], one["lines"], one["amount_minor"]) for one in told["ageing"]] == [
        ("0-2", "EUR", 1, 1200),
        ("8-30", "CHF", 1, 700),
    ]
    rent = next(one for one in told["items"] if one["text"] == "Miete")
    assert call("POST", f"settlement-lines/{rent['id']}/set-aside", {})[0] == 400
    assert call("POST", f"settlement-lines/{rent['id']}/set-aside", {"note": "rent"})[1]["outcome"] == "set_aside"
    assert SettlementLine.objects.filter(settled_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"content": "%%"}, "content"), ({"source": "nobody"}, "source"), ({"name": ""}, "name"), ({"odd": 1}, "odd")],
)
def test_what_is_no_file_is_refused_by_its_field(call, change, field):
    status, refused = call("POST", "settlement-files", {**file_of(BANK + "18.11.2026;1,00;x\n", "bank"), **change})
    assert status == 400
    assert refused["errors"][0]["field"] == field


def test_another_scope_opens_nothing(shop):
    key = ground.key(shop.channel, Scope.PAYMENTS_WRITE)
    assert Client().get("/api/v1/settlement-lines", **key.headers).status_code == 403
