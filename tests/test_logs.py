"""Log lines: one a record, told apart by field, with nothing secret and nothing forged."""

from __future__ import annotations

import doctest
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_actors import logs
from cortex_actors.logs import LONGEST_TEXT, LineHandler, Redaction, escape, with_ids
from cortex_actors.settings import LogSettings, Secret

KEY = "sk-canary-0123456789"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.]+ \[.*\] .*")
log = logging.getLogger("cortex_actors.sample")


@pytest.fixture(autouse=True)
def _usual_logging() -> Iterator[None]:
    """Leaves the logging of the process as it was."""
    root, ours = logging.getLogger(), logging.getLogger("cortex_actors")
    before = (root.level, ours.level)
    yield
    root.setLevel(before[0])
    ours.setLevel(before[1])
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, LineHandler)]


class Written:
    """What a set-up logging has written."""

    def __init__(self, format: Literal["text", "json"], *secrets: str, level: Any = "info") -> None:
        self._stream = io.StringIO()
        settings = LogSettings(level=level, format=format)
        self.redaction = logs.setup(settings, map(Secret, secrets), stream=self._stream)
        # The handlers of pytest raise what a wrong record makes them raise.
        root = logging.getLogger()
        root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, LineHandler)]

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()

    @property
    def lines(self) -> list[str]:
        """Line by line, as any reader of lines would cut it."""
        return self.text.splitlines()

    @property
    def only(self) -> str:
        """The one line there is."""
        (line,) = self.lines
        return line


FORMATS: list[Literal["text", "json"]] = ["text", "json"]
both = pytest.mark.parametrize("format", FORMATS)


def test_a_line_says_when_how_bad_where_and_what() -> None:
    written = Written("text")
    log.warning("%d streams", 3)
    assert LINE.fullmatch(written.only)
    assert written.only.endswith("Z WARNING cortex_actors.sample [-] 3 streams")


def test_a_json_line_is_one_object() -> None:
    written = Written("json")
    log.warning("%d streams", 3, extra={"stream_id": "s-1", "ttft": 0.25, "ok": True, "none": None})
    told = json.loads(written.only)
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "warning",
        "logger": "cortex_actors.sample",
        "message": "3 streams",
        "stream_id": "s-1",
        "ttft": 0.25,
        "ok": True,
        "none": None,
    }


def test_a_logger_with_ids_puts_them_before_the_fields_of_the_call() -> None:
    written = Written("text")
    with_ids(log, request_id="r-7f", stream_id="s-01").info("ended", extra={"end": "complete"})
    with_ids(log, request_id="r-7f").info("no stream yet")
    assert "[request_id=r-7f stream_id=s-01 end=complete] ended" in written.lines[0]
    assert "[request_id=r-7f] no stream yet" in written.lines[1]


def test_fields_with_blanks_or_brackets_are_quoted() -> None:
    written = Written("text")
    log.info("x", extra={"path": '/a] b="c', "empty": "", "plain": "/v1/chat"})
    assert '[path="/a] b=\\"c" empty="" plain=/v1/chat] x' in written.only


def test_a_field_cannot_take_the_place_of_a_part_of_the_line() -> None:
    written = Written("json")
    log.info("x", extra={"level": "fatal", "time": "never", "logger": "me"})
    told = json.loads(written.only)
    assert (told["level"], told["logger"], told["level_"]) == ("info", "cortex_actors.sample", "fatal")


@both
@pytest.mark.parametrize(
    "evil",
    [
        "a\n2026-01-31T12:00:00.000Z ERROR cortex_actors.forged [-] b",
        "a\rb",
        "a\r\nb",
        "\x1b[2J\x1b]0;title\x07",
        "a\x00b\x7fc",
        "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg",
        "\u202eright to left\u2066",
        "\x9b31m",
        "\ud800 alone",
    ],
)
def test_no_input_forges_a_line_or_steers_a_terminal(format: Literal["text", "json"], evil: str) -> None:
    written = Written(format)
    log.info(evil)
    log.info("%s", evil)
    log.info("x", extra={"path": evil})
    try:
        raise ValueError(evil)
    except ValueError:
        log.exception("failed", stack_info=True)
    assert len(written.lines) == 4
    assert all(line.isprintable() for line in written.lines)
    assert written.text.count("\n") == 4


@given(st.text())
def test_escaping_keeps_a_text_on_its_line_and_loses_nothing(text: str) -> None:
    escaped = escape(text)
    assert escaped.isprintable()
    assert escaped.encode("latin-1", "backslashreplace").decode("unicode_escape") == text


def test_letters_of_every_language_stay_readable() -> None:
    written = Written("text")
    log.info("¿Qué tal? 日本語 🎉")
    assert written.only.endswith("¿Qué tal? 日本語 🎉")


def test_a_traceback_stays_on_the_line_of_its_record() -> None:
    text, structured = Written("text"), None
    try:
        raise KeyError("missing")
    except KeyError:
        log.exception("failed")
        structured = Written("json")
        log.exception("failed")
    assert "failed\\nTraceback (most recent call last):\\n" in text.only
    told = json.loads(structured.only)
    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("KeyError: 'missing'")


@both
def test_a_known_secret_is_masked_wherever_it_turns_up(format: Literal["text", "json"]) -> None:
    written = Written(format, KEY)
    log.info("key %s", KEY)
    log.info(f"key={KEY}")
    log.info("x", extra={"url": f"https://x/?key={KEY}", "nested": {"headers": [KEY]}})
    try:
        raise ValueError(f"bad key {KEY}") from RuntimeError(KEY)
    except ValueError:
        log.exception(KEY, stack_info=True)
    logging.getLogger("another_library").warning("Authorization: Bearer %s", KEY)
    assert len(written.lines) == 5
    assert "canary" not in written.text
    assert written.text.count("***") >= 7


@both
def test_a_secret_registered_later_is_masked_from_then_on(format: Literal["text", "json"]) -> None:
    written = Written(format)
    written.redaction.register([KEY, ""])
    log.info(KEY)
    assert "canary" not in written.text


def test_a_secret_is_masked_as_a_url_and_as_json_spell_it() -> None:
    redaction = Redaction()
    redaction.register(['a+b/c"d=0123456789'])
    assert redaction.redact('raw a+b/c"d=0123456789') == "raw ***"
    assert redaction.redact("url a%2Bb%2Fc%22d%3D0123456789") == "url ***"
    assert redaction.redact('json a+b/c\\"d=0123456789') == "json ***"


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    redaction = Redaction()
    redaction.register(["0123456789", "0123456789-tail"])
    assert redaction.redact("x 0123456789-tail y") == "x *** y"


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    redaction = Redaction()
    redaction.register(["k1"])
    assert redaction.redact("Bearer k1, keys=k1;") == "Bearer ***, keys=***;"
    assert redaction.redact("look1 and k12") == "look1 and k12"


def test_what_a_later_handler_sees_is_masked_too() -> None:
    written = Written("text", KEY)
    later = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(later))
    try:
        raise ValueError(KEY)
    except ValueError:
        log.exception("key %s", KEY)
    assert written.lines
    assert "failed" not in later.getvalue()
    assert "canary" not in later.getvalue()
    assert "Traceback" in later.getvalue()


class Unprintable:
    """A value that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError(KEY)


@both
def test_a_record_that_is_wrong_itself_is_written_without_a_crash(format: Literal["text", "json"]) -> None:
    written = Written(format, KEY)
    log.info("%d", KEY)
    log.info("%s %s", "one")
    log.info(Unprintable(), extra={"what": Unprintable(), "number": float("nan")})
    assert len(written.lines) == 3
    assert "do not fit" in written.lines[0]
    assert "cannot be shown" in written.lines[2]
    assert "canary" not in written.text


def test_a_line_that_cannot_be_written_is_reported_without_its_content(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    logs.setup(LogSettings(), stream=stream)
    log.info("ñ %s", KEY)
    stream.seek(0)
    assert LINE.fullmatch(stream.read().rstrip("\n").splitlines()[-1])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out


def test_a_text_beyond_the_limit_is_cut_and_says_so() -> None:
    written = Written("text", KEY)
    log.info("x" * LONGEST_TEXT + KEY)
    assert written.only.endswith("... (3 more characters)")
    assert len(written.only) < LONGEST_TEXT + 200


def test_the_level_is_ours_and_other_libraries_speak_from_warnings_upwards() -> None:
    written = Written("text", level="debug")
    log.debug("ours")
    logging.getLogger("another_library").info("theirs")
    logging.getLogger("another_library").warning("their warning")
    assert [line.split("] ")[1] for line in written.lines] == ["ours", "their warning"]
    quiet = Written("text", level="error")
    log.warning("ours")
    logging.getLogger("another_library").warning("their warning")
    assert quiet.lines == []


def test_setting_up_again_replaces_the_first_time() -> None:
    first, second = Written("text"), Written("json")
    log.info("once")
    assert first.lines == []
    assert len(second.lines) == 1


def test_without_a_stream_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(LogSettings())
    log.info("here")
    assert capsys.readouterr().err.endswith("here\n")


def test_the_examples_are_true() -> None:
    assert doctest.testmod(logs).failed == 0
