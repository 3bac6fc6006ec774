from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.otp.actor import Actor
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec, check_child_specs
from cortex_actors.otp.errors import InvalidSpecs
from cortex_actors.otp.supervisor import Supervisor


def spec(child_id: Any = "a", actor: Any = Actor, **flags: Any) -> ChildSpec:
    return ChildSpec(child_id, actor, **flags)


def test_defaults_are_those_of_otp() -> None:
    worker = spec()
    assert (worker.restart, worker.type, worker.significant) == ("permanent", "worker", False)
    assert (worker.shutdown_limit, worker.start_limit) == (5.0, 5.0)
    supervisor = spec(type="supervisor")
    assert (supervisor.shutdown_limit, supervisor.start_limit) == ("infinity", None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (spec(""), "missing_id"),
        (spec("a/b"), "invalid_id"),
        (spec(actor="Worker"), "invalid_start"),
        (spec(actor=dict), "invalid_start"),
        (spec(restart="always"), "invalid_restart_type"),
        (spec(shutdown=-1), "invalid_shutdown"),
        (spec(shutdown="never"), "invalid_shutdown"),
        (spec(shutdown=True), "invalid_shutdown"),
        (spec(start_timeout="brutal_kill"), "invalid_start_timeout"),
        (spec(hang_timeout="infinity"), "invalid_hang_timeout"),
        (spec(type="boss"), "invalid_child_type"),
        (spec(significant="yes"), "invalid_significant"),
        (spec(significant=True), "bad_combination"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_has_its_word(wrong: ChildSpec, words: str) -> None:  # behaviour 29
    (mistake,) = check_child_specs((wrong,), "any_significant")
    assert mistake.startswith(words)


def test_a_significant_child_needs_auto_shutdown() -> None:  # behaviour 29
    good = spec(restart="transient", significant=True)
    assert check_child_specs((good,), "all_significant") == ()
    assert check_child_specs((good,), "never")[0].startswith("bad_combination")


def test_every_limit_may_be_said_in_its_own_words() -> None:
    for shutdown in (0, 0.5, "brutal_kill", "infinity"):
        assert check_child_specs((spec(shutdown=shutdown),)) == ()
    assert check_child_specs((spec(start_timeout="infinity", hang_timeout=3),)) == ()


def test_duplicates_are_named_once() -> None:  # behaviour 29
    mistakes = check_child_specs([spec("a"), spec("b"), spec("a"), spec("a")])
    assert mistakes == ("duplicate_child_name: 'a' is the id of 3 children",)


def test_all_mistakes_come_at_once() -> None:  # behaviour 29
    with pytest.raises(InvalidSpecs) as raised:
        Supervisor(
            [spec(restart="always"), spec("b", shutdown=-1)],
            strategy="one_by_one",  # type: ignore[arg-type]
            max_restarts=-1,
            max_seconds=0,
            auto_shutdown="sometimes",  # type: ignore[arg-type]
        )
    words = [mistake.partition(":")[0] for mistake in raised.value.mistakes]
    assert words == [
        "invalid_restart_type",
        "invalid_shutdown",
        "invalid_strategy",
        "invalid_intensity",
        "invalid_period",
        "invalid_auto_shutdown",
    ]


def test_unlimited_restarts_need_a_back_off() -> None:  # behaviour 29
    with pytest.raises(InvalidSpecs, match="unlimited without a back-off"):
        Supervisor([], max_restarts=None)
    Supervisor([], max_restarts=None, backoff=Backoff())


def test_a_back_off_is_checked_too() -> None:  # behaviour 29
    wrong = Backoff(min=2.0, max=1.0, factor=0.5, jitter=1.0, reset_after=-1)
    with pytest.raises(InvalidSpecs) as raised:
        Supervisor([], backoff=wrong)
    assert len(raised.value.mistakes) == 4
