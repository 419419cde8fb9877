"""Enums that pure modules own, as columns store them: Django's choices, and the CHECK that says the same."""

from enum import Enum

from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def choices(enum: type[Enum]) -> list[tuple[str, str]]:
    """Return Django choices for a pure enum, so that models store what pure modules own."""
    return [(member.value, _(member.value.replace("_", " ").capitalize())) for member in enum]


def one_of(field: str, enum: type[Enum]) -> Q:
    """Return the CHECK condition that `field` holds a value of `enum`."""
    return Q(**{f"{field}__in": [member.value for member in enum]})
