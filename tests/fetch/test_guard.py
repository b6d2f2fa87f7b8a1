"""Which addresses may be connected to."""

from ipaddress import ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tgewatch.fetch.guard import BlockedAddressError, Guard

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"]
PRIVATE = [
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.9",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::1",
    "2002:7f00:0001::",
]
NOWHERE = [
    "0.0.0.0",  # noqa: S104 - to be refused
    "0.1.2.3",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::10.0.0.1",
    "::1.1.1.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "3fff::1",
    "fec0::1",
    "ff02::1",
    "5f00::1",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
    "2002:e000:0001::",
]


def allowed(guard: Guard, address: str) -> bool:
    try:
        guard.check(address)
    except BlockedAddressError:
        return False
    return True


def test_a_refusal_names_the_address():
    with pytest.raises(BlockedAddressError) as caught:
        Guard().check("10.0.0.1")
    assert caught.value.address == "10.0.0.1"


@pytest.mark.parametrize(
    "address", [*PUBLIC, "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"]
)
def test_public_addresses_may_be_asked(address):
    assert allowed(Guard(), address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_asked_only_when_that_is_allowed(address):
    assert not allowed(Guard(), address)
    assert allowed(Guard(allow_private=True), address)


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_nobodys_web_server_is_never_asked(address):
    assert not allowed(Guard(), address)
    assert not allowed(Guard(allow_private=True), address)


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3", "0177.0.0.1", "1.2.3.4.5", "[::1]"])
def test_what_is_no_address_is_refused(address):
    assert not allowed(Guard(allow_private=True), address)


def test_a_network_lets_in_its_own_addresses_and_no_others():
    guard = Guard(networks=["127.100.0.0/16", "fd00::/8", "192.0.2.7"])

    assert allowed(guard, "127.100.3.4")
    assert allowed(guard, "::ffff:127.100.3.4")
    assert allowed(guard, "fd00::7")
    assert allowed(guard, "192.0.2.7")
    assert not allowed(guard, "127.0.0.1")
    assert not allowed(guard, "192.0.2.8")
    assert not allowed(guard, "::1")


def test_a_network_that_is_none_is_an_error_at_once():
    with pytest.raises(ValueError, match="not appear to be"):
        Guard(networks=["intranet"])


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_the_same_in_every_wrapping(address):
    guard = Guard()
    plain = allowed(guard, str(address))

    assert allowed(guard, f"::ffff:{address}") is plain
    assert allowed(guard, f"64:ff9b::{address}") is plain
    assert allowed(guard, f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1") is plain


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public_here(address):
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    assume(address.version == 4 or address not in ip_network("64:ff9b::/96"))  # see above
    if inner.is_private or inner.is_multicast or inner.is_reserved:
        assert not allowed(Guard(), str(address))
