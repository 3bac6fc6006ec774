"""The target: the one address that is loaded, named by the user and looked up once.

A load test of somebody else's machine is an attack, so an address beyond this machine wants to be confirmed.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from cortex_actors.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go."""

    #: As the user wrote it, without a slash at its end.
    url: str
    #: The `Host` header.
    host: str
    #: What stands before the path of every request.
    prefix: str
    address: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """Of its sockets."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET


def find_target(url: str, *, remote: bool = False) -> Target:
    """Looks up the address of an `http://` URL; `remote` allows another machine's. Raises SettingsError."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise SettingsError((f"{url}: only http:// can be loaded; name the gateway itself, behind its TLS",))
    try:
        port = parts.port or 80
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise SettingsError((f"{url}: there is no such address: {error}",)) from error
    address = str(found[0][4][0])
    if not remote and not ipaddress.ip_address(address).is_loopback:
        raise SettingsError(
            (f"{url} is {address}, not this machine; --yes-remote says that you may load it",)
        )
    return Target(url.rstrip("/"), parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), address, port)
