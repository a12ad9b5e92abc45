"""Which network addresses a source may be fetched from: public ones, and those the policy names.

Belongs here: the decision on an address, on a host and port, and asking for a host's addresses. Does not: connecting
(`http`).
"""

import re
import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from finops_ai.evidence.model import EvidenceError

Resolver = Callable[[str, int], list[str]]
"""(host, port) to all its addresses. Raises OSError when the name is unknown."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({80, 443})
_NAT64 = IPv6Network("64:ff9b::/96")
_IPV4_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_IPV6_PUBLIC = IPv6Network("2000::/3")  # all that is handed out; the rest is local, special or unused
# Public by their ranges, and answered from inside: the metadata and health services of Azure and Oracle's cloud, and the
# relays of 6to4 (RFC 7526), which nothing legitimate uses any more.
_SERVED_INSIDE = tuple(map(IPv4Network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0[xX][0-9a-fA-F]*)\.?")


def system_resolver(host: str, port: int) -> list[str]:
    """By the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def checked_addresses(host: str, port: int, *, allow_private: Iterable[str], resolve: Resolver) -> list[str]:
    """The addresses that may be connected to. One forbidden address among them refuses the host: which of several
    answers is used next time is up to whoever gives them. Raises EvidenceError.
    """
    allowed = _networks(tuple(allow_private))
    try:
        addresses = [ip_address(address) for address in _answers(host, port, resolve)]
    except ValueError as problem:
        raise EvidenceError(f"{host} resolves to no address: {problem}") from None
    if not addresses:
        raise EvidenceError(f"{host} has no address")
    for address in addresses:
        if not all(_is_public(carried) or _is_in(carried, allowed) for carried in _carried(address)):
            raise EvidenceError(
                f"{_name(host, address)} is not public; the policy can allow it in network.allow_private"
            )
        if port not in PORTS and not all(_is_in(carried, allowed) for carried in _carried(address)):
            raise EvidenceError(f"port {port} of {host} is refused; sources are fetched from ports 80 and 443")
    return [str(address) for address in addresses]


def _answers(host: str, port: int, resolve: Resolver) -> list[str]:
    if ":" in host:
        return [host]
    if _ENDS_IN_NUMBER.fullmatch(host):
        return [_plain_ipv4(host)]
    try:
        return resolve(host, port)
    except (OSError, UnicodeError) as problem:
        raise EvidenceError(f"{host} cannot be resolved: {problem}") from None


def _plain_ipv4(host: str) -> str:
    """Four decimal numbers and nothing else: resolvers also read 127.1, 2130706433, 0x7f000001 and 0177.0.0.1."""
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise EvidenceError(f"{host} is no plain address; write four decimal numbers") from None


def _carried(address: Address) -> tuple[Address, ...]:
    """The addresses that traffic to this one ends at: an IPv6 address can carry an IPv4 one."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address in _NAT64 or address in _IPV4_TRANSLATED:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address, address.sixtofour)
    if address.teredo:
        return (address, *address.teredo)
    return (address,)


def _is_public(address: Address) -> bool:
    if address.is_multicast or not address.is_global or _is_in(address, _SERVED_INSIDE):
        return False
    return isinstance(address, IPv4Address) or address in _IPV6_PUBLIC


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


@lru_cache(maxsize=32)
def _networks(allow_private: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(network) for network in allow_private)
    except ValueError as problem:
        raise EvidenceError(f"network.allow_private: {problem}") from None


def _name(host: str, address: Address) -> str:
    return host if host == str(address) else f"{host} ({address})"
