"""The reload: other settings for a gateway that runs. All of them or none; no stream is cut.

    read -> what can hold now -> prepare -> commit -> whoever wants to know

A file with a mistake is refused with every mistake named, and the old settings stay. What an operator added
or removed by hand lasts until the next reload: the file says who is there. What he decided about a provider
(drained, a breaker forced) is no setting, and stays.

Runs on:   whoever asks for it: the thread of a signal, or of a request; one at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cortex_actors.errors import GatewayBusy, SettingsError
from cortex_actors.events import EventKind
from cortex_actors.gateway.changeover import commit, prepare
from cortex_actors.gateway.changes import Changes, changes, in_effect
from cortex_actors.gateway.parts import Parts
from cortex_actors.otp.errors import ActorError
from cortex_actors.settings import Settings
from cortex_actors.settings.callers import check_reach
from cortex_actors.settings.mistakes import Mistakes

_log = logging.getLogger(__name__)

#: Where the settings come from; raises SettingsError.
Read = Callable[[], Settings]

#: Who is told of settings that are in force now; before and after.
Listener = Callable[[Settings, Settings], object]

#: How long one change is waited for before another is refused, in seconds.
_PATIENCE = 10.0


class Reload:
    """The one way in which the settings of a running gateway change."""

    def __init__(self, parts: Parts, read: Read | None) -> None:
        self._parts = parts
        self._started = parts.settings
        self._read = read
        self._turn = threading.Lock()
        self._listeners: list[Listener] = []

    def on_change(self, listener: Listener) -> None:
        """Calls the listener after each change, on the thread that made it."""
        self._listeners.append(listener)

    def from_source(self) -> Changes:
        """Reads file and environment again.

        Raises SettingsError, ActorError and GatewayBusy; then nothing has changed.
        """
        with self._alone():
            try:
                if self._read is None:
                    raise SettingsError(("there is nothing that the settings could be read from again",))
                done = self._apply(self._read())
            except (SettingsError, ActorError) as error:
                self._refused(error)
                raise
            self._done(done)
            return done

    def change(self, edit: Callable[[Settings], Settings]) -> Changes:
        """Applies what an operator wants. Raises as `from_source`, and whatever `edit` raises."""
        with self._alone():
            return self._apply(edit(self._parts.settings))

    def _apply(self, said: Settings) -> Changes:
        before = self._parts.settings
        settings, waiting = in_effect(said, self._started)
        _check_reach(settings)
        commit(self._parts, prepare(self._parts, settings))
        for listener in self._listeners:
            try:
                listener(before, settings)
            except Exception:
                _log.exception("somebody who had to hear of the new settings failed")
        return changes(before, settings, waiting)

    def _done(self, done: Changes) -> None:
        self._parts.metrics.reloaded(applied=True)
        self._parts.events.add(EventKind.RELOAD, f"settings reloaded: {done}")
        _log.info("settings reloaded: %s", done)
        for note in self._parts.settings.notes:
            _log.warning("%s", note)

    def _refused(self, error: SettingsError | ActorError) -> None:
        why = "; ".join(error.mistakes) if isinstance(error, SettingsError) else str(error)
        self._parts.metrics.reloaded(applied=False)
        self._parts.events.add(EventKind.RELOAD, f"settings not reloaded: {why}", level="error")
        _log.error("the settings were not reloaded, and the old ones stay in force: %s", why)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_PATIENCE):
            raise GatewayBusy("Another change of the settings is under way.")
        try:
            yield
        finally:
            self._turn.release()


def _check_reach(settings: Settings) -> None:
    """The address stays what it is until the next start, so who may call must fit it, and not the new one."""
    mistakes = Mistakes()
    check_reach(settings.server.host, settings.auth, settings.callers, "until the next start", mistakes)
    mistakes.raise_if_any()
