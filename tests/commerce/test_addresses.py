"""Where webhooks may go, and how an address that may not be one is explained."""

from typing import Any

import pytest

from commerce.channels import addresses


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/in", "hooks.example/in", "https:///in", "https://user:pw@hooks.example/", "https://h.example/#x",
        "https://h.example:99999/", "https://h.example/ x", "https://h.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_must_be_one(url: str) -> None:
    assert addresses.fault_of("https://hooks.example/in?shop=1") is None
    assert addresses.fault_of(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]",
        "2130706433", "[::7f00:1]", "[fec0::1]", "[64:ff9b:1::a00:1]",
    ],
)  # fmt: skip
def test_an_address_inside_our_network_is_refused(host: str, settings: Any) -> None:
    assert addresses.fault_of(f"https://{host}/in") is None
    settings.WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES = False
    assert "not a public address" in (addresses.fault_of(f"https://{host}/in") or "")
    with pytest.raises(addresses.AddressRefused):
        addresses.resolve(host.strip("[]"), 443)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2002:5db8:d70e::"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert addresses.is_public(address)


def test_without_looking_up_only_what_the_address_itself_says_counts(settings: Any) -> None:
    settings.WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES = False
    assert addresses.fault_of("https://no-such-host.invalid/in")
    assert addresses.fault_of("https://no-such-host.invalid/in", looks_up=False) is None
    assert "not a public address" in (addresses.fault_of("https://127.0.0.1/in", looks_up=False) or "")


def test_production_wants_https(settings: Any) -> None:
    assert addresses.fault_of("http://hooks.example/in") is None
    settings.PRODUCTION = True
    assert "https" in (addresses.fault_of("http://hooks.example/in") or "")
