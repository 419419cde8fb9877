"""What every address of the API does: who calls, what they may, how often, and how it says no."""

from datetime import timedelta

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from commerce import clock, roles
from commerce.api import authentication, throttling
from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text, Whole
from commerce.api.paging import CursorPaging, PageParameters
from commerce.api.views import ApiRequest, ApiView
from commerce.channels import keys
from commerce.errors import Busy, Conflict
from commerce.models import Channel, IdempotencyKey
from commerce.roles import Scope
from commerce.transactions import transaction
from tests.factories import commerce as factories

PATH = "/api/v1/echo"


class Line(StrictSerializer):
    sku = Text(max_length=10)
    quantity = Quantity()


class EchoBody(StrictSerializer):
    name = Text(max_length=20)
    lines = Line(many=True, required=False, max_length=3)
    ttl_seconds = Whole(required=False, min_value=60, max_value=3600, default=900)
    at = Instant(required=False)

    def validate_name(self, name: str) -> str:
        if name == "busy":
            raise Busy("Not now.")
        return name


class EchoParameters(QueryParameters):
    days = Whole(required=False, min_value=1, max_value=7)


class Echo(ApiView):
    """Opens a channel named like the body says, once."""

    scopes = {"GET": Scope.CATALOG_READ, "POST": Scope.ORDERS_WRITE}

    def get(self, request: ApiRequest) -> HttpResponse:
        return self.with_etag(request, {"channel": request.auth.channel_code} | EchoParameters.of(request))

    def post(self, request: ApiRequest) -> HttpResponse:
        body = EchoBody.read(request.data)

        def work() -> tuple[int, dict[str, object], dict[str, str]]:
            number = Channel.objects.count()
            made = factories.catalog.add_channel(
                code=f"made-{number}",
                name=body["name"],
                kind="web",
                country="DE",
                currency="EUR",
                by=request.auth.actor,
            )
            if body["name"] == "refused":
                raise Conflict("It can't be.", made=made.code)
            if body["name"] == "busy-later":
                raise Busy("Not now.")
            if body["name"] == "broken":
                raise RuntimeError("secret inside")
            return 201, {"code": made.code} | body, {"Location": f"/made/{made.code}"}

        return self.once(request, work)


class Channels(ApiView):
    def get(self, request: ApiRequest) -> HttpResponse:
        wanted = PageParameters.of(request)
        paging = CursorPaging("-created_at", "-id")
        rows = Channel.objects.filter(code__startswith="page-")
        return self.reply(paging.page(request, rows, present=lambda found: [row.code for row in found], **wanted))


urlpatterns = [
    path("api/v1/echo", Echo.as_view()),
    path("api/v1/channels", Channels.as_view()),
    path("api/v1/", include("commerce.api.urls")),
]
handler400 = "commerce.api.problems.bad_request"
handler404 = "commerce.api.problems.not_found"
handler500 = "commerce.api.problems.server_error"

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.commerce.test_api_base")]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    authentication.forget()
    throttling.forget()


@pytest.fixture
def key() -> factories.IssuedKey:
    return factories.key()


def post(client: Client, key: factories.IssuedKey, body: object, **extra: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(PATH, raw, content_type="application/json", **key.headers, **extra)


def problem(response: HttpResponse, status: int, code: str) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document = response.json()
    assert document["code"] == code
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["request_id"] == response["X-Request-ID"]
    assert document["detail"]
    return document


# --- who calls --------------------------------------------------------------------------------------------------------


def test_a_key_opens_what_its_scopes_name_and_costs_no_query_the_second_time(
    client: Client, key: factories.IssuedKey, django_assert_num_queries
) -> None:
    first = client.get(PATH, **key.headers)
    assert first.json() == {"channel": key.key.channel.code}
    with django_assert_num_queries(0):
        assert client.get(PATH, **key.headers).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Basic abc",
        "Bearer x",
        "Bearer ko_000000000000_" + "a" * 40,
        "Bearer " + "k" * 500,
        "Bearer ko_é_ü",
    ],
)
def test_without_a_good_key_there_is_a_challenge(client: Client, header: str | None) -> None:
    response = client.get(PATH, **({} if header is None else {"HTTP_AUTHORIZATION": header}))
    problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_secret_behind_a_right_prefix_is_refused_and_remembered_briefly(
    client: Client, key: factories.IssuedKey, django_assert_num_queries
) -> None:
    wrong = {"HTTP_AUTHORIZATION": f"Bearer {key.plain[:-1]}~"}
    with django_assert_num_queries(1):
        for _ in range(3):
            problem(client.get(PATH, **wrong), 401, "not_authenticated")


def test_guessed_keys_fill_no_memory(client: Client) -> None:
    for number in range(authentication.MOST_UNKNOWN_REMEMBERED + 10):
        with pytest.raises(authentication.NotSignedIn):
            authentication.authenticate(f"Bearer nonsense{number}")
    assert len(authentication._unknown) <= authentication.MOST_UNKNOWN_REMEMBERED


def test_revoked_and_expired_keys_end_within_fifteen_seconds(client: Client, key: factories.IssuedKey) -> None:
    now = clock.now()
    with clock.frozen(now):
        assert client.get(PATH, **key.headers).status_code == 200
        with transaction():
            keys.revoke(key.key, by=factories.TESTER)
    with clock.frozen(now + timedelta(seconds=16)):
        problem(client.get(PATH, **key.headers), 401, "not_authenticated")
    ending = factories.key(expires_at=now + timedelta(seconds=5))
    with clock.frozen(now):
        assert client.get(PATH, **ending.headers).status_code == 200
    with clock.frozen(now + timedelta(seconds=6)):
        problem(client.get(PATH, **ending.headers), 401, "not_authenticated")


def test_an_inactive_channel_has_no_keys(client: Client, key: factories.IssuedKey) -> None:
    with transaction():
        factories.catalog.change_channel(key.key.channel.pk, is_active=False, by=factories.TESTER)
    problem(client.get(PATH, **key.headers), 401, "not_authenticated")


def test_a_missing_scope_is_named(client: Client) -> None:
    reader = factories.key(None, Scope.CATALOG_READ)
    document = problem(post(client, reader, {"name": "x"}), 403, "missing_scope")
    assert document["scope"] == roles.Scope.ORDERS_WRITE
    assert client.get(PATH, **reader.headers).status_code == 200
    assert Channel.objects.count() == 1


# --- how often --------------------------------------------------------------------------------------------------------


def test_requests_of_a_minute_are_counted_and_the_next_minute_is_new(client: Client) -> None:
    key = factories.key(requests_per_minute=3)
    now = clock.now().replace(second=20, microsecond=0)
    with clock.frozen(now):
        left = [client.get(PATH, **key.headers)["RateLimit-Remaining"] for _ in range(3)]
        refused = client.get(PATH, **key.headers)
        throttling.forget()  # another process asks the same table
        refused_elsewhere = client.get(PATH, **key.headers)
    assert left == ["2", "1", "0"]
    assert problem(refused, 429, "too_many_requests")["retry_after_seconds"] == 40
    assert (refused["Retry-After"], refused["RateLimit-Limit"], refused["RateLimit-Remaining"]) == ("40", "3", "0")
    problem(refused_elsewhere, 429, "too_many_requests")
    with clock.frozen(now + timedelta(minutes=1)):
        assert client.get(PATH, **key.headers).status_code == 200


def test_a_lease_never_lets_more_through_than_the_limit(client: Client) -> None:
    key = factories.key(requests_per_minute=50)  # leases of two
    with clock.frozen(clock.now()):
        through = sum(client.get(PATH, **key.headers).status_code == 200 for _ in range(60))
    assert through == 50


# --- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"name": NaN}', 400, "malformed_json"),
        (b'{"name": "\xff"}', 400, "malformed_json"),
        (b'{"name": "\\ud800"}', 400, "malformed_json"),
        (b"[" * 5000, 400, "malformed_json"),
        (b'{"name": ' + b"[" * 50 + b"]" * 50 + b"}", 400, "invalid_input"),
        (b"[]", 400, "invalid_input"),
        (b"null", 400, "invalid_input"),
        (b'"text"', 400, "invalid_input"),
        (b'{"name": "a\\u0000b"}', 400, "invalid_input"),
        (b'{"name": "' + b"x" * 3_000_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_bodies_that_are_no_json_documents(
    client: Client, key: factories.IssuedKey, body: bytes, status: int, code: str
) -> None:
    problem(post(client, key, body), status, code)


def test_malformed_json_says_where(client: Client, key: factories.IssuedKey) -> None:
    assert problem(post(client, key, b'{"name": }'), 400, "malformed_json")["position"] == 9


def test_another_media_type_is_refused(client: Client, key: factories.IssuedKey) -> None:
    response = client.post(PATH, "name=x", content_type="application/x-www-form-urlencoded", **key.headers)
    assert problem(response, 415, "unsupported_media_type")["supported"] == ["application/json"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 21}, "name"),
        ({"name": ""}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"ttl_seconds": 59}, "ttl_seconds"),
        ({"ttl_seconds": "900"}, "ttl_seconds"),
        ({"ttl_seconds": 900.0}, "ttl_seconds"),
        ({"ttl_seconds": True}, "ttl_seconds"),
        ({"at": "2026-11-21T10:00:00"}, "at"),
        ({"at": 5}, "at"),
        ({"lines": "x"}, "lines"),
        ({"lines": {}}, "lines"),
        ({"lines": [{"sku": "A", "quantity": 1}] * 4}, "lines"),
        ({"lines": [{"sku": "A", "quantity": 0}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": -1}]}, "lines[1].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1.5}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 2**63}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1_000_001}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "A"}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1, "price": 5}]}, "lines[0].price"),
        ({"lines": [7]}, "lines[0]"),
    ],
)
def test_each_fault_is_named_with_its_field(client: Client, key: factories.IssuedKey, change: dict, field: str) -> None:
    document = problem(post(client, key, {"name": "x"} | change), 400, "invalid_input")
    assert [fault["field"] for fault in document["errors"]] == [field]
    assert document["errors"][0]["message"]
    assert Channel.objects.count() == 1


def test_a_number_too_long_to_be_exact_is_told_the_most(client: Client, key: factories.IssuedKey) -> None:
    [fault] = problem(post(client, key, b'{"name": "x", "ttl_seconds": 1%s}' % (b"0" * 30)), 400, "invalid_input")[
        "errors"
    ]
    assert (fault["field"], fault["message"]) == ("ttl_seconds", "At most 9007199254740991 is allowed.")


def test_all_faults_are_told_at_once_in_english_with_values(client: Client, key: factories.IssuedKey) -> None:
    body = {"ttl_seconds": 5, "lines": [{"sku": "A", "quantity": 0}], "colour": "red"}
    document = problem(post(client, key, body), 400, "invalid_input")
    assert {fault["field"]: fault["value"] for fault in document["errors"]} == {
        "name": None,
        "ttl_seconds": 5,
        "lines[0].quantity": 0,
        "colour": "red",
    }
    messages = {fault["field"]: fault["message"] for fault in document["errors"]}
    assert messages["name"] == "This field is required."
    assert messages["colour"] == "Unknown field; the known ones are: at, lines, name, ttl_seconds."


@pytest.mark.parametrize(
    "query", ["days=0", "days=8", "days=x", "days=1.0", "days=1&days=2", "day=1", "days=%00", "days="]
)
def test_query_parameters_are_as_strict(client: Client, key: factories.IssuedKey, query: str) -> None:
    document = problem(client.get(f"{PATH}?{query}", **key.headers), 400, "invalid_input")
    assert document["errors"][0]["field"] == query.partition("=")[0]
    assert client.get(f"{PATH}?days=3", **key.headers).json()["days"] == 3


def test_unknown_addresses_and_methods(client: Client, key: factories.IssuedKey) -> None:
    problem(client.get("/api/v1/nothing-here", **key.headers), 404, "not_found")
    response = client.delete(PATH, **key.headers)
    assert set(problem(response, 405, "method_not_allowed")["allowed"]) == {"GET", "HEAD", "POST"}
    assert response["Allow"] == "GET, HEAD, POST"


def test_faults_of_ours_tell_nothing_of_our_insides(key: factories.IssuedKey) -> None:
    client = Client(raise_request_exception=False)
    response = post(client, key, {"name": "broken"})
    problem(response, 500, "internal_error")
    assert b"secret" not in response.content
    assert Channel.objects.count() == 1


def test_the_callers_request_id_comes_back(client: Client, key: factories.IssuedKey) -> None:
    response = client.get(f"{PATH}?x=1", **key.headers, HTTP_X_REQUEST_ID="shop-4711-abc")
    assert problem(response, 400, "invalid_input")["request_id"] == "shop-4711-abc"


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_etag_saves_the_body(client: Client, key: factories.IssuedKey) -> None:
    first = client.get(PATH, **key.headers)
    again = client.get(PATH, **key.headers, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(PATH, **key.headers, HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_pages_neither_repeat_nor_lose_rows(
    client: Client, key: factories.IssuedKey, django_assert_max_num_queries
) -> None:
    now = clock.now()
    for number in range(7):
        made = factories.channel(f"page-{number}")
        Channel.objects.filter(pk=made.pk).update(created_at=now - timedelta(days=number // 3))
    seen: list[str] = []
    address: str | None = "/api/v1/channels?limit=2"
    client.get(address, **key.headers)
    while address:
        with django_assert_max_num_queries(1):
            page = client.get(address, **key.headers).json()
        seen += page["items"]
        address = page["next"]
    assert sorted(seen) == [f"page-{number}" for number in range(7)]
    assert page["next_cursor"] is None
    assert [code[-1] for code in seen] == list("2105436")


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0.abc", "%00", "a" * 1001])
def test_made_up_cursors_are_refused(client: Client, key: factories.IssuedKey, cursor: str) -> None:
    document = problem(client.get(f"/api/v1/channels?cursor={cursor}", **key.headers), 400, "invalid_input")
    assert document["errors"][0]["field"] == "cursor"


def test_a_cursor_of_another_list_is_refused(client: Client, key: factories.IssuedKey) -> None:
    other = CursorPaging("sku", "name").cursor_after({"sku": "A", "name": "B"})
    document = problem(client.get("/api/v1/channels", {"cursor": other}, **key.headers), 400, "invalid_input")
    assert document["errors"][0]["field"] == "cursor"


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_replay_gets_the_first_answer_and_changes_nothing(client: Client, key: factories.IssuedKey) -> None:
    first = post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="order 1")
    again = post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="order 1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert first["Location"].startswith("/made/")
    assert Channel.objects.count() == 2


def test_without_a_key_each_request_counts(client: Client, key: factories.IssuedKey) -> None:
    assert {post(client, key, {"name": "a"}).status_code for _ in range(2)} == {201}
    assert Channel.objects.count() == 3
    assert not IdempotencyKey.objects.exists()


def test_the_same_key_with_another_body_is_refused_and_another_credential_is_another_key(
    client: Client, key: factories.IssuedKey
) -> None:
    post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k")
    problem(post(client, key, {"name": "b"}, HTTP_IDEMPOTENCY_KEY="k"), 422, "idempotency_key_reused")
    other = factories.key()
    assert post(client, other, {"name": "b"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201


def test_a_refusal_for_good_is_an_answer_too(client: Client, key: factories.IssuedKey) -> None:
    first = post(client, key, {"name": "refused"}, HTTP_IDEMPOTENCY_KEY="k")
    problem(first, 409, "conflict")
    assert Channel.objects.count() == 1
    again = post(client, key, {"name": "refused"}, HTTP_IDEMPOTENCY_KEY="k")
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (409, first.content, "true")
    assert again["Content-Type"] == "application/problem+json"


def test_not_now_and_not_valid_are_no_answers(client: Client, key: factories.IssuedKey) -> None:
    busy = post(client, key, {"name": "busy-later"}, HTTP_IDEMPOTENCY_KEY="k")
    problem(busy, 503, "busy")
    assert busy["Retry-After"] == "1"
    problem(post(client, key, {"name": 5}, HTTP_IDEMPOTENCY_KEY="k"), 400, "invalid_input")
    assert post(client, key, {"name": "fine"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201


@pytest.mark.parametrize("idempotency_key", ["", " ", "a" * 201, "tab\tkey", "ü"])
def test_unusable_idempotency_keys(client: Client, key: factories.IssuedKey, idempotency_key: str) -> None:
    document = problem(post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY=idempotency_key), 400, "invalid_input")
    assert document["errors"][0]["field"] == "Idempotency-Key"


@override_settings(IDEMPOTENCY_KEPT_FOR=timedelta(hours=48))
def test_answers_are_kept_for_two_days(client: Client, key: factories.IssuedKey) -> None:
    now = clock.now()
    with clock.frozen(now):
        first = post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k")
    with clock.frozen(now + timedelta(hours=47)):
        authentication.forget()
        assert post(client, key, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k").content == first.content
    with clock.frozen(now + timedelta(hours=49)):
        assert post(client, key, {"name": "b"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201
