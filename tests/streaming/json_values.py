"""JSON values for property tests, with everything in strings that could mislead a scanner."""

from __future__ import annotations

from hypothesis import strategies as st

_strings = st.text(max_size=8) | st.text(alphabet='[]{},:"\\\n é€😀', max_size=8)
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _strings

#: Any value that JSON can carry. Lone surrogates are left out: UTF-8 cannot carry them.
json_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_strings, inner, max_size=3),
    max_leaves=8,
)
