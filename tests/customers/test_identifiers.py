"""One spelling per address and number; two people's never become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import identifiers
from customers.identifiers import IdentifierKind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("  Ada@Example.ORG ", "ada@example.org"),
        ("ada+shop@example.org", "ada+shop@example.org"),
        ("JÖRG@Exämple.de", "jörg@exämple.de"),
        ("jo\u0308rg@example.de", "jörg@example.de"),
        ("STRASSE@example.de", "strasse@example.de"),
    ],
)
def test_an_email_has_one_form(text, value):
    assert identifiers.email(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "a@b@c.de", "ada@example..org"),
        *("x" * 65 + "@example.org", "a@" + "x" * 250 + ".de", "a\x00@b.de"),
    ],
)
def test_what_is_no_email_is_refused(text):
    with pytest.raises(ValueError):
        identifiers.email(text)


@pytest.mark.parametrize(
    ("text", "country", "value"),
    [
        ("030 123456", "DE", "+4930123456"),
        ("+49 (0)30 / 12 34 56", "AT", "+4930123456"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("01 5880010", "AT", "+4315880010"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("030 123456", "", "+4930123456"),
    ],
)
def test_a_phone_number_is_international(text, country, value):
    assert identifiers.phone(text, country) == value


@pytest.mark.parametrize("text", ["", "call me", "12", "+49", "0" * 40])
def test_what_is_no_phone_number_is_refused(text):
    with pytest.raises(ValueError):
        identifiers.phone(text, "DE")


def test_a_channels_id_belongs_to_the_channel_and_a_card_is_known_everywhere():
    assert identifiers.normalised(IdentifierKind.CHANNEL_CUSTOMER, " A1 ", channel_code="web").scope == "web"
    assert identifiers.normalised(IdentifierKind.LOYALTY, "k-7", channel_code="web") == identifiers.Identifier(
        "loyalty", "", "K-7"
    )
    with pytest.raises(ValueError):
        identifiers.normalised(IdentifierKind.CHANNEL_CUSTOMER, "A1")


def test_masked_values_tell_their_owner_only():
    assert identifiers.masked("email", "ada@example.org") == "a•••@example.org"
    assert identifiers.masked("phone", "+4930123456") == "+49 ••• 56"
    assert identifiers.masked("channel_customer", "10042") == "•••42"
    assert identifiers.masked("loyalty", "77") == "•••"


@given(st.emails())
def test_normalising_twice_changes_nothing(address):
    try:
        once = identifiers.email(address)
    except ValueError:
        return
    assert identifiers.email(once) == once
