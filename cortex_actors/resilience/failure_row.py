"""Failures in a row, where answers overlap and take minutes.

A row is ended by a whole answer to an attempt that was admitted after the row's first failure: what was
admitted before it is old news, however well it ends. While none can have finished yet, first tokens speak for
the attempts that run: a row is bad only if its failures outweigh the answers that have begun since.

May import: nothing of the package.
"""

from __future__ import annotations


class FailureRow:
    """The current row; attempts are known by their number in the order of admission."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begins without failures."""
        self._began = 0
        self._failures = 0
        self._answers_begun = 0

    def answer_begun(self, number: int) -> None:
        """When the first token of an answer is there."""
        if number > self._began:
            self._answers_begun += 1

    def failed(self, number: int, *, after_first_token: bool) -> None:
        """When an attempt failed; what its first token promised is taken back."""
        if self._failures == 0:
            self._began = number
            self._answers_begun = 0
        elif after_first_token:
            self._answers_begun = max(0, self._answers_begun - 1)
        self._failures += 1

    def succeeded(self, number: int) -> None:
        """When an attempt got its whole answer."""
        if number > self._began:
            self.clear()

    def is_over(self, minimum: int, rate: float) -> bool:
        """Whether there are at least `minimum` failures, and they are this share of all since the first."""
        return self._failures >= minimum and self._failures >= rate * (self._failures + self._answers_begun)
