"""The manifests of Kubernetes: that they fit one another, the settings, and the paths the gateway has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cortex_actors.settings import ServerSettings, SupervisionSettings, load
from cortex_actors.web.app import ROUTES
from tests.deploy import CONFIG
from tests.deploy.test_systemd import LAST_PATIENCE

FOLDER = CONFIG / "kubernetes"
Manifest = dict[str, Any]


def manifest(name: str) -> Manifest:
    found: Manifest = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def pod() -> Manifest:
    found: Manifest = manifest("deployment")["spec"]["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def container(pod: Manifest) -> Manifest:
    (found,) = pod["containers"]
    return dict(found)


def test_every_manifest_but_the_example_of_a_secret_is_applied() -> None:
    files = {file.name for file in FOLDER.iterdir()} - {"kustomization.yaml", "secret.example.yaml"}

    assert set(manifest("kustomization")["resources"]) == files


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_probe_asks_for_a_path_that_the_gateway_has(container: Manifest, probe: str) -> None:
    asked = container[probe]["httpGet"]

    assert "GET" in ROUTES[asked["path"]]
    paths = {"readinessProbe": "/readyz", "startupProbe": "/startupz", "livenessProbe": "/livez"}
    assert asked["path"] == paths[probe]
    assert asked["port"] in {port["name"] for port in container["ports"]}


def test_the_fuse_of_the_process_blows_before_the_liveness_probe_gives_up(container: Manifest) -> None:
    probe = container["livenessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] >= 2 * SupervisionSettings().stall_limit


def test_a_drain_has_its_time_after_the_nodes_have_heard_of_it(pod: Manifest, container: Manifest) -> None:
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    drain = ServerSettings().drain_timeout + LAST_PATIENCE

    assert command[0] == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(command[1]) + drain


def test_a_new_instance_is_ready_before_an_old_one_leaves() -> None:
    deployment = manifest("deployment")["spec"]

    assert deployment["replicas"] >= 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_service_and_deployment_speak_of_the_same_pods(container: Manifest) -> None:
    deployment, service = manifest("deployment")["spec"], manifest("service")["spec"]
    labels = deployment["template"]["metadata"]["labels"]

    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert service["selector"].items() <= labels.items()
    assert service["ports"][0]["targetPort"] in {port["name"] for port in container["ports"]}


def test_the_pod_mounts_what_there_is(pod: Manifest, container: Manifest) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    config = {item["name"]: item["value"] for item in container["env"]}["CORTEX_CONFIG"]
    folder, _, file = config.rpartition("/")

    assert mounts[folder]["configMap"]["name"] == manifest("configmap")["metadata"]["name"]
    assert file in manifest("configmap")["data"]
    assert "emptyDir" in mounts["/tmp"]  # the rest is read-only
    (source,) = container["envFrom"]
    assert source["secretRef"] == {"name": manifest("secret.example")["metadata"]["name"], "optional": True}


def test_the_settings_of_the_configmap_are_accepted(tmp_path: Path) -> None:
    (text,) = manifest("configmap")["data"].values()
    file = tmp_path / "cortex.toml"
    file.write_text(text, encoding="utf-8")

    settings = load(file, {"CORTEX_SERVER__HOST": "0.0.0.0"})
    assert settings.logs.format == "json"
    assert settings.auth.public_metrics  # the annotations of the pods ask Prometheus to come
    assert not settings.auth.allow_anonymous


def test_the_example_of_a_secret_makes_a_provider() -> None:
    settings = load(None, manifest("secret.example")["stringData"])

    assert [(provider.type, len(provider.keys)) for provider in settings.providers] == [("groq", 2)]


def test_the_pod_has_no_rights_it_does_not_need(pod: Manifest, container: Manifest) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_pod_runs_as_the_user_of_the_image(pod: Manifest) -> None:
    text = (CONFIG / "Dockerfile").read_text(encoding="utf-8")
    context = pod["securityContext"]

    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in text
