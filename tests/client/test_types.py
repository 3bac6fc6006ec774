"""Payloads and answers by their types."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.types import UNSET, AliasType, ObjectType, UnionType
from tests.client import PLAIN, document, manifest, mistakes


def _types(**types: Any) -> Codec:
    return Codec(manifest(PLAIN, types=types).types)


def _encode(value: Any, **fields: Any) -> tuple[Any, list[str]]:
    encoded, report = _types(T={"fields": fields}).encode(value, "T")
    return encoded, [str(mistake) for mistake in report.mistakes]


def test_a_payload_that_fits_is_written_as_it_is_and_unknown_fields_pass() -> None:
    assert _encode({"a": "x", "more": [1]}, a="string") == ({"more": [1], "a": "x"}, [])


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ({"type": "string"}, 1, "must be a text"),
        ({"type": "integer"}, 1.5, "must be a whole number"),
        ({"type": "integer"}, True, "must be a whole number"),
        ({"type": "number"}, "1", "must be a number"),
        ({"type": "boolean"}, 1, "must be true or false"),
        ({"type": "map"}, [], "must be an object"),
        ({"type": "array"}, {}, "must be a list"),
        ({"type": "string", "min_length": 2}, "a", "must have at least 2 characters"),
        ({"type": "string", "max_length": 2}, "abc", "must have at most 2 characters"),
        ({"type": "array", "min_items": 1}, [], "must have at least 1 items"),
        ({"type": "array", "max_items": 1}, [1, 2], "must have at most 1 items"),
        ({"type": "number", "gt": 0}, 0, "must be above 0"),
        ({"type": "number", "gteq": 1}, 0, "must be at least 1"),
        ({"type": "number", "lt": 1}, 1, "must be below 1"),
        ({"type": "number", "lteq": 1}, 2, "must be at most 1"),
        ({"type": "string", "format": "date"}, "tomorrow", "must be a date"),
        ({"type": "string", "choices": ["a", "b"]}, "c", "must be one of a, b"),
        ({"value": "chat"}, "talk", "must be 'chat'"),
        ({"type": "string", "required": True}, None, "must be a text"),
    ],
)
def test_a_field_that_does_not_fit_is_told_by_its_pointer(field: Any, value: Any, told: str) -> None:
    assert _encode({"a": value}, a=field)[1] == [f"/a: {told}"]


def test_all_that_is_wrong_with_a_payload_is_told_at_once() -> None:
    _, told = _encode(
        {"b": [1, "x"]}, a={"type": "string", "required": True}, b={"items": "string", "type": "array"}
    )
    assert told == ["/a: is required", "/b/0: must be a text"]


def test_false_and_zero_are_defaults_like_others() -> None:
    # P-17: an or-operator loses them.
    encoded, told = _encode({}, a={"type": "boolean", "default": False}, b={"type": "integer", "default": 0})
    assert (encoded, told) == ({"a": False, "b": 0}, [])


def test_literals_that_must_be_there_are_filled_in() -> None:
    assert _encode({}, kind={"value": "chat", "required": True}, maybe={"value": 1})[0] == {"kind": "chat"}


def test_an_alias_is_written_and_read_back() -> None:
    codec = _types(T={"fields": {"max_tokens": {"type": "integer", "alias": "maxTokens"}}})
    assert codec.encode({"max_tokens": 3}, "T")[0] == {"maxTokens": 3}
    assert codec.decode({"maxTokens": 3}, "T")[0] == {"max_tokens": 3}


@pytest.mark.parametrize(
    ("omit_if", "value", "sent"),
    [
        ("null", None, {}),
        ("null", "", {"a": ""}),
        ("empty", "", {}),
        ("default", "x", {}),
        ("default", "y", {"a": "y"}),
    ],
)
def test_a_field_is_left_out_where_it_says_so(omit_if: str, value: Any, sent: Any) -> None:
    field = {"type": "string", "omit_if": omit_if, "default": "x"}
    assert _encode({"a": value}, a=field)[0] == sent


def test_null_passes_where_a_field_is_optional_or_not_required() -> None:
    assert _encode(
        {"a": None, "b": None}, a={"type": "string", "required": True, "optional": True}, b="string"
    ) == (
        {"a": None, "b": None},
        [],
    )


def test_a_tagged_union_is_told_by_its_tag() -> None:
    codec = _types(
        A={"fields": {"type": {"value": "a", "required": True}, "x": {"type": "string", "required": True}}},
        B={"fields": {"type": {"value": "b", "required": True}}},
        U={"kind": "union", "discriminator": {"mapping": {"a": "A", "b": "B"}}},
    )
    assert codec.encode({"type": "b"}, "U")[1].mistakes == []
    assert str(codec.encode({"type": "a"}, "U")[1].mistakes[0]) == "/x: is required"
    assert "must tell which variant" in str(codec.encode({"type": "c"}, "U")[1].mistakes[0])


def test_a_union_without_tags_is_whatever_fits() -> None:
    codec = _types(U={"kind": "union", "variants": ["string", {"type": "array", "items": "string"}]})
    assert codec.encode("a", "U")[1].mistakes == codec.encode(["a"], "U")[1].mistakes == []
    assert "none of the variants" in str(codec.encode(7, "U")[1].mistakes[0])


@pytest.mark.parametrize(
    "union",
    [
        {"kind": "union", "discriminator": {"field": "k", "mapping": {"a": "A"}}},
        {"type": "union", "discriminator": "k", "variants": {"a": "A"}},
        {"kind": "union", "discriminator": {"field": "k"}, "variants": [{"tag": "a", "type_ref": "A"}]},
        {
            "kind": "union",
            "discriminator": {"field": "k"},
            "variants": [{"discriminator_value": "a", "$ref": "A"}],
        },
        {"kind": "union", "discriminator": {"field": "k"}, "variants": [{"value": "a", "ref": "A"}]},
    ],
)
def test_the_ways_to_tell_a_union_mean_the_same(union: Any) -> None:
    spec = manifest(PLAIN, types={"A": {"fields": {}}, "U": union}).types["U"]
    assert isinstance(spec, UnionType)
    assert (spec.discriminator, dict(spec.mapping)) == ("k", {"a": "A"})


def test_an_enum_and_a_short_field_are_understood() -> None:
    types = manifest(
        PLAIN, types={"E": {"kind": "enum", "choices": [1, 2]}, "O": {"fields": {"e": "E"}}}
    ).types
    assert isinstance(types["E"], AliasType)
    assert isinstance(types["O"], ObjectType)
    assert types["O"].fields["e"].shape.ref == "E"
    assert types["O"].fields["e"].default is UNSET


@pytest.mark.parametrize(
    ("types", "told"),
    [
        (
            {"T": {"fields": {"a": {"type": "string", "ref": "T"}}}},
            "/types/T/fields/a: must have one type or one",
        ),
        ({"T": {"fields": {"a": {"format": "colour"}}}}, "/types/T/fields/a/format: must be one of base64"),
        ({"T": {"fields": {"a": {"omit_if": "default"}}}}, "/types/T/fields/a/omit_if: there is no default"),
        ({"T": {"fields": {"a": {"choices": []}}}}, "/types/T/fields/a/choices: must be a list of at least"),
        (
            {"T": {"fields": {"a": {}, "b": {"alias": "a"}}}},
            "/types/T/fields/b: is written as 'a', and so is 'a'",
        ),
        ({"T": {"fields": {"a": {"minimum": 1}}}}, "/types/T/fields/a/minimum: is not a field here"),
        (
            {"T": {"fields": {"a": {"default": 1, "type": "string"}}}},
            "/types/T/fields/a/default: must be a text",
        ),
        ({"U": {"kind": "union"}}, "/types/U: union U must include a mapping or variants"),
        ({"A": {"type": "B"}, "B": {"type": "A"}}, "/types/A: leads back to itself"),
        ({"U": {"kind": "union", "variants": ["U"]}}, "/types/U: leads back to itself"),
        (
            {"T": {"fields": {"a": {"items": 3, "type": "array"}}}},
            "/types/T/fields/a/items: must be an object",
        ),
        (
            {"U": {"kind": "union", "discriminator": {"mapping": {"a": "string"}}}},
            "/types/U: 'a' is told by 'type', which 'string' does not have",
        ),
        (
            {"A": {"type": "map"}, "U": {"kind": "union", "discriminator": "k", "variants": {"a": "A"}}},
            "/types/U: 'a' is told by 'k', which 'A' does not have",
        ),
        ({"string": {"fields": {}}}, "/types/string: has the name of a primitive"),
        (
            {"T": {"fields": {"a": {"type": "array", "items": ""}}}},
            "/types/T/fields/a/items: must be an object",
        ),
        ({"T": {"type": "string", "fields": {}}}, "/types/T/type: an object is told by its fields"),
    ],
)
def test_a_mistake_in_a_type_names_its_place(types: Any, told: str) -> None:
    found = mistakes(document(PLAIN, types=types))
    assert any(mistake.startswith(told) for mistake in found), found


def test_an_object_may_hold_its_like() -> None:
    codec = _types(Tree={"fields": {"children": {"type": "array", "items": "Tree"}}})
    value: Any = {"children": [{"children": []}]}
    assert codec.encode(value, "Tree")[0] == value


def test_an_answer_that_does_not_fit_is_reported_and_left_as_it_came() -> None:
    decoded, report = _types(T={"fields": {"a": "string", "b": {"default": 7}}}).decode({"a": 1}, "T")
    assert decoded == {"a": 1, "b": 7}
    assert [str(mistake) for mistake in report.mistakes] == ["/a: must be a text"]


def test_a_value_that_is_nested_too_deeply_is_a_mistake_both_ways() -> None:
    codec = _types(Tree={"fields": {"children": {"type": "array", "items": "Tree"}}})
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"children": [deep]}
    endless: dict[str, Any] = {}
    endless["children"] = [endless]
    for value in (deep, endless):
        for way in (codec.encode, codec.decode):
            same, report = way(value, "Tree")
            assert same is value
            assert "is nested too deeply" in [mistake.message for mistake in report.mistakes]
