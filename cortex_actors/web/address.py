"""Where a request comes from: the socket's other end, or what proxies that are trusted say of it.

Each proxy adds the address it was called from to the end of X-Forwarded-For. So with n proxies of our own in
front, the n-th entry from the right was written by the outermost of them, and everything to its left by
whoever likes: it is never looked at.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from wsgiref.types import WSGIEnvironment

Address = IPv4Address | IPv6Address

#: One household or one machine has a whole network of this size.
_IPV6_NETWORK = 64


def client_address(environ: WSGIEnvironment, trusted_proxies: int) -> Address | None:
    """The caller's address; None behind a unix socket.

    What is missing or is no address is not believed: the nearest proxy stands for its caller then.
    """
    peer = _parsed(environ.get("REMOTE_ADDR") or "")
    if not trusted_proxies:
        return peer
    entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(entries) < trusted_proxies:
        return peer
    return _parsed(entries[-trusted_proxies].strip()) or peer


def is_this_machine(environ: WSGIEnvironment) -> bool:
    """Whether the caller is a program of this machine, with no proxy between that says otherwise."""
    if "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ:
        return False
    peer = _parsed(environ.get("REMOTE_ADDR") or "")
    return peer is None or peer.is_loopback


def bucket(address: Address | None) -> str:
    """What counts as one caller: an address, or a network of IPv6."""
    if address is None:
        return "unix"
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> _IPV6_NETWORK << _IPV6_NETWORK)}/{_IPV6_NETWORK}"
    return str(address)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Address | None:
    """An address, as proxies write it: with a port, in brackets, with a zone; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
