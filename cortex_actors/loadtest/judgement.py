"""Judgement: under which name an answer ended, and whether it told the truth about it.

whole       said that it is all of it
error ...   said that something went wrong, in a status or in the stream
cut         its connection ended before it did, which every reader can see
left        its caller hung up, as it was told to
hang        it had no end
...         no connection, or none that answered

A lie is held against it beside that name: a whole answer that is not what was to be said, an end that says
nothing, words nobody said, bytes that are not the framing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cortex_actors.loadtest.framings import Reader
from cortex_actors.loadtest.scenario import Expect, Scenario

#: Stands for the mark of a request in an answer that was learnt from another one.
_PLACE = "\0"


class End(StrEnum):
    """How an exchange was over; errors that were told are `error` with their code beside."""

    WHOLE = "whole"
    ERROR = "error"
    CUT = "cut"
    LEFT = "left"
    HANG = "hang"
    NOT_CONNECTED = "not connected"
    #: Hung up before a single byte of an answer.
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known of the right answer."""

    #: The text, with a place for the mark of the request; None when answers differ.
    template: str | None = None
    words: int | None = None

    @property
    def about(self) -> str:
        """In a few words, for the report."""
        if self.template is not None:
            return "every text, word for word"
        return "every end" if self.words is None else f"every end, and {self.words} words"

    def lies_of(self, reader: Reader, end: End, mark: str) -> Sequence[str]:
        """What the text of an answer that ended so is guilty of."""
        text = reader.text
        if end is End.WHOLE and not text:
            return ["empty"]
        if self.template is not None:
            return _against(text, self.template.replace(_PLACE, mark), whole=end is End.WHOLE)
        if self.words is not None and (said := len(text.split())) != self.words:
            if said > self.words:
                return ["too many words"]
            return ["short"] if end is End.WHOLE else []
        return []


def learnt(scenario: Scenario, answers: Sequence[tuple[str, str]]) -> Expectation:
    """What two answers teach: texts and the marks of their requests. Same but for the mark: a template.

    >>> two = [("mark-a", "You said: mark-a."), ("mark-b", "You said: mark-b.")]
    >>> from cortex_actors.loadtest.target import Target
    >>> scenario = Scenario(Target("http://h", "h", "", "127.0.0.1", 80))
    >>> learnt(scenario, two).template
    'You said: \\x00.'
    """
    if scenario.words is not None:
        return Expectation(words=scenario.words)
    if scenario.expect is Expect.ENDS:
        return Expectation()
    templates = {text.replace(mark, _PLACE) for mark, text in answers}
    return Expectation(templates.pop() if len(templates) == 1 else None)


def _against(text: str, expected: str, *, whole: bool) -> Sequence[str]:
    if text == expected:
        return []
    if expected.startswith(text):
        return ["short"] if whole else []
    return ["wrong words"]
