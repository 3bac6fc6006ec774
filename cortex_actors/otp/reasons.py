"""Why an actor ended: five kinds, one value.

    NORMAL     it was done                                   transient children stay down
    SHUTDOWN   it was told to end, or gave up by the rules   transient children stay down
    CRASHED    an exception escaped                          abnormal
    KILLED     somebody pulled its kill hook                 abnormal
    HUNG       it was busy with one message for too long     abnormal

Imports nothing of the project.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ExitKind(StrEnum):
    """The five ways to end."""

    NORMAL = "normal"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"
    KILLED = "killed"
    HUNG = "hung"


_ABNORMAL = frozenset({ExitKind.CRASHED, ExitKind.KILLED, ExitKind.HUNG})


@dataclass(frozen=True, slots=True)
class ExitReason:
    """Why one incarnation ended. `restarting` on a SHUTDOWN says that the subtree will be back at once."""

    kind: ExitKind
    detail: str = ""
    error: BaseException | None = None
    restarting: bool = False

    @property
    def abnormal(self) -> bool:
        """Whether a transient child is restarted after it."""
        return self.kind in _ABNORMAL

    def without_error(self) -> ExitReason:
        """The same reason for the books: an exception kept there would keep its frames alive."""
        return replace(self, error=None) if self.error is not None else self

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else str(self.kind)


NORMAL = ExitReason(ExitKind.NORMAL)
SHUTDOWN = ExitReason(ExitKind.SHUTDOWN)
RESTARTING = ExitReason(ExitKind.SHUTDOWN, "restarting", restarting=True)

#: OTP's word for a supervisor whose restart budget is spent.
REACHED_MAX_RESTART_INTENSITY = ExitReason(ExitKind.SHUTDOWN, "reached_max_restart_intensity")


def crashed(error: BaseException, where: str = "") -> ExitReason:
    """The reason of an actor that let this exception escape."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return ExitReason(ExitKind.CRASHED, f"{text} (in {where})" if where else text, error)
