"""Who is let in, where to, and what those hear who are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.settings import AdminSettings, AuthSettings, CorsSettings, ServerSettings, Settings
from cortex_actors.web.app import ROUTES
from tests.web.conftest import client_of
from tests.web.gateway_double import GatewayDouble
from tests.web.keys import ADMIN, ALICE, OPERATOR, bearer, caller, with_keys

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
ASK_OPENAI = {"model": "auto", **ASK}
ASK_ANTHROPIC = {"model": "auto", "max_tokens": 9, **ASK}

#: One path of each surface, with a body it likes.
SURFACES = {"/api/chat": ASK, "/v1/chat/completions": ASK_OPENAI, "/v1/messages": ASK_ANTHROPIC}

OPEN = ["/", "/livez", "/readyz"]
OPERATORS = ["/api/actors", "/metrics"]


@pytest.fixture
def locked(gateway: GatewayDouble) -> Client:
    """A gateway whose callers have keys."""
    return client_of(gateway, with_keys())


def get(client: Client, path: str, key: str = "") -> TestResponse:
    return client.get(path, headers=bearer(key) if key else {})


# -- keys


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_a_good_key_is_let_in_by_either_header(locked: Client, path: str, header: str) -> None:
    shown = f"Bearer {ALICE}" if header == "Authorization" else ALICE
    assert locked.post(path, json=SURFACES[path], headers={header: shown}).status_code == 200


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("key", ["", "wrong", ALICE[:-1], "Bearer"])
def test_no_key_and_a_wrong_key_are_401_and_reach_no_provider(
    locked: Client, gateway: GatewayDouble, path: str, key: str
) -> None:
    answer = locked.post(path, json=SURFACES[path], headers=bearer(key) if key else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="cortex"'
    assert answer.headers["X-Request-Id"]
    assert gateway.asked == []


def test_a_refusal_has_the_shape_of_its_api(locked: Client) -> None:
    own = locked.post("/api/chat", json=ASK).get_json()
    assert (own["error"], own["code"]) == ("Unauthorized", "invalid_api_key")
    openai = locked.post("/v1/chat/completions", json=ASK).get_json()["error"]
    assert (openai["type"], openai["code"], openai["param"]) == (
        "invalid_request_error",
        "invalid_api_key",
        None,
    )
    anthropic = locked.post("/v1/messages", json=ASK).get_json()
    assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "authentication_error")


@pytest.mark.parametrize("path", SURFACES)
def test_a_key_is_never_in_an_answer(locked: Client, path: str) -> None:
    answer = locked.post(path, json=SURFACES[path], headers={"x-api-key": "sk-CANARY-1234567890"})
    assert "CANARY" not in answer.text + str(answer.headers)


def test_either_of_two_keys_will_do(locked: Client) -> None:
    headers = {"Authorization": "Bearer of-a-proxy", "x-api-key": ALICE}
    assert locked.post("/api/chat", json=ASK, headers=headers).status_code == 200


def test_a_body_is_not_read_before_its_sender_is_known(locked: Client) -> None:
    assert locked.post("/api/chat", data=b"no json").status_code == 401


def test_what_is_not_there_is_not_told_to_strangers(locked: Client) -> None:
    assert get(locked, "/nothing/here").status_code == 401
    assert get(locked, "/nothing/here", ALICE).status_code == 404


def test_a_handler_knows_who_asks(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(callers=(caller("alice", ALICE, providers=("groq",)),)))
    client.post("/api/chat", json=ASK, headers=bearer(ALICE))
    assert gateway.callers[0].permission.providers == {"groq"}


# -- paths


def test_every_path_of_the_application_says_whom_it_is_for(locked: Client) -> None:
    pages = ("/startupz", "/docs", "/openapi.json", "/dashboard", "/dev/dashboard")
    for path in ROUTES:
        refused = get(locked, path).status_code in (401, 403)
        assert refused != (path in OPEN or path.startswith(pages)), path


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_the_root_need_no_key_and_mind_no_wrong_one(locked: Client, path: str) -> None:
    assert get(locked, path).status_code == 200
    assert get(locked, path, "wrong").status_code == 200


@pytest.mark.parametrize("path", OPERATORS)
def test_the_inside_is_for_operators(locked: Client, path: str) -> None:
    assert get(locked, path).status_code == 401
    assert get(locked, path, ALICE).status_code == 403
    assert get(locked, path, OPERATOR).status_code == 200
    assert get(locked, path, ADMIN).status_code == 200


@pytest.mark.parametrize("path", ["/api/actors/", "/api/actors/router", "/api/streams", "/api/events"])
def test_what_lies_below_is_for_operators_too(locked: Client, path: str) -> None:
    assert get(locked, path).status_code == 401
    assert get(locked, path, ALICE).status_code == 403


@pytest.mark.parametrize("path", ["/api/actorsx", "//api/actors", "/API/actors", "/api/./actors"])
def test_a_path_that_only_looks_like_it_leads_nowhere(locked: Client, path: str) -> None:
    assert get(locked, path, ALICE).status_code == 404


def test_details_of_health_are_for_operators(locked: Client) -> None:
    assert get(locked, "/api/health", ALICE).status_code == 200
    assert get(locked, "/api/health?detailed=true", ALICE).status_code == 403
    assert get(locked, "/api/health?detailed=true", OPERATOR).status_code not in (401, 403)


def test_metrics_may_be_public(gateway: GatewayDouble) -> None:
    client = client_of(gateway, with_keys(auth=AuthSettings(public_metrics=True)))
    assert get(client, "/metrics").status_code == 200
    assert get(client, "/api/actors").status_code == 401


# -- the admin token


@pytest.mark.parametrize("path", ["/api/admin", "/api/admin/reload", "/api/admin/workers/reload"])
def test_admin_paths_are_for_the_admin_token(locked: Client, path: str) -> None:
    assert locked.post(path).status_code == 401
    assert locked.post(path, headers=bearer("wrong")).status_code == 401
    assert locked.post(path, headers=bearer(ALICE)).status_code == 403
    assert locked.post(path, headers=bearer(OPERATOR)).status_code == 403
    assert locked.post(path, headers=bearer(ADMIN)).status_code not in (401, 403)
    assert locked.post(path, headers={"x-api-key": ADMIN}).status_code not in (401, 403)


@pytest.mark.parametrize("settings", [Settings(), replace(with_keys(), admin=AdminSettings())])
def test_without_a_token_nobody_is_the_admin(gateway: GatewayDouble, settings: Settings) -> None:
    client = client_of(gateway, settings)
    for headers in ({}, bearer(ADMIN), bearer(OPERATOR), bearer("")):
        answer = client.post("/api/admin/reload", headers=headers)
        assert answer.status_code == 403
        assert "CORTEX_ADMIN__TOKEN" in answer.get_json()["details"]


def test_a_token_is_wanted_even_where_callers_need_no_key(gateway: GatewayDouble) -> None:
    client = client_of(gateway, replace(with_keys(), callers=()))
    assert client.post("/api/admin/reload").status_code == 401
    assert client.post("/api/admin/reload", headers=bearer(ADMIN)).status_code not in (401, 403)


# -- callers without a key


def test_on_a_machine_of_ones_own_nobody_needs_a_key(client: Client) -> None:
    for path in SURFACES:
        assert client.post(path, json=SURFACES[path]).status_code == 200
    for path in OPERATORS:
        assert get(client, path).status_code == 200


def test_where_nobody_needs_a_key_any_key_will_do(client: Client) -> None:
    """Clients insist on one."""
    assert client.post("/v1/chat/completions", json=ASK_OPENAI, headers=bearer("unused")).status_code == 200


def test_within_reach_of_others_the_inside_is_for_operators_all_the_same(gateway: GatewayDouble) -> None:
    settings = Settings(server=ServerSettings(host="0.0.0.0"), auth=AuthSettings(allow_anonymous=True))
    client = client_of(gateway, settings)
    assert client.post("/api/chat", json=ASK).status_code == 200
    for path in OPERATORS:
        assert get(client, path).status_code == 401


def test_callers_without_a_key_may_be_let_in_beside_those_with_one(gateway: GatewayDouble) -> None:
    client = client_of(gateway, with_keys(auth=AuthSettings(allow_anonymous=True)))
    assert client.post("/api/chat", json=ASK).status_code == 200
    assert client.post("/api/chat", json=ASK, headers=bearer("wrong")).status_code == 401
    assert get(client, "/api/actors").status_code == 401


@pytest.mark.parametrize("name", ["localhost", "LocalHost:4000", "127.0.0.1:4000", "[::1]:4000", "127.9.9.9"])
def test_this_machine_calls_itself_by_its_own_name(client: Client, name: str) -> None:
    assert client.post("/api/chat", json=ASK, headers={"Host": name}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example:4000", "cortex.lan", "localhost.evil.example", "10.0.0.1"])
def test_whoever_calls_it_by_another_name_is_not_this_machine(
    gateway: GatewayDouble, client: Client, name: str
) -> None:
    """A page whose name leads here (DNS rebinding) is of the same origin; and who knows who uses a tunnel."""
    headers = {"Host": name, "Origin": f"http://{name}"}
    for path in SURFACES:
        assert client.post(path, json=SURFACES[path], headers=headers).status_code == 403
    for path in OPERATORS:
        assert client.get(path, headers=headers).status_code == 403
    assert client.get("/livez", headers=headers).status_code == 200
    assert gateway.asked == []


def test_behind_a_proxy_everybody_is_served_if_the_settings_say_so(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(auth=AuthSettings(allow_anonymous=True)))
    proxied, direct = {"Host": "cortex.example.com"}, {"Host": "localhost:4000"}
    assert client.post("/api/chat", json=ASK, headers=proxied).status_code == 200
    assert client.get("/api/actors", headers=proxied).status_code == 401
    assert client.get("/api/actors", headers=direct).status_code == 200


# -- pages of other sites


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000.evil.example"])
def test_a_page_from_elsewhere_spends_nothing_where_nobody_needs_a_key(
    client: Client, gateway: GatewayDouble, origin: str
) -> None:
    answer = client.post("/api/chat", data=b'{"messages": []}', headers={"Origin": origin})
    assert answer.status_code == 403
    assert gateway.asked == []


def test_a_page_of_an_allowed_origin_or_of_our_own_may_ask(client: Client) -> None:
    for origin in ("http://localhost:3000", "http://localhost"):
        answer = client.post("/api/chat", json=ASK, headers={"Origin": origin, "Host": "localhost"})
        assert answer.status_code == 200


def test_where_every_origin_is_allowed_every_page_may_ask(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(cors=CorsSettings(origins=("*",))))
    assert client.post("/api/chat", json=ASK, headers={"Origin": "https://any.example"}).status_code == 200


def test_a_key_shows_that_a_page_was_allowed_to_ask(locked: Client) -> None:
    headers = {"Origin": "https://evil.example", **bearer(ALICE)}
    assert locked.post("/api/chat", json=ASK, headers=headers).status_code == 200


# -- a reload


def test_a_key_that_a_reload_brings_is_good_at_once_and_one_it_takes_is_not(gateway: GatewayDouble) -> None:
    client = client_of(gateway, with_keys())
    assert client.post("/api/chat", json=ASK, headers=bearer(ALICE)).status_code == 200
    gateway.settings = Settings(callers=(caller("bob", "sk-bob"),))
    assert client.post("/api/chat", json=ASK, headers=bearer(ALICE)).status_code == 401
    assert client.post("/api/chat", json=ASK, headers=bearer("sk-bob")).status_code == 200
