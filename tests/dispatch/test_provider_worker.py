"""The provider worker: who may make an attempt, with which key, and what is published of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import (
    Admission,
    AdmitAttempt,
    FirstToken,
    ForceBreaker,
    NotAdmitted,
    Outcome,
    ProbeResult,
    ProviderView,
    TermsChanged,
    UnblockKey,
)
from cortex_actors.dispatch.provider import Board
from cortex_actors.dispatch.provider_worker import LookForStreams, ProviderWorker
from cortex_actors.errors import (
    AttemptCancelled,
    KeyRejected,
    ModelMissing,
    QuotaExhausted,
    UpstreamConnectError,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.otp.actor import Actor, call, spawn
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor
from cortex_actors.resilience.breaker_board import BreakerBoard, Permit
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KEYLESS
from cortex_actors.settings import KeySettings
from tests.dispatch.factories import STRICT, provider
from tests.dispatch.plant import LIMIT

KEYS = ("sk-canary-first", "sk-canary-second")
RESTS = KeySettings(rest=900.0, money_rest=3600.0)


class Office:
    """A worker, its clock, and the board it publishes on."""

    def __init__(self, breaker: BreakerLimits, keys: tuple[str, ...], **settings: Any) -> None:
        self.now = 100.0
        one = provider("one", keys=keys, **settings)
        self.mandate = Mandate(Terms(one, breaker, RESTS))
        self.board = Board((one,), clock=lambda: self.now)
        self.worker = spawn(
            ProviderWorker, self.mandate, self.board, clock=lambda: self.now, random=Random(1)
        )

    def admit(self, model: str = "m", *, in_need: bool = False) -> Admission | NotAdmitted:
        """What the worker answers to a request for leave."""
        answer = call(self.worker, AdmitAttempt(model, in_need), LIMIT)
        assert isinstance(answer, Admission | NotAdmitted)
        return answer

    def admitted(self, model: str = "m") -> Admission:
        """Leave, which must be given."""
        answer = self.admit(model)
        assert isinstance(answer, Admission), answer
        return answer

    def refused(self, model: str = "m") -> NotAdmitted:
        """A refusal, which must be given."""
        answer = self.admit(model)
        assert isinstance(answer, NotAdmitted), answer
        return answer

    def told(self, message: object) -> None:
        """Tells the worker something and waits until it has read it."""
        call(self.worker, message, LIMIT)

    def ends(
        self, admission: Admission, error: UpstreamError | None = None, ttft: float | None = 0.2
    ) -> None:
        """An attempt ended so."""
        self.told(Outcome(admission, error, ttft, 1.0))

    def fails(self, error: UpstreamError, model: str = "m") -> Admission:
        """A whole attempt that fails like this."""
        admission = self.admitted(model)
        self.ends(admission, error, None)
        return admission

    def view(self) -> ProviderView:
        """What everybody sees now."""
        return self.board.view("one")


@pytest.fixture
def offices() -> Iterator[list[Office]]:
    opened: list[Office] = []
    yield opened
    for office in opened:
        office.worker.stop()


@pytest.fixture
def office(offices: list[Office]) -> Office:
    """A provider without keys whose breakers never open."""
    offices.append(Office(BreakerLimits(minimum_calls=1000), ()))
    return offices[-1]


@pytest.fixture
def strict(offices: list[Office]) -> Office:
    """A provider without keys whose breakers open at the first failure, for ten seconds."""
    offices.append(Office(STRICT, ()))
    return offices[-1]


@pytest.fixture
def keyed(offices: list[Office]) -> Office:
    """A provider with two keys."""
    offices.append(Office(BreakerLimits(minimum_calls=1000), KEYS))
    return offices[-1]


# -- admission and counters


def test_a_provider_that_is_well_admits_every_attempt(office: Office) -> None:
    admissions = [office.admitted() for _ in range(100)]
    assert {admission.key.reveal() for admission in admissions} == {None}
    assert not any(admission.other_key or admission.permit.is_probe for admission in admissions)


def test_its_counters_hold_every_outcome_and_every_failure_of_the_provider(office: Office) -> None:
    office.ends(office.admitted())
    office.fails(UpstreamFailure())
    office.fails(UpstreamTimeout("first_token", 1.0))
    office.fails(AttemptCancelled())
    office.fails(UpstreamRejected())
    assert (office.view().requests, office.view().failures) == (5, 2)
    assert office.view().last_error == "Upstream timeout"


def test_the_mean_time_to_first_token_moves_with_each_answer(office: Office) -> None:
    assert office.view().mean_ttft is None
    office.ends(office.admitted(), ttft=1.0)
    assert office.view().mean_ttft == 1.0
    office.ends(office.admitted(), ttft=2.0)
    assert office.view().mean_ttft == pytest.approx(1.3)
    office.fails(UpstreamFailure())
    assert office.view().mean_ttft == pytest.approx(1.3)


# -- breakers


def test_failures_open_the_breaker(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    assert strict.refused() == NotAdmitted("breaker_open", 10.0)
    strict.now += 4.0
    assert strict.refused() == NotAdmitted("breaker_open", 6.0)


def test_an_open_breaker_admits_one_probe_when_its_time_is_over(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    probe = strict.admitted()
    assert probe.permit.is_probe
    refusal = strict.refused()
    assert refusal.reason == "breaker_open"
    assert refusal.retry_in is not None
    strict.ends(probe)
    assert not strict.admitted().permit.is_probe


def test_the_first_token_of_a_probe_closes_the_breaker(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    probe = strict.admitted()
    strict.told(FirstToken(probe))
    assert not strict.admitted().permit.is_probe


def test_a_probe_that_fails_opens_the_breaker_again(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    strict.ends(strict.admitted(), UpstreamFailure(), None)
    assert strict.refused() == NotAdmitted("breaker_open", 10.0)


def test_a_probe_that_was_called_off_lets_another_one_through_later(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    strict.ends(strict.admitted(), AttemptCancelled(), None)
    strict.now += 20.0
    assert strict.admitted().permit.is_probe


def test_a_model_that_fails_does_not_close_the_door_to_another(strict: Office) -> None:
    strict.fails(UpstreamFailure(), "m")
    assert strict.refused("m").reason == "breaker_open"
    strict.admitted("another")


def test_a_provider_that_cannot_be_reached_closes_the_door_to_every_model(strict: Office) -> None:
    strict.fails(UpstreamConnectError(), "m")
    assert strict.refused("another").reason == "breaker_open"


@pytest.mark.parametrize(
    "error",
    [
        AttemptCancelled(),
        UpstreamRejected(),
        ModelMissing(),
        KeyRejected(),
        QuotaExhausted(),
    ],
    ids=lambda error: error.code,
)
def test_what_is_not_the_providers_failure_opens_no_breaker(strict: Office, error: UpstreamError) -> None:
    for _ in range(20):
        strict.fails(error)
    strict.admitted()


@pytest.mark.parametrize(
    "error", [AttemptCancelled(), UpstreamRejected(), ModelMissing()], ids=lambda e: e.code
)
def test_what_is_not_the_providers_failure_is_no_evidence_against_it(
    office: Office, error: UpstreamError
) -> None:
    office.ends(office.admitted())
    office.fails(error)
    assert (office.view().status, office.view().failures) == ("available", 0)


# -- keys


def test_keys_take_turns(keyed: Office) -> None:
    used = [keyed.admitted().key.reveal() for _ in range(4)]
    assert used == [KEYS[0], KEYS[1], KEYS[0], KEYS[1]]


def test_an_admission_says_whether_another_key_could_be_tried(keyed: Office) -> None:
    assert keyed.admitted().other_key
    keyed.fails(KeyRejected())
    assert not keyed.admitted().other_key


@pytest.mark.parametrize(
    ("error", "rest"),
    [
        (UpstreamRateLimited(retry_after=7.0), 7.0),
        (UpstreamRateLimited(), RESTS.rest),
        (UpstreamRateLimited(retry_after=1e9), 86_400.0),
        (QuotaExhausted(), RESTS.money_rest),
    ],
    ids=["Retry-After", "no time", "absurd time", "money"],
)
def test_a_refused_key_rests_and_is_back_when_its_time_is_over(
    keyed: Office, error: UpstreamError, rest: float
) -> None:
    rested = keyed.fails(error).key.id
    assert rested not in {keyed.admitted().key.id for _ in range(4)}
    keyed.now += rest - 0.5
    assert rested not in {keyed.admitted().key.id for _ in range(4)}
    keyed.now += 0.5
    assert rested in {keyed.admitted().key.id for _ in range(4)}


def test_a_rejected_key_is_not_used_again(keyed: Office) -> None:
    rejected = keyed.fails(KeyRejected()).key.id
    keyed.now += 1e6
    assert rejected not in {keyed.admitted().key.id for _ in range(4)}


@pytest.mark.parametrize("error", [UpstreamFailure(), UpstreamRejected(), AttemptCancelled(), ModelMissing()])
def test_other_failures_leave_the_key_alone(keyed: Office, error: UpstreamError) -> None:
    used = keyed.fails(error).key.id
    assert used in {keyed.admitted().key.id for _ in range(4)}


def test_when_every_key_rests_the_first_one_back_is_waited_for(keyed: Office) -> None:
    keyed.fails(UpstreamRateLimited(retry_after=30.0))
    keyed.fails(UpstreamRateLimited(retry_after=5.0))
    assert keyed.refused() == NotAdmitted("rate_limited", 5.0)
    assert keyed.view().status == "rate_limited"


def test_when_every_key_is_rejected_only_an_operator_can_help(keyed: Office) -> None:
    keyed.fails(KeyRejected())
    keyed.fails(KeyRejected())
    assert keyed.refused() == NotAdmitted("no_key", None)
    assert keyed.view().status == "unavailable"


def test_in_need_a_key_whose_rest_is_our_own_guess_is_tried_all_the_same(keyed: Office) -> None:
    guessed = keyed.fails(UpstreamRateLimited()).key
    keyed.fails(UpstreamRateLimited(retry_after=600.0))
    keyed.now += 60.0
    assert isinstance(keyed.admit(), NotAdmitted)
    admission = keyed.admit(in_need=True)
    assert isinstance(admission, Admission)
    assert admission.key == guessed
    assert isinstance(keyed.admit(in_need=True), NotAdmitted)


def test_need_opens_no_breaker(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    assert strict.admit(in_need=True) == NotAdmitted("breaker_open", 10.0)


def test_a_rate_limit_of_one_key_is_no_rate_limit_of_the_provider(keyed: Office) -> None:
    keyed.fails(UpstreamRateLimited(retry_after=30.0))
    keyed.admitted()


# -- a provider without keys


def test_a_rate_limit_without_keys_rests_the_model(office: Office) -> None:
    office.fails(UpstreamRateLimited(retry_after=7.0))
    assert office.refused() == NotAdmitted("rate_limited", 7.0)
    office.admitted("another")
    office.now += 7.0
    office.admitted()


def test_a_rate_limit_without_keys_or_time_rests_the_model_for_a_moment(office: Office) -> None:
    office.fails(UpstreamRateLimited())
    refusal = office.refused()
    assert refusal.reason == "rate_limited"
    assert refusal.retry_in is not None
    assert 0 < refusal.retry_in <= 5.0


# -- probes


def test_a_probe_tells_the_models(offices: list[Office]) -> None:
    offices.append(Office(STRICT, (), models=()))
    office = offices[-1]
    assert office.view().models == ()
    office.told(ProbeResult(models=("a", "b")))
    assert office.view().models == ("a", "b")
    office.told(ProbeResult(failure_class="server", error="Upstream error"))
    assert office.view().models == ("a", "b")


def test_configured_models_are_not_replaced_by_what_a_probe_saw(office: Office) -> None:
    office.told(ProbeResult(models=("a", "b")))
    assert office.view().models == ("m",)


def test_a_probe_that_fails_is_shown_and_opens_no_breaker(strict: Office) -> None:
    strict.told(ProbeResult(failure_class="server", error="Upstream unreachable"))
    assert (strict.view().status, strict.view().last_error) == ("unavailable", "Upstream unreachable")
    assert strict.view().failures == 0
    strict.admitted()
    strict.told(ProbeResult(models=("m",)))
    assert strict.view().status == "available"


def test_a_probe_that_was_called_off_says_nothing(office: Office) -> None:
    office.told(ProbeResult(models=("m",)))
    office.told(ProbeResult(failure_class="cancelled"))
    assert office.view().status == "available"


def test_a_probe_with_one_bad_key_of_several_says_nothing_of_the_provider(keyed: Office) -> None:
    keyed.told(ProbeResult(failure_class="key", error="Upstream refused our credential"))
    assert keyed.view().status == "unknown"


def test_a_probe_with_the_only_key_shows_that_it_is_bad(offices: list[Office]) -> None:
    offices.append(Office(STRICT, KEYS[:1]))
    offices[-1].told(ProbeResult(failure_class="key", error="Upstream refused our credential"))
    assert offices[-1].view().status == "unavailable"


# -- what is published


def test_its_books_are_published_before_anybody_asks(office: Office) -> None:
    assert (office.view().status, office.view().requests) == ("unknown", 0)


def test_its_books_are_published_after_an_admission_too(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    strict.admitted()
    assert strict.view().breakers.models["m"].state is BreakerState.HALF_OPEN


def test_a_key_is_seen_by_its_id_alone(keyed: Office, caplog: pytest.LogCaptureFixture) -> None:
    admission = keyed.fails(KeyRejected())
    keyed.fails(UpstreamRateLimited(retry_after=5.0))
    shown = [repr(keyed.view()), repr(admission), repr(keyed.refused()), str(admission.key), caplog.text]
    assert not any("canary" in text for text in shown)
    assert admission.key.id in shown[0]


def test_each_move_of_a_breaker_is_one_log_line(strict: Office, caplog: pytest.LogCaptureFixture) -> None:
    strict.fails(UpstreamFailure())
    strict.now += 10.0
    strict.ends(strict.admitted())
    moves = [record.getMessage() for record in caplog.records if "breaker" in record.getMessage()]
    assert moves == [
        "breaker one/m: closed -> open (tripped)",
        "breaker one/m: open -> half_open (wait_over)",
        "breaker one/m: half_open -> closed (probe_answered)",
    ]


def test_a_stray_message_changes_nothing(office: Office) -> None:
    before = office.view()
    office.told("a message for somebody else")
    assert office.view() == before


def test_in_need_a_key_whose_rest_is_our_own_guess_may_be_tried(keyed: Office) -> None:
    keyed.fails(UpstreamRateLimited())
    keyed.fails(UpstreamRateLimited())
    keyed.now += 60.0
    assert keyed.refused() == NotAdmitted("rate_limited", 840.0)
    answer = call(keyed.worker, AdmitAttempt("m", in_need=True), LIMIT)
    assert isinstance(answer, Admission)
    assert answer.key.reveal() in KEYS
    assert isinstance(call(keyed.worker, AdmitAttempt("m", in_need=True), LIMIT), NotAdmitted)


# -- other terms, and orders


def changed(office: Office, **keys: Any) -> None:
    """Other settings of the same provider, as a reload brings them."""
    office.mandate.terms = replace(office.mandate.terms, provider=provider("one", **keys))
    office.told(TermsChanged())


def test_keys_that_stay_keep_what_is_known_of_them(keyed: Office) -> None:
    keyed.fails(KeyRejected())
    changed(keyed, keys=(*KEYS, "sk-canary-third"))
    used = {keyed.admitted().key.reveal() for _ in range(4)}
    assert used == {KEYS[1], "sk-canary-third"}


def test_breakers_of_the_same_upstream_stay_as_they_are(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    changed(strict, priority=7)
    assert strict.refused().reason == "breaker_open"


def test_another_upstream_under_the_same_name_begins_with_a_clean_page(strict: Office) -> None:
    strict.fails(UpstreamFailure())
    before = strict.mandate.terms.provider
    late = Admission(tripped_permit(), KEYLESS, provider=before)
    changed(strict, base_url="http://127.0.0.1:10")
    assert strict.view().last_error is None
    assert strict.admitted().provider is strict.mandate.terms.provider
    strict.ends(late, UpstreamFailure())
    strict.told(ProbeResult((), "server", "no", before.upstream))
    strict.told(FirstToken(late))
    assert strict.view().status == "unknown", "news of the old one says nothing of the new one"
    strict.admitted()


def test_other_limits_hold_for_what_comes(office: Office) -> None:
    office.mandate.terms = replace(office.mandate.terms, breaker=STRICT)
    office.told(TermsChanged())
    office.fails(UpstreamFailure())
    assert office.refused().reason == "breaker_open"


def test_a_provider_that_drains_admits_nobody(office: Office) -> None:
    office.mandate.terms.provider.streams.drain()
    assert office.refused() == NotAdmitted("draining")
    assert office.view().draining
    office.mandate.terms.provider.streams.resume()
    office.admitted()


def test_an_operator_decides_about_a_breaker_and_a_later_worker_knows(
    office: Office, offices: list[Office]
) -> None:
    assert call(office.worker, ForceBreaker("open", "m"), LIMIT) is BreakerState.OPEN
    assert office.refused().reason == "breaker_open"
    office.admitted("another")
    successor = spawn(ProviderWorker, office.mandate, office.board, clock=lambda: office.now)
    assert isinstance(call(successor, AdmitAttempt("m"), LIMIT), NotAdmitted)
    assert call(successor, ForceBreaker("open"), LIMIT) is BreakerState.OPEN
    assert call(successor, ForceBreaker("auto"), LIMIT) is BreakerState.CLOSED
    assert office.mandate.orders == {None: "auto"}, "what is said of all is said of each"
    assert isinstance(call(successor, AdmitAttempt("m"), LIMIT), Admission)
    successor.stop()


def test_an_operator_unblocks_a_key(keyed: Office) -> None:
    refused = keyed.fails(KeyRejected()).key
    assert call(keyed.worker, UnblockKey(refused.id), LIMIT) is True
    assert {keyed.admitted().key for _ in range(2)} >= {refused}
    assert call(keyed.worker, UnblockKey("00000000"), LIMIT) is False


def test_a_worker_that_leaves_says_when_its_last_stream_is_over() -> None:
    one, over = provider("one"), threading.Event()
    mandate = Mandate(Terms(one, leaving=True))
    supervisor = spawn(DynamicSupervisor, one.streams)
    stream = one.streams.start_child(Actor)
    worker = spawn(ProviderWorker, mandate, Board((one,)), over.set)
    call(worker, LookForStreams(), LIMIT)
    assert not over.is_set()
    stream.stop()
    assert over.wait(LIMIT)
    for each in (worker, supervisor):
        each.stop()


def tripped_permit() -> Permit:
    """Leave of a breaker that moved on since."""
    permit = BreakerBoard("one", STRICT, Random(1)).admit("m", 0.0)
    assert isinstance(permit, Permit)
    return permit
