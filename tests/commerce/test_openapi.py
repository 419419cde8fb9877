"""The OpenAPI document is valid 3.1 and complete: every operation with its scope, problems, tag and idempotency key."""

import re
from typing import Any

import orjson
import pytest
from django.test import Client
from drf_spectacular import drainage
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

WRITING = {"post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    drainage.reset_generator_stats()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not drainage.GENERATOR_STATS._warn_cache, list(drainage.GENERATOR_STATS._warn_cache)
    assert not drainage.GENERATOR_STATS._error_cache, list(drainage.GENERATOR_STATS._error_cache)
    return schema


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def test_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_names_the_addresses_of_the_kernel(document: dict[str, Any]) -> None:
    assert {
        "/api/v1/products",
        "/api/v1/products/{sku}",
        "/api/v1/webhook-endpoints",
        "/api/v1/webhook-endpoints/{endpoint_id}",
        "/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
        "/api/v1/events",
    } <= set(document["paths"])


def test_every_operation_tells_its_problems_scope_tag_and_security(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        statuses = set(operation["responses"])
        assert {"400", "401", "403", "404", "405", "429", "500", "503"} <= statuses, where
        if method in {"post", "put", "patch"}:
            assert {"413", "415", "422"} <= statuses, where
        for status in statuses:
            if status >= "400":
                content = operation["responses"][status]["content"]
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, where
        assert re.search(r"Scope: `[a-z_]+:[a-z]+`", operation["description"]), where
        assert operation["tags"] != ["Other"], where
        assert operation["security"] == [{"ChannelKey": []}], where
        assert operation["summary"], where


def test_writes_take_an_idempotency_key(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        reads = method not in WRITING or path.endswith(
            ("/query", "/scarcity/messages", "/balance")
        )  # posts that only read
        assert ("Idempotency-Key" in names) is not reads, f"{method} {path}"


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_bodies_allow_no_unknown_fields(document: dict[str, Any]) -> None:
    def strict(schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if schema.get("type") == "object" and "properties" in schema:
            assert schema.get("additionalProperties") is False, schema
        for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
            strict(inner)

    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for _path, _method, operation in operations(document)
        if "requestBody" in operation
    ]
    assert bodies
    for body in bodies:
        strict(body)


def test_several_values_of_a_parameter_are_written_with_commas(document: dict[str, Any]) -> None:
    parameters = {p["name"]: p for p in document["paths"]["/api/v1/products"]["get"]["parameters"]}
    assert (parameters["sku"]["style"], parameters["sku"]["explode"]) == ("form", False)
    assert parameters["sku"]["schema"]["type"] == "array"
    assert parameters["limit"]["schema"]["maximum"] == 200
    assert "x-comma-separated" not in str(document)


@pytest.mark.django_db
def test_document_and_docs_are_served_without_a_key(client: Client) -> None:
    schema = client.get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    assert orjson.loads(schema.content)["info"]["title"] == "Kontor API"
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "https://cdn" not in page.content.decode()


def test_the_document_is_made_once_and_whoever_has_it_is_told_so(client: Client) -> None:
    """It takes seconds to make and needs no key: no question may have it made anew."""
    first = client.get("/api/schema/")
    assert first["Content-Type"] == "application/vnd.oai.openapi; charset=utf-8"
    assert first.content.startswith(b"openapi: 3.1.0")
    for question in ("version=a%0d%0ab", "lang=%00", "lang=fr", "format=nope", "version=2"):
        again = client.get(f"/api/schema/?{question}")
        assert (again.status_code, again["ETag"], again.content) == (200, first["ETag"], first.content)
    known = client.get("/api/schema/", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (known.status_code, known.content) == (304, b"")
    assert orjson.loads(client.get("/api/schema/?format=json").content)["openapi"] == "3.1.0"
    assert client.post("/api/schema/").status_code == 405
