"""Stacks: where a thread or a greenlet stands at this moment, read from outside, without asking it.

    here()              a handle on the caller's own stack; every actor leaves one behind when it starts
    stack(name, handle) where that thread or greenlet stands now
    all_stacks()        every thread, or every greenlet, of the process
    dump(log)           the same, a log record each
    dump_on_signal(n)   from now on a signal writes all stacks: at once, raw, even when nothing else runs any
                        more; and then by name

Runs on:   any thread, including one that was started by a signal handler.

Frames name our code and that of libraries; no value of a variable is in them.
"""

from __future__ import annotations

import _thread
import faulthandler
import gc
import linecache
import logging
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

logger = logging.getLogger(__name__)

#: Frames of one stack, from the innermost; a deeper one is cut.
_DEEPEST = 100

#: Parts of a path that are shown, from its end.
_PATH_PARTS = 3

#: How a carrier is asked for its innermost frame; None once it has ended.
Carrier = Callable[[], FrameType | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """One call; `code` is its line in the source."""

    file: str
    line: int
    function: str
    code: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Where something stands; frames from the outermost call to the innermost."""

    kind: Literal["thread", "greenlet"]
    name: str
    frames: tuple[Frame, ...]

    def __str__(self) -> str:
        calls = (f"{frame.file}:{frame.line} {frame.function}" for frame in reversed(self.frames))
        return f"{self.name}: {' < '.join(calls)}"


def uses_greenlets() -> bool:
    """Whether threads are greenlets in this process: whether gevent has patched them."""
    return threading.get_ident.__module__.startswith("gevent")


def here() -> Carrier:
    """A handle on the thread or greenlet that calls this, for somebody else to look at it later."""
    if uses_greenlets():
        from greenlet import getcurrent

        greenlet = weakref.ref(getcurrent())
        return lambda: _greenlet_frame(greenlet())
    ident = threading.get_ident()
    return lambda: sys._current_frames().get(ident)


def stack(name: str, carrier: Carrier) -> Stack | None:
    """Where a carrier stands; None when it has ended."""
    frame = carrier()
    return None if frame is None else Stack(_kind(), name, _frames(frame))


def all_stacks() -> tuple[Stack, ...]:
    """Every thread of the process; every greenlet, where threads are greenlets."""
    found = _greenlets() if uses_greenlets() else _threads()
    return tuple([Stack(_kind(), name, _frames(frame)) for name, frame in found])


def dump(log: logging.Logger = logger) -> None:
    """Writes all stacks, a record each."""
    stacks = all_stacks()
    log.warning("stacks of %d %ss, innermost call first", len(stacks), _kind())
    for each in stacks:
        log.warning("%s %s", each.kind, each)


def dump_on_signal(number: signal.Signals) -> None:
    """Makes this signal write all stacks to standard error, and then, by name, to the log."""
    # A bare thread, since a signal handler may stand in the middle of anything, such as a log record.
    signal.signal(number, lambda *_: _thread.start_new_thread(_dump_guarded, ()))
    faulthandler.register(number, all_threads=True, chain=True)


def _dump_guarded() -> None:
    """Under gevent an error that is not an Exception of ours would end the process."""
    try:
        dump()
    except BaseException:
        logger.exception("the stacks could not be written")


def _threads() -> list[tuple[str, FrameType]]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return [(names.get(ident, f"thread {ident}"), frame) for ident, frame in sys._current_frames().items()]


def _greenlets() -> list[tuple[str, FrameType]]:
    from greenlet import greenlet

    names = {thread.ident: thread.name for thread in threading.enumerate()}
    # By type and not by isinstance: that would run code of whatever object there is.
    living = [each for each in gc.get_objects() if issubclass(type(each), greenlet)]
    frames = [(names.get(id(each), type(each).__name__), _greenlet_frame(each)) for each in living]
    return [(name, frame) for name, frame in frames if frame is not None]


def _greenlet_frame(greenlet: Any) -> FrameType | None:
    """The innermost frame; of the greenlet that runs at this moment, the caller's own."""
    if greenlet is None or greenlet.dead:
        return None
    frame: FrameType | None = greenlet.gr_frame
    if frame is None and greenlet:
        frame = sys._getframe(1)
    return frame


def _kind() -> Literal["thread", "greenlet"]:
    return "greenlet" if uses_greenlets() else "thread"


def _frames(innermost: FrameType) -> tuple[Frame, ...]:
    found: list[Frame] = []
    frame: FrameType | None = innermost
    while frame is not None and len(found) < _DEEPEST:
        code, line = frame.f_code, frame.f_lineno or 0
        source = linecache.getline(code.co_filename, line).strip()
        found.append(Frame(_short(code.co_filename), line, code.co_name, source))
        frame = frame.f_back
    return tuple(reversed(found))


def _short(path: str) -> str:
    """The end of a path: enough to find the file, and nothing about where it is installed."""
    return "/".join(Path(path).parts[-_PATH_PARTS:])
