"""Which carriers there are: DHL where an account is set (its double while nothing is at stake), and any other by hand."""

from functools import cache

import requests
from django.conf import settings

from orders.carriers import dhl, dhl_double
from orders.carriers.port import Carrier

BY_HAND = "by_hand"  # the label is made elsewhere and its number typed in


@cache
def double() -> dhl_double.Double:
    """Return the double of this process."""
    return dhl_double.Double()


def all_of_them() -> dict[str, Carrier]:
    """Return the carriers that can be asked for labels, by code."""
    if settings.DHL["url"]:
        return {dhl.Dhl.code: dhl.Dhl(dhl.Account(**settings.DHL), requests.Session())}
    if settings.PRODUCTION:
        return {}
    return {dhl.Dhl.code: dhl.Dhl(dhl_double.ACCOUNT, double().session())}


def get(code: str) -> Carrier | None:
    """Return a carrier by its code, if it can be asked."""
    return all_of_them().get(code)
