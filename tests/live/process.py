"""What the kernel says of a process: its children, threads, descriptors, connections and memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: The connection states of linux/tcp_states.h that tests ask for.
ESTABLISHED = "01"
LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP socket of a process."""

    local_port: int
    remote_port: int
    state: str


def children(pid: int) -> list[int]:
    """The processes that this one has started and not yet buried."""
    return [child for child in _all_processes() if _parent(child) == pid]


def threads(pid: int) -> int:
    """How many threads the process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def resident_bytes(pid: int) -> int:
    """Memory of the process that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> list[str]:
    """What each open descriptor stands for, such as `socket:[1234]`."""
    found = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(entry.path))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def connections(pid: int) -> list[Connection]:
    """The TCP sockets of the process over IPv4; a descriptor and its duplicates are one socket."""
    inodes = {text[8:-1] for text in descriptors(pid) if text.startswith("socket:[")}
    found = []
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            found.append(Connection(_port(fields[1]), _port(fields[2]), fields[3]))
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state == "Z" else int(parent)
