"""Jobs: a call that is answered with a receipt, and an endpoint that tells what became of it.

    job = client.execute_future("train", {...}, polling=Polling(on_state=print))
    job.result(timeout=60)        a concurrent.futures.Future like any other: done, cancel, callbacks

An answer says that a job is over with a `status` or `type` such as completed, succeeded, failed or error, or
with a `result`; 408 (still in the queue), 429, 5xx and a lost connection mean that it is asked again.

Runs on:   a thread of its own for each job.
Imports:   errors and telemetry of this package.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from cortex_actors.client.errors import APIError, PollExpired, PollFailed, StatusError, TimedOut
from cortex_actors.client.telemetry import SILENT, Telemetry

_DONE = frozenset({"completed", "complete", "success", "succeeded", "done"})
_FAILED = frozenset({"failed", "failure", "error", "cancelled", "canceled"})
_QUEUED, _GONE = 408, 410
#: Keys under which servers say why a job waits.
_QUEUE_STATES = ("queue_state", "queueState", "state")
#: A growing interval stops at so many times the first one.
_MOST_GROWTH = 10.0


@dataclass(frozen=True, slots=True)
class JobState:
    """What was heard of a job that is not over: pending, queued (and why), or unreachable."""

    kind: Literal["pending", "queued", "unreachable"]
    detail: str = ""
    answer: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How often a job is asked for, and for how long; in seconds."""

    interval: float = 1.0
    limit: float = 300.0
    backoff: Literal["none", "linear", "exponential"] = "none"
    #: Called on the job's thread whenever its state is another than before.
    on_state: Callable[[JobState], object] | None = None

    def __post_init__(self) -> None:
        for name in ("interval", "limit"):
            if not getattr(self, name) > 0:  # without a pause it would ask as fast as it can
                raise ValueError(f"{name} must be above 0 s, not {getattr(self, name)}")

    def pause(self, attempt: int) -> float:
        """Seconds before the next look, after this many.

        >>> [Polling(backoff="exponential").pause(attempt) for attempt in (1, 2, 3, 9)]
        [1.0, 2.0, 4.0, 10.0]
        """
        factor = {"none": 1.0, "linear": float(attempt), "exponential": 2.0 ** min(attempt - 1, 8)}
        return self.interval * min(factor[self.backoff], _MOST_GROWTH)


def poll(
    look: Callable[[], Any],
    polling: Polling,
    *,
    first: Any = None,
    endpoint: str = "",
    telemetry: Telemetry = SILENT,
    clock: Callable[[], float] = time.monotonic,
) -> Future[Any]:
    """The future of a job; `look` asks the server once, `first` is what it said when the job began."""
    future: Future[Any] = Future()
    if is_over(first):
        _settle(future, lambda: first)
        return future
    poller = _Poller(look, polling, future, endpoint, telemetry, clock)
    threading.Thread(target=poller.run, name=f"poll-{endpoint}", daemon=True).start()
    return future


def combine(futures: Sequence[Future[Any]], transform: Callable[[list[Any]], Any] = list) -> Future[Any]:
    """One future for several: what `transform` makes of their results, or the first error.

    >>> one, two = Future(), Future()
    >>> both = combine([one, two], sum)
    >>> one.set_result(1); two.set_result(2); both.result()
    3
    """
    whole: Future[Any] = Future()
    left = len(futures)
    lock = threading.Lock()

    def one_more(future: Future[Any]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        error = None if future.cancelled() else future.exception()
        if error is not None:
            with suppress(InvalidStateError):
                whole.set_exception(error)
        elif future.cancelled():
            whole.cancel()
        elif last and not whole.done():
            _settle(whole, lambda: transform([each.result() for each in futures]))

    for future in futures:
        future.add_done_callback(one_more)
    if not futures:
        _settle(whole, lambda: transform([]))
    return whole


class _Poller:
    """Asks for one job until it is over."""

    def __init__(
        self,
        look: Callable[[], Any],
        polling: Polling,
        future: Future[Any],
        endpoint: str,
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._look = look
        self._polling = polling
        self._future = future
        self._endpoint = endpoint
        self._telemetry = telemetry
        self._clock = clock
        self._state: JobState | None = None

    def run(self) -> None:
        """Until the job, the patience or the interest in it is over."""
        over = threading.Event()
        self._future.add_done_callback(lambda _: over.set())
        began, attempt = self._clock(), 0
        while not over.is_set():
            attempt += 1
            self._tell("attempt", {"attempt": attempt})
            try:
                answer = self._look()
                if is_over(answer):
                    _settle(self._future, partial(outcome_of, answer, self._endpoint))
                    break
                self._note(JobState("pending", answer=answer))
            except APIError as error:
                self._refused(error)
            except BaseException as error:
                _fail(self._future, error)
            pause = self._polling.pause(attempt)
            if self._clock() - began + pause > self._polling.limit:
                _fail(self._future, TimedOut("total", self._polling.limit, endpoint=self._endpoint))
            over.wait(pause)
        self._tell("stop", {"duration": self._clock() - began, "attempts": attempt})

    def _refused(self, error: APIError) -> None:
        """Whether a refusal is the end, or just no news."""
        status = error.status if isinstance(error, StatusError) else 0
        if status == _QUEUED and isinstance(error, StatusError):
            self._note(JobState("queued", queue_state(error.data), error.data))
        elif status == _GONE and isinstance(error, StatusError):
            gone = PollExpired("the server no longer knows this job", error.data, endpoint=self._endpoint)
            _fail(self._future, gone)
        elif error.retriable:
            self._note(JobState("unreachable", error.message))
        else:
            self._tell("error", {}, reason=error.message)
            _fail(self._future, error)

    def _note(self, state: JobState) -> None:
        known, self._state = self._state, state
        if known is not None and (known.kind, known.detail) == (state.kind, state.detail):
            return
        self._tell("state", {}, kind=state.kind, detail=state.detail)
        if self._polling.on_state is not None:
            self._polling.on_state(state)

    def _tell(self, name: str, measurements: Mapping[str, float], **metadata: Any) -> None:
        self._telemetry.emit(f"future.{name}", measurements, endpoint_id=self._endpoint, **metadata)


def is_over(answer: Any) -> bool:
    """Whether an answer says that its job is over."""
    return isinstance(answer, dict) and (_word(answer) in _DONE | _FAILED or "result" in answer)


def outcome_of(answer: Any, endpoint: str = "") -> Any:
    """The answer of a job that is done; raises PollFailed for one that failed."""
    if _word(answer) in _FAILED:
        raise PollFailed(str(answer.get("error") or "the job failed"), answer, endpoint=endpoint)
    return answer


def queue_state(data: Any) -> str:
    """Why a job is still in the queue, in lower case.

    >>> queue_state({"queueState": "PAUSED_CAPACITY"}), queue_state(None)
    ('paused_capacity', 'unknown')
    """
    found = next((data[key] for key in _QUEUE_STATES if data.get(key)), "") if isinstance(data, dict) else ""
    return str(found).lower() or "unknown"


def _word(answer: dict[str, Any]) -> str:
    """What an answer calls the state of its job."""
    words = (answer.get(key) for key in ("status", "type"))
    return next((word.lower() for word in words if isinstance(word, str)), "")


def _settle(future: Future[Any], value: Callable[[], Any]) -> None:
    """Gives a future its value or the error in its place; one that was cancelled wants neither."""
    with suppress(InvalidStateError):
        try:
            future.set_result(value())
        except InvalidStateError:
            raise
        except BaseException as error:
            future.set_exception(error)


def _fail(future: Future[Any], error: BaseException) -> None:
    with suppress(InvalidStateError):
        future.set_exception(error)
