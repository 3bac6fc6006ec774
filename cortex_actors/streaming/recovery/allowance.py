"""What a continuation may still cost: the caller's token limit, less what was used.

Where the provider did not say how many tokens it used, they are estimated: a token is about four bytes of
UTF-8 in every script. That is a guess for a limit, and never told to anybody as a count.

Pure; imports chat. Imported by: continuation.
"""

from __future__ import annotations

from cortex_actors.chat import ChatRequest

_BYTES_A_TOKEN = 4

#: A continuation may be this long in any case, in tokens.
LEAST_TOKENS = 16


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has.

    >>> estimated_tokens("one two three"), estimated_tokens("一二三"), estimated_tokens("")
    (4, 3, 0)
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN)


def allowance(request: ChatRequest, used: int, least: int = LEAST_TOKENS) -> int | None:
    """The limit for the rest of an answer, in tokens; None where the caller set none, and never above his.

    A limit on thinking stays below it, or the request would be refused.
    """
    if request.max_tokens is None:
        return None
    thinking = request.extra.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    floor = least + budget if isinstance(budget, int) else least
    return min(request.max_tokens, max(floor, request.max_tokens - used))
