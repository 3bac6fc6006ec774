"""The seam: joins a continuation to what was said before, so that every word is there exactly once.

A continuation may begin anywhere: behind the last word, at a word further back (an overlap), at the place its
target was shown, or at the very beginning of the answer (a replay). Every place where it may have begun is
compared with what arrives, character by character; places that do not agree drop out. While one is left that
agrees, nothing is passed on: what is held back is a copy of what was said already, so it has a bound. Then:

    a place agreed to the end, and the agreement says enough to be no coincidence    the rest is new
    no place did, and the target was shown all that was said                         all of it is new
    it began as a replay, and then went on in other words                            it does not fit
    the target was to say something again, and said something else                   it does not fit

A continuation that does not fit is a failed one: what the caller has cannot be taken back, and to go on from
it would say things twice. Agreement is weighed (`evidence`), and a text that goes round in circles ("la la
la") needs none to come round once more.

Pure; owned by one thread. Imported by: dispatch, coordinator.
"""

from __future__ import annotations

from enum import StrEnum
from io import StringIO

from cortex_actors.streaming.recovery.continuation import Continuation, Manner
from cortex_actors.streaming.recovery.places import Place, believed, places, tells_otherwise

#: White space at the beginning of a continuation is looked through up to this many characters.
_LONGEST_BLANK = 64

_PARAGRAPH = "\n\n"


class State(StrEnum):
    """What is known of a continuation."""

    #: It may still be a repetition.
    OPEN = "open"
    #: What it says from now on is new.
    JOINED = "joined"
    #: It tells something else than was told before.
    DIVERGED = "diverged"


class Seam:
    """Where one continuation goes on from what was said.

    >>> from cortex_actors.chat import ChatRequest, Message, TextPart
    >>> from cortex_actors.streaming.recovery.continuation import continuation
    >>> asked = ChatRequest((Message("user", (TextPart("Count."),)),))
    >>> replay = Seam(continuation(asked, "one two"))
    >>> [replay.feed(text) for text in ("one", " two", " three", " four")], replay.finish()
    (['', '', ' three', ' four'], '')
    >>> going_on = Seam(continuation(asked, "one two"))
    >>> going_on.feed(" three"), going_on.finish()
    (' three', '')
    """

    def __init__(self, asked: Continuation) -> None:
        self._asked = asked
        self._said = asked.said
        #: Where the text ends that must be found again; the blanks behind it need not come out the same.
        self._core = len(self._said.rstrip())
        self._tail = self._said[self._core :]
        #: The continuation as far as it is here, and how much of that was compared.
        self._heard = StringIO()
        self._length = 0
        self._compared = 0
        self._blank = True
        #: The places that agree so far; None before there was something to compare.
        self._open: list[Place] | None = None
        self._agreed: list[Place] = []
        self._otherwise = False
        #: Where in the continuation the new text begins, once that is known.
        self._new_from: int | None = None
        self._between = ""
        self.state = State.OPEN

    def feed(self, text: str) -> str:
        """What is new in this piece of the continuation; "" while that is not known, or nothing is."""
        if self.state is State.JOINED:
            return text
        if self.state is State.DIVERGED or not text:
            return ""
        self._heard.write(text)
        self._length += len(text)
        if self._new_from is None:
            self._compare(text)
            if self._open is None or self._open:
                return ""
            self._decide()
        return self._release(at_end=False)

    def finish(self) -> str:
        """The continuation is over: what of it is new and was not passed on yet."""
        if self.state is State.OPEN and self._new_from is None:
            self._begin()
            for place in self._open or ():
                self._leave(place, place.start + self._compared, at_end=True)
            self._decide()
        return self._release(at_end=True) if self.state is State.OPEN else ""

    # -- comparing

    def _compare(self, text: str) -> None:
        if self._open is None:
            self._blank = self._blank and text.isspace()
            if not self._blank or self._length >= _LONGEST_BLANK:
                self._begin()
        else:
            self._advance(text)

    def _begin(self) -> None:
        """Compares the first that can be compared: up to here it was blank, or it is over."""
        if self._open is None:
            head = self._heard.getvalue()
            self._open = places(self._asked, head)
            self._advance(head)

    def _advance(self, text: str) -> None:
        """Drops the places that do not agree with this text, which follows what was compared before."""
        agreeing = []
        for place in self._open or ():
            own = text[place.blanks :] if self._compared == 0 else text
            here = place.start + max(0, self._compared - place.blanks)
            if len(own) < self._core - here:
                if self._said.startswith(own, here):
                    agreeing.append(place)
                    continue
            elif own.startswith(self._said[here : self._core]):
                self._agreed.append(place)
                continue
            if place.telling:
                common = _agreement(own, self._said[here : self._core])
                self._leave(place, here + common)
        self._open = agreeing
        self._compared += len(text)

    def _leave(self, place: Place, until: int, *, at_end: bool = False) -> None:
        """A place drops out that agreed until here."""
        if tells_otherwise(place, self._asked, until, at_end=at_end):
            self._otherwise = True

    # -- deciding

    def _decide(self) -> None:
        """Nothing can be learned by waiting any longer."""
        head = self._heard.getvalue()
        longest_first = sorted(self._agreed, key=_start)
        place = next((place for place in longest_first if believed(place, self._asked, head)), None)
        if place is not None:
            self._new_from = place.blanks + self._core - place.start
        elif self._otherwise or self._asked.shown < self._core:
            self.state = State.DIVERGED
            self._heard = StringIO()
        else:
            self._new_from, self._tail = 0, ""
            if self._asked.manner is Manner.SUMMARY and not self._parted(head):
                self._between = _PARAGRAPH

    def _parted(self, head: str) -> bool:
        """Whether a summary stands apart from what it sums up."""
        return not head or head[0].isspace() or self._said[-1].isspace()

    def _release(self, *, at_end: bool) -> str:
        """All that is new so far, once the blanks at the seam are there or will not come."""
        if self._new_from is None:
            return ""
        new = self._heard.getvalue()[self._new_from :]
        if new.startswith(self._tail):
            new = new[len(self._tail) :]
        elif not at_end and self._tail.startswith(new):
            return ""
        else:
            new = new.lstrip()
        self._heard = StringIO()
        self.state = State.JOINED
        return self._between + new


def _start(place: Place) -> int:
    return place.start


def _agreement(one: str, other: str) -> int:
    """How many characters at the beginning of two texts are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
