"""Files of prices, costs and promotions through the API: each seen by its own channel's keys alone, and forgotten in time."""

import base64
from datetime import timedelta

import pytest
from django.test import Client

from commerce import transactions
from commerce.roles import Role, Scope
from inventory.places import locations
from pricing.exchange import exporting, files
from pricing.file_states import Kind
from pricing.models import PriceFile, RulesetDraft
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    make.price_list()
    make.prices({ground.product("MUG").id: 1000})


def brought(key, kind, text, **more):
    body = {"kind": kind, "name": "a.csv", "content": base64.b64encode(text.encode()).decode(), **more}
    return Client().post("/api/v1/price-files", body, content_type="application/json", **key.headers)


def test_a_file_of_one_channel_is_not_there_for_the_keys_of_another(shop):
    mine, other = ground.key(None, Scope.PRICES_WRITE), ground.key(None, Scope.PRICES_WRITE)
    made = brought(mine, "prices", "sku;amount\nMUG;9,99", price_list="standard").json()
    path = f"/api/v1/price-files/{made['id']}"
    assert files.work()
    assert Client().get(path, **mine.headers).json()["state"] == "checked"
    assert Client().get(path, **other.headers).status_code == 404
    stolen = Client().post(f"{path}/confirmation", {}, content_type="application/json", **other.headers)
    assert (stolen.status_code, PriceFile.objects.get().state) == (404, "checked")
    own = Client().post(f"{path}/confirmation", {}, content_type="application/json", **mine.headers)
    assert own.status_code == 202
    assert files.work()
    assert Client().get(path, **mine.headers).json()["state"] == "applied"


def test_promotions_come_by_api_as_a_draft_of_the_person_behind_the_key(shop):
    text = "id;name;kind;percent;categories\nSALE;Sale;percent_off;20;Toys\nBAD;Bad;percent_off;140;"
    nobody = ground.key(None, Scope.PRICES_WRITE, Scope.PROMOTIONS_WRITE)
    assert brought(nobody, "promotions", text).json()["code"] == "not_an_author"
    person = ground.user()
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=ground.TESTER)
    lacks = ground.key(None, Scope.PRICES_WRITE, person=person)
    assert brought(lacks, "promotions", text).status_code == 403
    key = ground.key(None, Scope.PRICES_WRITE, Scope.PROMOTIONS_WRITE, person=person)
    made = brought(key, "promotions", text)
    assert made.status_code == 202, made.content
    path = f"/api/v1/price-files/{made.json()['id']}"
    assert files.work()
    seen = Client().get(path, **key.headers).json()
    assert (seen["state"], seen["rows_wrong"], seen["faults"][0]["line"]) == ("checked", 1, 3)
    body = {"takes_good_rows": True}
    Client().post(f"{path}/confirmation", body, content_type="application/json", **key.headers)
    assert files.work()
    draft = Client().get(path, **key.headers).json()["draft"]
    assert [one["id"] for one in RulesetDraft.objects.get(pk=draft).content["promotions"]] == ["SALE"]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_in_force_is_taken_out_by_api(shop, kind):
    key = ground.key(None, Scope.PRICES_WRITE)
    for ending in exporting.FORMATS:
        answer = Client().get(f"/api/v1/price-exports?kind={kind}&format={ending}", **key.headers)
        assert answer.status_code == 200
        assert answer.content
    assert Client().get("/api/v1/price-exports?kind=shoes", **key.headers).status_code == 400
    assert (
        Client().get(f"/api/v1/price-exports?kind={kind}", **ground.key(None, Scope.ORDERS_READ).headers).status_code
        == 403
    )


def test_what_stood_in_old_files_is_forgotten_and_what_came_of_it_stays(shop, monkeypatch):
    key = ground.key(None, Scope.PRICES_WRITE)
    brought(key, "prices", "sku;amount\nMUG;9,99", price_list="standard")
    assert files.work()
    file = PriceFile.objects.get()
    for days, gone in ((399, 0), (401, 1), (402, 0)):
        at = file.uploaded_at + timedelta(days=days)
        with transactions.transaction():
            assert files.prune(at=at, at_most=10) == gone
    file.refresh_from_db()
    assert (bytes(file.content), file.rows_read, file.state) == (b"", 1, "checked")
    assert files.faults_of(file.pk) == []
