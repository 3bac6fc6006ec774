"""Platform headers: what the caller's machine is, in the names that servers of model APIs already count by.

They are sent only when the context asks for them, by design: what a caller runs on is nobody's business.

Imports:  nothing of the project but its version.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping

from cortex_actors import __version__

_SYSTEMS = {"Linux": "Linux", "Darwin": "MacOS", "Windows": "Windows", "FreeBSD": "FreeBSD"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "i386": "x32"}


@functools.cache
def platform_headers() -> Mapping[str, str]:
    """The headers that never change while a process lives.

    >>> platform_headers()["X-Stainless-Lang"]
    'python'
    """
    machine = platform.machine()
    return {
        "X-Stainless-Lang": "python",
        "X-Stainless-OS": _SYSTEMS.get(platform.system(), f"Other:{platform.system()}"),
        "X-Stainless-Arch": _MACHINES.get(machine.lower(), f"other:{machine}"),
        "X-Stainless-Runtime": platform.python_implementation(),
        "X-Stainless-Runtime-Version": platform.python_version(),
        "X-Stainless-Package-Version": __version__,
    }


def attempt_headers(retries: int, read_timeout: float) -> Mapping[str, str]:
    """The headers that change with every attempt.

    >>> attempt_headers(1, 60.0)
    {'x-stainless-retry-count': '1', 'x-stainless-read-timeout': '60'}
    """
    return {
        "x-stainless-retry-count": str(retries),
        "x-stainless-read-timeout": f"{read_timeout:g}",
    }
