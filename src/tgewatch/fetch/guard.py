"""Which addresses may be connected to, decided on the address itself, right before connecting.

Looking at a URL or at a resolver's answer is not enough: literals skip the resolver, redirects bring
new names, and a name may change between the look and the connect. The socket is the last place that
all of them pass, so the guard stands there.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Reachable for somebody: let in by `allow_private`."""

NOWHERE = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # on Linux: this machine
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
    )
)
"""Never a web server of anybody (IANA special-purpose registries): let in by an explicit network."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


class BlockedAddressError(OSError):
    """The guard refused. An OSError, so that the connector goes on to a name's next address."""

    def __init__(self, address: str) -> None:
        # One text for all, so that several of them are not folded into a plain OSError.
        super().__init__("address is not public")
        self.address = address


class Guard:
    """Says which addresses may be connected to. Keeps no state."""

    def __init__(self, *, allow_private: bool = False, networks: Iterable[str] = ()) -> None:
        """Let in public addresses, `networks` (CIDR), and with `allow_private` those of PRIVATE.

        Raises ValueError for a network that is none.
        """
        self._networks = tuple(ip_network(text, strict=False) for text in networks)
        self._private = allow_private

    def check(self, address: str) -> None:
        """Raise BlockedAddressError unless `address`, as a socket has it, may be connected to."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            raise BlockedAddressError(address) from None
        if not self._allows(parsed):
            raise BlockedAddressError(address)

    def _allows(self, address: Address) -> bool:
        if _in(address, self._networks):
            return True
        if (inner := _embedded(address)) is not None:
            return self._allows(inner)
        if _in(address, PRIVATE):
            return self._private
        if _in(address, NOWHERE):
            return False
        return isinstance(address, IPv4Address) or address in GLOBAL_UNICAST


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to `address` end up at, if they do."""
    if isinstance(address, IPv4Address):
        return None
    if address in _MAPPED or address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return None
