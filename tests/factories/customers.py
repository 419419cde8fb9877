"""Customers for tests, made by the verbs of customers."""

from itertools import count
from typing import Any
from uuid import UUID

from commerce import clock, transactions
from commerce.actors import Actor
from customers import profiles

BY = Actor.system("tests")
_numbers = count(1)


def person(**described: Any) -> UUID | None:
    """Have someone recognised, a new person unless what describes them is known; return their profile's id."""
    number = next(_numbers)
    usual = {
        "name": f"Customer {number}", "email": f"customer-{number}@example.org", "phone": "", "language": "de",
        "country": "DE", "channel_code": "web", "channel_customer_id": "",
    }  # fmt: skip
    with transactions.transaction():
        return profiles.recognise(by=BY, at=clock.now(), **(usual | described))
