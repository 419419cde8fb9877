"""The README can fail: everything it must name is in it, everything it names is there, and its examples run."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.db import DatabaseError, connection, transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from commerce import clock, events
from commerce.api import authentication
from commerce.errors import CommerceError
from orders import lifecycle
from orders.demo import people, retailer
from orders.management.commands import demo
from pricing import approving
from tests import servers
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.house_rules.source import ROOMS, ROOT, first_column, kept, migrations, modules, readme, section

VARIABLE = re.compile(r"environ(?:\.get)?[(\[]\s*\"([A-Z_]+)\"|_listed\(\"([A-Z_]+)\"")
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PATH", "PATH_INFO"}  # the last is WSGI's
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LAW = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
MOST_PICTURE_BYTES = 300_000


def _refusals(parent: type[CommerceError] = CommerceError) -> list[type[CommerceError]]:
    for module in modules():
        if module.name.endswith(".errors") or "CommerceError)" in module.text:
            import_module(module.name)
    found = []
    for child in parent.__subclasses__():
        if child.__module__.partition(".")[0] in ROOMS:
            found.append(child)
        found += _refusals(child)
    return found


def _examples(language: str, title: str) -> list[str]:
    fence = re.compile(rf"^( *)```{language}\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in fence.findall(section(title))]


# --- what it must name ----------------------------------------------------------------------------------------------


def test_settings_are_all_there_and_no_other() -> None:
    code = "\n".join(module.text for module in modules())
    read = {first or second for first, second in VARIABLE.findall(code)} - NOT_OURS
    assert "KONTOR_DATA_DIR" in read
    described = first_column(section("Settings"))
    assert not read - described
    assert not {name for name in described if name not in code and name != "KONTOR_SHARED_DATA"}


def test_commands_are_all_there_and_no_other() -> None:
    ours = {name for name, app in get_commands().items() if isinstance(app, str) and app in ROOMS}
    assert first_column(section("Commands")) == ours


def test_events_are_all_there_with_kind_and_payload() -> None:
    rows = {}
    for line in section("Events").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| `"):
            rows[cells[0].strip("`")] = cells
    assert set(rows) == {name for name, cls in events.types().items() if cls.__module__.partition(".")[0] in ROOMS}
    order = set(LAW.findall(section("Events").partition("| type")[0])) | {"number", "status", "currency", "pieces"}
    order |= {"location", "state"}
    for name, (_, _, payload, kind) in rows.items():
        cls = events.types()[name]
        envelope = {"aggregate_sequence", "channel_id", "occurred_at"}
        told = {field.name for field in dataclasses.fields(cls)} - envelope
        named = set(re.findall(r"`([a-z_]+)`", payload))
        assert named | (order & told if "the order" in payload else set()) == told, name
        assert ("public" in kind, "state" in kind) == (cls.is_public, cls.is_state), name


def test_error_codes_are_unique_and_all_there_with_their_status() -> None:
    by_code: dict[str, type[CommerceError]] = {}
    for refusal in _refusals():
        assert "code" in vars(refusal), f"{refusal.__qualname__} has no code of its own"
        other = by_code.setdefault(refusal.code, refusal)
        assert other is refusal, f"{refusal.code} is both {other.__qualname__} and {refusal.__qualname__}"
    rows = re.findall(r"^\| (\d{3}) \| `([a-z_]+)` \| .+ \|$", section("Error codes"), re.MULTILINE)
    assert {code: int(status) for status, code in rows} == {code: cls.status for code, cls in by_code.items()}


def test_operations_of_the_api_are_all_there_with_their_scope() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    real = {
        (f"{method.upper()} {path.removeprefix('/api/v1')}", re.search(r"Scope: `(.+?)`", operation["description"])[1])
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    rows = re.findall(r"^\| `([A-Z]+ [^`]+)` \| .+ \| `([^`]+)` \|$", section("The API"), re.MULTILINE)
    assert set(rows) == real


def test_the_lifecycle_is_drawn_as_it_is() -> None:
    assert _examples("mermaid", "How an order lives") == [lifecycle.diagram() + "\n"]
    assert {status.value for status in lifecycle.OrderStatus} <= first_column(
        "| " + " ".join(section("How an order lives").partition("computed")[2].split())
    )


def test_the_way_of_a_draft_is_drawn_as_it_is() -> None:
    title = "How a draft becomes the rules in force"
    assert _examples("mermaid", title) == [approving.diagram() + "\n"]
    assert {one.value for one in approving.Standing} == first_column(section(title))


@pytest.mark.django_db
def test_the_laws_are_where_it_says() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger"
            " UNION SELECT relname FROM pg_class WHERE relkind = 'i'"
        )
        real = {name for (name,) in cursor.fetchall()}
    named = first_column(section("The laws"), column=1)
    assert named
    assert not named - real


def test_every_trigger_of_ours_stands_for_a_law() -> None:
    made = {name for module in migrations() for name in re.findall(r"CREATE TRIGGER (\w+)", module.text)}
    assert not made - first_column(section("The laws"), column=1)


@pytest.mark.parametrize(
    "title", ["The laws", "The API", "Events", "Error codes", "Settings", "Commands", "Benchmarks"]
)
def test_no_row_of_a_table_stands_twice(title: str) -> None:
    """Two branches that changed one row leave both behind."""
    rows = [line.strip("| ").split(" | ") for line in section(title).splitlines() if line.startswith("| ")]
    # An error is known by its code, everything else by what the row begins with; a law by its number.
    names = [row[1] if title == "Error codes" else re.sub(r"^(\d+\.) .*", r"\1", row[0]) for row in rows]
    twice = {name for name in names if names.count(name) > 1 and not name.startswith("---")}
    assert len(names) > 5
    assert not twice


def test_every_law_that_the_code_cites_has_its_number_there() -> None:
    numbered = set(re.findall(r"^\| (\d+)\. ", section("The laws"), re.MULTILINE))
    sources = [path for path in kept() if path.suffix in {".py", ".html"} and path != Path(__file__)]
    cited = {
        number
        for path in sources
        for numbers in re.findall(r"\blaws? ((?:\d+(?:, | and )?)+)", path.read_text())
        for number in re.findall(r"\d+", numbers)
    }
    assert "17" in cited
    assert not cited - numbered


def test_decisions_are_all_there_and_numbered_without_gaps() -> None:
    files = sorted(path.name for path in (ROOT / "commerce" / "decisions").glob("*.md"))
    assert [name[:4] for name in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert {f"commerce/decisions/{name}" for name in files} <= set(LINK.findall(readme()))
    for name in files:
        text = (ROOT / "commerce" / "decisions" / name).read_text()
        assert text.startswith(f"# {name[:4]} ")
        assert [part for part in ("Context", "Decision", "Consequences") if f"**{part}.**" not in text] == []


# --- what it names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", [path for path in kept() if path.suffix == ".md"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(file: Path) -> None:
    dead = [
        target
        for target in LINK.findall(file.read_text())
        if not re.match(r"[a-z]+:", target) and not (file.parent / target.partition("#")[0]).exists()
    ]
    assert not dead


def test_the_picture_is_small_enough_to_read_about_kontor_anywhere() -> None:
    picture = ROOT / "commerce" / "static" / "docs" / "queue.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < MOST_PICTURE_BYTES


def test_commands_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = readme().partition("`make` has")[2].partition("\n\n")[0]
    named = set(re.findall(r"\bmake ([a-z-]+)", readme())) | set(re.findall(r"`([a-z-]+)`", listed))
    assert {"run", "test", "bench"} <= named
    assert not named - targets


def test_benchmarks_are_all_there() -> None:
    program = (ROOT / "tests" / "benchmarks" / "__main__.py").read_text()
    known = re.findall(r'^    "([a-z-]+)": "tests', program, re.MULTILINE)
    assert known
    assert first_column("\n".join(re.findall(r"^\| `.+", section("Benchmarks"), re.MULTILINE))) == set(known)


# --- what it shows --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_first_requests_run(tmp_path: Path) -> None:
    """Run them as a reader would, by a shell, against the demo on the real web server."""
    if not shutil.which("curl"):
        assert os.environ.get("CI") != "true", "CI needs curl"
        pytest.skip("curl is not installed")
    demo.load(now=clock.now(), is_quiet=True)
    first, story = _examples("sh", "A first request")
    with servers.serve() as base_url:
        answers = [
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", example.replace("http://localhost:8000", base_url)],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
                cwd=tmp_path,
            )
            for example in (first, story, story)
        ]
    availability, order, again = (json.loads(answer.stdout) for answer in answers)
    assert {item["sku"] for item in availability["items"]} == {"GSCH-01", "TASS-02"}
    assert order["status"] == "open"
    assert order["fulfilments"][0]["location"] == "BER02"
    assert again["code"] == "idempotency_key_reused"  # its window, reservation and quote are others by now


def test_the_first_request_is_the_one_that_the_demo_prints() -> None:
    first = _examples("sh", "A first request")[0]
    assert retailer.API_KEY in first
    assert people.PASSWORD not in readme()  # it is printed at the start, and only there
    assert "/api/v1/availability?sku=GSCH-01,TASS-02&country=DE&postal_code=10115" in first
    assert "clerk.berlin" in section("The tour")
    assert "clerk.berlin" in people.SHOWN


@pytest.mark.django_db
def test_the_lesser_role_can_do_the_work_but_not_bend_the_laws(client: Client) -> None:
    with clock.frozen(make.NOON):
        shop = make.shop()
        key = ground.key(shop.channel)
        order = shop.place()
        [grants] = _examples("sql", "In production")
        with connection.cursor() as cursor:
            cursor.execute(grants)
            cursor.execute("SET LOCAL ROLE kontor_app")
        authentication.forget()
        body = {
            "external_reference": "lesser-role",
            "method": "pickup",
            "location": shop.store.code,
            "window": f"{shop.store.code}:{order.fulfilments[0].window_starts_at.isoformat()}",
            "lines": [{"sku": shop.products[0].sku, "quantity": 1}],
            "customer": {"name": "Erika Beispiel"},
        }
        answer = client.post("/api/v1/orders", body, content_type="application/json", **key.headers)
        assert answer.status_code == 201, answer.content
        for bent in (
            "ALTER TABLE inventory_stockentry DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "UPDATE inventory_stockentry SET on_hand_delta = 1",
            "DELETE FROM commerce_auditentry",
            "TRUNCATE orders_routingdecision",
            "DROP TABLE orders_order CASCADE",
        ):
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
                connection.cursor().execute(bent)
