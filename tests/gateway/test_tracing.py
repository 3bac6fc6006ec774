"""Traces of real requests, as a collector receives them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cortex_actors.gateway import Gateway
from cortex_actors.settings import HealthSettings, SupervisionSettings, TracingSettings
from tests.dispatch.plant import Client, ask, provider, settings, text_of
from tests.upstream import ScriptedUpstream, json_answer, openai_stream, refused_url

#: Gzip is what the exporter may send, and what this collector does not take.
PLAIN = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}


class Collector:
    """A collector of traces over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.append(self.path)
                if self.path == "/v1/traces":
                    told = ExportTraceServiceRequest.FromString(body)
                    for resource in told.resource_spans:
                        for scope in resource.scope_spans:
                            collector.spans.extend(scope.spans)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


def gateway(upstream: ScriptedUpstream, endpoint: str) -> Gateway:
    return Gateway.start(
        settings(
            provider("one", upstream.url),
            tracing=TracingSettings(endpoint=endpoint),
            health=HealthSettings(interval=0.0),
            supervision=SupervisionSettings(stall_limit=0.0),
        )
    )


def attributes(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}


def test_a_request_arrives_at_the_collector_with_its_attempts_and_without_its_words(
    upstream: ScriptedUpstream, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    upstream.enqueue(json_answer(500), openai_stream(["the ", "answer"], usage=(9, 2)))
    caller = Client("request-7")
    caller.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    running = gateway(upstream, collector.url)
    try:
        stream = running.open_stream(ask("the question", model="test-model"), caller)
        assert "".join(text_of(batch) for batch in stream) == "the answer"
    finally:
        running.stop()

    first, second, request = collector.spans
    assert {span.trace_id.hex() for span in collector.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert {first.parent_span_id, second.parent_span_id} == {request.span_id}
    assert attributes(first)["error.type"] == "upstream_failure"
    told = attributes(request)
    assert (told["cortex.request_id"], told["gen_ai.response.id"]) == ("request-7", stream.id)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == ("9", "2")
    assert told["cortex.attempts"] == "2"
    assert first.start_time_unix_nano <= first.end_time_unix_nano <= second.start_time_unix_nano
    assert not [word for word in ("question", "answer") if word in str(collector.spans)]
    assert "/v1/metrics" in collector.paths


def test_a_collector_that_is_not_there_costs_no_request_and_holds_up_no_end(
    upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.default = openai_stream(["Ho", "la"])
    running = gateway(upstream, refused_url())
    for _ in range(5):
        stream = running.open_stream(ask(), Client())
        assert "".join(text_of(batch) for batch in stream) == "Hola"
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 10.0


def test_without_the_extra_the_setting_is_refused_and_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from cortex_actors.errors import SettingsError\n"
        "from cortex_actors.gateway import Gateway\n"
        "from cortex_actors.settings import load\n"
        "try:\n"
        "    Gateway.start(load(None, {'CORTEX_TRACING__ENDPOINT': 'http://127.0.0.1:4318'}))\n"
        "except SettingsError as error:\n"
        "    assert \"pip install 'cortex-actors[otel]'\" in str(error), error\n"
        "else:\n"
        "    raise SystemExit('it was accepted')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
