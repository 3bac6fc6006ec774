"""What is counted, and under which names."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from cortex_actors.metrics import Metrics


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_stream_is_counted_once_under_its_provider_and_its_end() -> None:
    metrics = Metrics()
    metrics.stream_ended("one", "truncated", 1.5, 0.2)
    samples = _samples(metrics)
    assert samples["cortex_streams_total", (("end", "truncated"), ("provider", "one"))] == 1
    assert samples["cortex_chat_requests_total", (("provider", "one"), ("status", "error"))] == 1
    assert samples["cortex_chat_duration_seconds_sum", (("provider", "one"),)] == 1.5
    assert samples["cortex_time_to_first_token_seconds_sum", (("provider", "one"),)] == 0.2


def test_only_whole_answers_count_as_success() -> None:
    metrics = Metrics()
    for end in ("complete", "recovered", "client_gone"):
        metrics.stream_ended("one", end, 0.1, None)
    samples = _samples(metrics)
    assert samples["cortex_chat_requests_total", (("provider", "one"), ("status", "success"))] == 2
    assert samples["cortex_chat_requests_total", (("provider", "one"), ("status", "error"))] == 1


def test_a_request_that_reached_nobody_is_counted_under_none() -> None:
    metrics = Metrics()
    metrics.stream_ended(None, "shed", 0.0, None)
    assert _samples(metrics)["cortex_streams_total", (("end", "shed"), ("provider", "none"))] == 1


def test_two_gateways_in_one_process_share_no_number() -> None:
    first, second = Metrics(), Metrics()
    first.stream_ended("one", "complete", 0.1, 0.1)
    assert not [name for name, _ in _samples(second) if name == "cortex_streams_total"]


def test_a_gauge_is_read_when_somebody_looks() -> None:
    metrics, running = Metrics(), [3.0]
    metrics.gauge("cortex_streams_running", "Streams that run now.", lambda: running[0])
    running[0] = 5.0
    assert _samples(metrics)["cortex_streams_running", ()] == 5.0
