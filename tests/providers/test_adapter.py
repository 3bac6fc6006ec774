"""What the contract itself does."""

from __future__ import annotations

from cortex_actors.providers.adapter import merged_headers


def test_later_headers_win_and_names_compare_without_case() -> None:
    assert merged_headers({"Accept": "a", "X": "1"}, {"accept": "b"}, {"ACCEPT": "c", "Y": "2"}) == {
        "ACCEPT": "c",
        "X": "1",
        "Y": "2",
    }
