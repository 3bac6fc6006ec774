"""Whatever a file says: the settings that come out are accepted, and no key gets out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.migration import litellm
from cortex_actors.migration.known_providers import KNOWN
from tests.migration import imported

KEY = "sk-CANARY"

names = st.sampled_from(["a", "b", "gpt-4", "x/*", "*", "auto", "é ü", "a.b-c/d"])
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 10**9),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.sampled_from([KEY, f"Bearer {KEY}", "os.environ/SET", "os.environ/UNSET", "os.environ/lower", "none"]),
    st.lists(names, max_size=2),
    st.dictionaries(st.sampled_from(["a", "api_key", "token", "gpt-4", "model"]), names, max_size=2),
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What one expects there, and now and then anything."""
    return st.integers(0, 12).flatmap(lambda number: odd if number == 7 else usual)


def table(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=optional)


seconds = mostly(st.sampled_from([0.01, 3, 20, "90", 700]))
count = mostly(st.integers(0, 20))
models = st.builds(
    "{}{}".format,
    st.sampled_from([*(f"{prefix}/" for prefix in KNOWN), "azure/", "unknown/", "openai/team/"]),
    st.sampled_from(["m", "n", "gpt-4o", "*"]),
)
params = st.fixed_dictionaries(
    {
        "model": mostly(models),
        "api_base": mostly(
            st.sampled_from([None, None, "http://h", "http://h/v1/", "https://api.openai.com/v1"])
        ),
        "api_key": mostly(
            st.sampled_from([KEY, f"{KEY}-2", "os.environ/K", "os.environ/OPENAI_API_KEY", None])
        ),
    },
    optional={
        "litellm_credential_name": st.sampled_from(["known", "other"]),
        "order": count,
        "weight": count,
        "rpm": count,
        "timeout": seconds,
        "stream_timeout": seconds,
        "max_parallel_requests": count,
        "temperature": mostly(st.floats(0, 2)),
        "max_tokens": count,
        "organization": mostly(st.just("org")),
        "keep_alive": mostly(st.just("5m")),
        "stop": odd,
        "headers": st.dictionaries(st.sampled_from(["X-A", "Host", "Authorization", "é"]), odd, max_size=2),
        "extra_body": st.dictionaries(st.sampled_from(["a", "api_key", "nested"]), odd, max_size=2),
        "surprise": odd,
    },
)
entries = st.fixed_dictionaries(
    {"model_name": mostly(names), "litellm_params": mostly(params)},
    optional={"model_info": mostly(st.just({"mode": "chat"}))},
)
relations = mostly(
    st.lists(
        st.dictionaries(mostly(names).filter(lambda name: not isinstance(name, dict | list)), st.lists(names))
    )
)
router = mostly(
    table(
        timeout=seconds,
        stream_timeout=seconds,
        request_timeout=seconds,
        num_retries=count,
        retry_after=seconds,
        cooldown_time=seconds,
        routing_strategy=mostly(st.sampled_from(["simple-shuffle", "least-busy", "usage-based-routing"])),
        fallbacks=relations,
        default_fallbacks=mostly(st.lists(names, max_size=3)),
        context_window_fallbacks=relations,
        model_group_alias=mostly(st.dictionaries(names, mostly(names))),
        surprise=odd,
    )
)
documents = st.fixed_dictionaries(
    {"model_list": st.lists(mostly(entries), min_size=1, max_size=6)},
    optional={
        "router_settings": router,
        "litellm_settings": router,
        "credential_list": st.just([{"credential_name": "known", "credential_values": {"api_key": KEY}}, 3]),
        "general_settings": odd,
        "environment_variables": odd,
        "surprise": odd,
    },
)


@settings(max_examples=300, deadline=None)
@given(documents)
def test_the_settings_of_any_file_are_accepted(document: dict[str, Any]) -> None:
    environ = {"SET": "http://set.lan:8080", "OPENAI_API_KEY": "a", "GROQ_API_KEYS": "b"}

    with tempfile.TemporaryDirectory() as folder:
        found = imported(document, Path(folder), environ)

    assert "CANARY" not in found.text + "".join(found.notes)


@given(st.dictionaries(st.text(max_size=12), odd))
def test_a_file_of_anything_else_makes_no_provider_and_breaks_nothing(document: dict[str, Any]) -> None:
    assert litellm.convert({**document, "model_list": None}, "config.yaml", {}).providers == 0
