"""Stages by what settings call them: those that are there already, and functions of the user's.

    use = "deny_patterns"          one of READY_MADE, made with its options
    use = "package.module:name"    a function of your own, called with each chunk and the options by name;
                                   `kind` says whether it transforms, validates or measures

Only settings name code: a request names stages that are configured, and never anything to import.

Imports:  the stages; pipeline; errors.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial, reduce
from typing import Any, Literal, get_type_hints

from cortex_actors.errors import SettingsError
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages.buffer import buffer
from cortex_actors.streaming.stages.deny_patterns import deny_patterns
from cortex_actors.streaming.stages.measure import measure
from cortex_actors.streaming.stages.ready_made import drop_empty, log_metrics, max_chars, timestamp
from cortex_actors.streaming.stages.transform import transform
from cortex_actors.streaming.stages.validate import Policy, validate

#: Name -> what makes it; its keywords are its options.
READY_MADE: Mapping[str, Callable[..., Stage]] = {
    "drop_empty": drop_empty,
    "timestamp": timestamp,
    "max_chars": max_chars,
    "deny_patterns": deny_patterns,
    "buffer": buffer,
    "log_metrics": log_metrics,
}

#: How a function of the user's is called.
FunctionKind = Literal["transform", "validate", "measure"]

#: Keywords of a maker that are no options: settings say them in another place, or not at all.
_NOT_OPTIONS = frozenset({"name", "policy", "replacement", "now"})

#: What an option of this type must be, in words, and whether a value is that.
_FITS: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: type(value) is int),
    str: ("a text", lambda value: isinstance(value, str)),
    float | None: ("a number of seconds", lambda value: type(value) in (int, float)),
    Sequence[str]: (
        "a list of texts",
        lambda value: isinstance(value, list | tuple) and all(isinstance(each, str) for each in value),
    ),
}

_FUNCTION = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)")


def make_stage(
    name: str,
    use: str,
    *,
    kind: FunctionKind = "transform",
    policy: Policy = "stop",
    replacement: str = "",
    options: Mapping[str, Any] | None = None,
) -> Stage:
    """The stage that a table of the settings describes. Raises SettingsError, which names the key."""
    given = dict(options or {})
    said = {"policy": policy, "replacement": replacement}
    if use in READY_MADE:
        return _ready_made(name, READY_MADE[use], given, said)
    named = _function(name, use)
    _check_call(name, named, given)
    function = partial(named, **given)
    if kind == "measure":
        return measure(function, name=name)
    if kind == "validate":
        return validate(function, name=name, policy=policy, replacement=replacement)
    return transform(function, name=name)


def _ready_made(
    name: str, make: Callable[..., Stage], options: dict[str, Any], said: Mapping[str, str]
) -> Stage:
    keywords = inspect.signature(make).parameters
    hints = get_type_hints(make)
    known = [each for each in keywords if each not in _NOT_OPTIONS]
    for option, value in options.items():
        if option not in known:
            raise _mistake(name, f"options.{option}", f"is not an option{_near(option, known)}")
        wanted, fits = _FITS[hints[option]]
        if not fits(value):
            raise _mistake(name, f"options.{option}", f"must be {wanted}")
    for option in known:
        if option not in options and keywords[option].default is inspect.Parameter.empty:
            raise _mistake(name, f"options.{option}", "is missing")
    used = {key: value for key, value in said.items() if key in keywords}
    try:
        return make(**options, **used, name=name)
    except ValueError as error:
        raise _mistake(name, "options", f"do not fit: {error}") from error


def _function(name: str, use: str) -> Callable[..., Any]:
    found = _FUNCTION.fullmatch(use)
    if found is None:
        wanted = f"must be one of {', '.join(READY_MADE)}, or package.module:function"
        raise _mistake(name, "use", wanted + _near(use, READY_MADE))
    try:
        module = importlib.import_module(found["module"])
    except Exception as error:  # whatever a module of somebody else's does when it is imported
        problem = f"{type(error).__name__}: {error}"
        raise _mistake(name, "use", f"{found['module']} cannot be imported: {problem}") from error
    try:
        function = reduce(getattr, found["name"].split("."), module)
    except AttributeError:
        near = _near(found["name"], vars(module))
        raise _mistake(name, "use", f"{found['module']} has no {found['name']}{near}") from None
    if not callable(function):
        raise _mistake(name, "use", f"{use} is no function")
    return function


def _check_call(name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """A function that cannot take its options should fail at the start, and not in every answer."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # some that are written in C do not tell
        return
    try:
        signature.bind("a chunk", **options)
    except TypeError as error:
        key = "options" if options else "use"
        raise _mistake(name, key, f"cannot be called with a chunk and the options: {error}") from error


def _near(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _mistake(name: str, key: str, what: str) -> SettingsError:
    return SettingsError((f"stages.{name}.{key} {what}",))
