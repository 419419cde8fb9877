"""Schemathesis sends what our OpenAPI document allows, and what it doesn't, to every operation of every room.

No answer is a fault of ours, has an undocumented status or media type, or differs from its schema.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from commerce.roles import Scope
from commerce.wsgi import application
from tests.factories import commerce as factories

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 12  # per operation; enough to meet every parameter with a wrong value, short enough for every run


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_operation_answers_as_documented() -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema/", application)
    key = factories.key(None, *Scope)
    factories.product("MUG", gtins=["4006381333931"])
    faults: list[str] = []
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        seen += 1

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key.plain}"}
            case.call_and_validate(checks=CHECKS)

        try:
            answers()
        except (Exception, BaseExceptionGroup) as fault:
            faults.append(f"{operation.method} {operation.path}: {fault}")
    assert seen > 20
    assert not faults, "\n\n".join(faults)
