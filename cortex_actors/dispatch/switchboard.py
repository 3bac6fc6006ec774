"""The switchboard: how dispatchers and probers reach the router and the providers' workers, by name.

Runs on:   the thread of whoever calls, for the length of one call.
Sends:     SelectRoutes to the router; AdmitAttempt, FirstToken, Outcome, ProbeResult to a provider's worker.

Names survive restarts and references do not, so everything goes by name. An actor that is being restarted is
waited for a moment, never longer than `_PATIENCE`: a restart takes less than a millisecond, or it is a
failure the caller should hear of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from cortex_actors.dispatch.messages import (
    Admission,
    AdmitAttempt,
    FirstToken,
    NotAdmitted,
    Outcome,
    ProbeResult,
    Routes,
    SelectRoutes,
)
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import ClientError, InternalError, NoWorkersAvailable
from cortex_actors.otp.errors import ActorUnavailable, CallTimeout
from cortex_actors.otp.registry import NameTable, call, cast

ROUTER = "router"

#: How long a restarting actor is waited for, and how often it is looked for meanwhile, in seconds.
_PATIENCE = 1.5
_LOOK = 0.01

#: How long an actor may take to answer; they answer in microseconds, or they are in trouble. In seconds.
_ANSWER = 2.0


class Switchboard:
    """Calls actors by name."""

    def __init__(
        self,
        names: NameTable,
        providers: Mapping[str, Provider],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._names = names
        self._providers = providers
        self._clock = clock
        self._pause = pause

    def replace(self, providers: Mapping[str, Provider]) -> None:
        """Replaces who is configured, those that still have streams to finish included."""
        self._providers = providers

    def provider(self, name: str) -> Provider:
        """The fixed facts of a configured provider. Raises NoWorkersAvailable for one that has just gone."""
        provider = self._providers.get(name)
        if provider is None:
            raise NoWorkersAvailable(f"{name} is not configured any more.", retry_after=1.0)
        return provider

    def select(self, asked: SelectRoutes) -> Routes:
        """The router's answer. Raises UnknownModel, UnknownProvider, NoWorkersAvailable, InternalError."""
        answer = self._call(ROUTER, asked)
        if isinstance(answer, ClientError):
            raise answer
        assert isinstance(answer, Routes)
        return answer

    def admit(self, provider: Provider, model: str, *, in_need: bool = False) -> Admission | NotAdmitted:
        """A provider's leave to make one attempt. Raises NoWorkersAvailable, InternalError."""
        answer = self._call(provider.worker_name, AdmitAttempt(model, in_need))
        assert isinstance(answer, Admission | NotAdmitted)
        return answer

    def tell(self, provider: Provider, message: FirstToken | Outcome | ProbeResult) -> None:
        """Tells a provider's worker how an attempt or a probe goes; lost when it is down, by design."""
        cast(self._names, provider.worker_name, message)

    def _call(self, name: str, message: object) -> object:
        give_up = self._clock() + _PATIENCE
        while True:
            try:
                return call(self._names, name, message, _ANSWER)
            except CallTimeout as error:
                raise NoWorkersAvailable(retry_after=1.0) from error
            except ActorUnavailable as error:
                if self._clock() >= give_up:
                    raise NoWorkersAvailable(retry_after=1.0) from error
                self._pause(_LOOK)
            except Exception as bug:  # the actor fell over this very message, and will not be asked again
                raise InternalError from bug
