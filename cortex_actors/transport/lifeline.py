"""The lifeline: what lets any thread stop an exchange, whatever its own thread is blocked in.

A thread that waits in `connect`, in a TLS handshake or in `recv` cannot be told anything, but shutting its
socket down wakes it at once. (Closing it would not; and while a name is being resolved there is no socket.)

Runs on:   hold, connect and let_go on the exchange's thread; cancel on any.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from typing import Any

from cortex_actors.errors import AttemptCancelled


class Lifeline:
    """One handle on the socket that an exchange uses now.

    The handle is a duplicate descriptor, by design: a TLS wrap takes the socket object away from under us,
    and its owner may close it at any time, after which its number can belong to somebody else. Ours stays
    ours until `let_go`, which must come before the connection returns to its pool.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._cancelled = False

    def is_cancelled(self) -> bool:
        """Whether the exchange has been told to stop."""
        return self._cancelled

    def hold(self, sock: socket.socket) -> None:
        """Follow a connected socket; raises AttemptCancelled if it is too late."""
        with self._lock:
            self._take(sock)

    def connect(self, sock: socket.socket, address: Any) -> None:
        """Follow a non-blocking socket and start its connect, as one step.

        A shutdown between the two would be lost: the kernel refuses it before a connect has begun.
        """
        with self._lock:
            self._take(sock)
            error = sock.connect_ex(address)
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))

    def let_go(self) -> bool:
        """Follow nothing any more; True if the socket may have been shut down."""
        with self._lock:
            self._drop()
            return self._cancelled

    def cancel(self) -> None:
        """Shut the socket down, now or as soon as there is one."""
        with self._lock:
            self._cancelled = True
            if self._handle:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def _take(self, sock: socket.socket) -> None:
        self._drop()
        if self._cancelled:
            raise AttemptCancelled
        self._handle = socket.socket(fileno=os.dup(sock.fileno()))

    def _drop(self) -> None:
        if self._handle:
            self._handle.close()
            self._handle = None
