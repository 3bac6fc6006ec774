"""Requests made up from the OpenAPI document, right ones and wrong ones: no 5xx, all answers as described.

What the document leaves open hypothesis fills in: empty and huge texts, odd characters, numbers at their
bounds, missing and additional fields. The provider always answers, so that no failure has an excuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cortex_actors.web.openapi.document import DOCUMENT
from tests.live import settings_file
from tests.live.daemon import Daemon
from tests.upstream import RecordedRequest, Script, ScriptedUpstream, json_answer, openai_stream

TOKEN = "a-token-for-tests-that-is-long-enough-0123456789"

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def _vectors(request: RecordedRequest) -> Script:
    """A vector for each input."""
    inputs = request.json["input"]
    data = [{"object": "embedding", "index": index, "embedding": [0.5]} for index, _ in enumerate(inputs)]
    return json_answer(200, {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1}})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running gateway, which must be as well at the end as it was at the start."""
    with ScriptedUpstream() as upstream:
        upstream.default = openai_stream(["Ho", "la"], usage=(3, 2))
        upstream.on_path("/v1/embeddings", _vectors)
        configured = settings_file.settings(settings_file.provider("one", upstream.url))
        environ = {"CORTEX_ADMIN__TOKEN": TOKEN}
        with Daemon(configured, tmp_path_factory.mktemp("daemon"), mode="gevent", environ=environ) as daemon:
            yield f"http://127.0.0.1:{daemon.port}"
            daemon.assert_no_traceback()
            assert daemon.get("/api/health").status == 200


# A feed never ends, so there is no answer to look at.
document = schemathesis.openapi.from_dict(DOCUMENT).exclude(path="/api/dashboard/feed")


@document.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_it_and_answers_are_as_described(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(
        base_url=url, checks=CHECKS, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20
    )
