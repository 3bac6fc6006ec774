"""A provider's words, made fit for callers: one short line of plain text without a secret in it.

HTML is stripped, control characters are removed, whatever looks like a key or an account is masked, and the
rest is cut to `LIMIT` characters. Masking comes before cutting, so that no half of a key is left. A key that
looks like nothing special can be masked by whoever knows it: `without`.

Imports:     nothing of the package.
Imported by: failures, dispatch.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

#: The longest text a caller is shown, in characters.
LIMIT = 200

#: How much of a text is looked at, in characters; an error page may have any size.
_LOOKED_AT = 4096

MASK = "[hidden]"

#: What stands where a text was cut.
_CUT = "…"

#: A secret with fewer characters is masked only where it stands alone, or no word would be safe from it.
_SHORT = 8

#: So many characters of a secret at the end of a cut text are no accident.
_RECOGNISED = 4

_INVISIBLE = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<!--|-->|</?[a-zA-Z!?][^<>]*(?:>|$)")

_SECRET = re.compile(
    r"""
      \b(?i:bearer|basic)\s+[\w.~+/=*-]{6,}
    | (?i:(?<=[?&])key=|\bapi[-_\s]?key["']?\s*[=:]\s*["']?)[^\s"',;&<>]{4,}
    | \b(?:sk|pk|rk|gsk|xai|hf|r8|csk|fw|pplx|nvapi|key|tvly|ghp)[-_][\w*.-]{6,}
    | \b(?:org|proj|team|acct|user)[-_][A-Za-z0-9]{10,}
    | [\w-]{0,32}\*{3,}[\w*-]*
    | \b(?:AIza|AKIA|ya29\.|eyJ)[\w.-]{10,}
    | \b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b
    | \b(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])\w{24,}\b
    | (?<![\w-])(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[\w-]{40,}
    """,
    re.VERBOSE,
)


def for_callers(text: str) -> str:
    """The text as one line, without tags, controls and secrets, in at most `LIMIT` characters."""
    line = _one_line(_without_tags(text[:_LOOKED_AT]))
    masked = _SECRET.sub(MASK, line)
    return masked if len(masked) <= LIMIT else masked[: LIMIT - 1].rstrip() + _CUT


def without(text: str, secret: str) -> str:
    """The text for callers without this secret, nor the half of it that was left where the text was cut."""
    bounds = ("(?<![0-9A-Za-z])", "(?![0-9A-Za-z])") if len(secret) < _SHORT else ("", "")
    masked = re.sub(re.escape(secret).join(bounds), MASK, text)
    kept = masked.removesuffix(_CUT)
    if kept != masked:
        for length in range(min(len(secret), len(kept)), _RECOGNISED - 1, -1):
            if kept.endswith(secret[:length]):
                return kept[:-length] + MASK + _CUT
    return masked


def _without_tags(text: str) -> str:
    """Twice, since a tag may be written with entities."""
    for _ in range(2):
        text = unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text)))
    return _TAG.sub(" ", text)


def _one_line(text: str) -> str:
    """Words apart by one space; control, format and unpaired surrogate characters are gone."""
    spaced = " ".join(text.split())
    return "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
