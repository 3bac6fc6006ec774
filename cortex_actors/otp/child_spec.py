"""The child spec: what a supervisor must know to start a child, restart it, and stop it.

    restart      permanent  always                       shutdown   seconds to end by itself when told
                 transient  after an abnormal exit                  brutal_kill  none
                 temporary  never; the spec is forgotten            infinity     as long as it takes

Imports no actor; a mistake is a line of text, and all of them come at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.stopping import ShutdownLimit
from cortex_actors.otp.strategies import Strategy

if TYPE_CHECKING:
    from cortex_actors.otp.base_actor import Actor

Restart = Literal["permanent", "transient", "temporary"]
ChildType = Literal["worker", "supervisor"]
AutoShutdown = Literal["never", "any_significant", "all_significant"]

#: Seconds a worker has to come to life, and to end.
WORKER_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to run one child. A supervisor has by default all the time its own children take, as in OTP."""

    #: Its name among its siblings, and the last part of its path.
    id: str
    #: Its class; `args` and `kwargs` go to the constructor, at every start.
    actor: type[Actor]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    restart: Restart = "permanent"
    #: Default: 5.0 seconds for a worker, infinity for a supervisor.
    shutdown: ShutdownLimit | None = None
    type: ChildType = "worker"
    #: Whether its end may end the supervisor; see `auto_shutdown`.
    significant: bool = False
    #: Seconds until its `init` must be done. Default: 5.0 for a worker, infinity for a supervisor.
    start_timeout: float | Literal["infinity"] | None = None
    #: Seconds at one message after which the watchdog replaces it; None: what its class says.
    hang_timeout: float | None = None

    @property
    def shutdown_limit(self) -> ShutdownLimit:
        """`shutdown`, with its default filled in."""
        if self.shutdown is not None:
            return self.shutdown
        return "infinity" if self.type == "supervisor" else WORKER_LIMIT

    @property
    def start_limit(self) -> float | None:
        """`start_timeout`, with its default filled in; None is infinity."""
        if self.start_timeout is None:
            return None if self.type == "supervisor" else WORKER_LIMIT
        return None if self.start_timeout == "infinity" else self.start_timeout


def check_child_specs(specs: Sequence[ChildSpec], auto_shutdown: AutoShutdown = "never") -> tuple[str, ...]:
    """Every mistake in these specs, in OTP's words; empty when they are good."""
    mistakes = [mistake for spec in specs for mistake in _mistakes(spec, auto_shutdown)]
    for name, number in Counter(spec.id for spec in specs).items():
        if number > 1:
            mistakes.append(f"duplicate_child_name: {name!r} is the id of {number} children")
    return tuple(mistakes)


def check_flags(
    strategy: object,
    max_restarts: int | None,
    max_seconds: float,
    backoff: Backoff | None,
    auto_shutdown: object,
) -> tuple[str, ...]:
    """Every mistake in the flags of a supervisor, in OTP's words; empty when they are good."""
    checks = (
        (strategy in get_args(Strategy), f"invalid_strategy: {strategy!r}"),
        (max_restarts is None or max_restarts >= 0, f"invalid_intensity: {max_restarts!r}"),
        (max_restarts is not None or backoff is not None, "invalid_intensity: unlimited without a back-off"),
        (max_seconds > 0, f"invalid_period: {max_seconds!r}"),
        (auto_shutdown in get_args(AutoShutdown), f"invalid_auto_shutdown: {auto_shutdown!r}"),
    )
    wrong = tuple(words for good, words in checks if not good)
    return wrong + (backoff.mistakes() if backoff is not None else ())


def _mistakes(spec: ChildSpec, auto_shutdown: AutoShutdown) -> list[str]:
    """The mistakes of one spec."""
    who = f"child {spec.id!r}"
    found: list[str] = []
    if not spec.id:
        found.append("missing_id: a child needs an id")
    elif "/" in spec.id:
        found.append(f"invalid_id: {who}: a slash separates the parts of a path")
    if not (isinstance(spec.actor, type) and callable(getattr(spec.actor, "handle", None))):
        found.append(f"invalid_start: {who}: {spec.actor!r} is no actor class")
    if spec.restart not in get_args(Restart):
        found.append(f"invalid_restart_type: {who}: {spec.restart!r}")
    if not _is_limit(spec.shutdown, "brutal_kill", "infinity"):
        found.append(f"invalid_shutdown: {who}: {spec.shutdown!r}")
    if not _is_limit(spec.start_timeout, "infinity"):
        found.append(f"invalid_start_timeout: {who}: {spec.start_timeout!r}")
    if not _is_limit(spec.hang_timeout):
        found.append(f"invalid_hang_timeout: {who}: {spec.hang_timeout!r}")
    if spec.type not in get_args(ChildType):
        found.append(f"invalid_child_type: {who}: {spec.type!r}")
    if spec.significant not in (True, False):
        found.append(f"invalid_significant: {who}: {spec.significant!r}")
    elif spec.significant and spec.restart == "permanent":
        found.append(f"bad_combination: {who}: a permanent child cannot be significant")
    elif spec.significant and auto_shutdown == "never":
        found.append(f"bad_combination: {who}: significant means nothing with auto_shutdown 'never'")
    return found


def _is_limit(value: object, *words: str) -> bool:
    """Whether this is a number of seconds, one of these words, or the default."""
    if value is None or value in words:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
