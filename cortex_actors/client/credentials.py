"""Who signs a request: the context's way if there is one, else the manifest's, with a key of the environment.

Imports:  auth, context, errors and the manifest's model of this package.
"""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.client.auth import NOBODY, APIKey, Auth, Basic, Bearer
from cortex_actors.client.context import Context
from cortex_actors.client.errors import MissingCredential
from cortex_actors.client.manifest.model import DEFAULT_AUTH, NO_AUTH, AuthSpec, Endpoint, Manifest


def auth_for(endpoint: Endpoint, manifest: Manifest, context: Context) -> Auth:
    """The way to sign a request to this endpoint; raises MissingCredential."""
    if endpoint.auth == NO_AUTH:
        return NOBODY
    given = context.auth
    if given is not None and not isinstance(given, Mapping):
        return given
    for name in (endpoint.auth, DEFAULT_AUTH):
        if given and name in given:
            return given[name]
    for name in (endpoint.auth, DEFAULT_AUTH):
        if name in manifest.auth:
            return _from_environment(manifest.auth[name], context.environ, endpoint.id)
    return NOBODY


def _from_environment(spec: AuthSpec, environ: Mapping[str, str], endpoint: str) -> Auth:
    names = [spec.username_env_var, spec.password_env_var] if spec.type == "basic" else [spec.env_var]
    found = [environ.get(name or "", "") for name in names]
    if not all(found):
        if spec.optional:
            return NOBODY
        missing = [name for name, value in zip(names, found, strict=True) if not value]
        told = " and ".join(name for name in missing if name) or "no variable is named"
        raise MissingCredential(f"no credential: set {told}, or give the context an auth", endpoint=endpoint)
    if spec.type == "basic":
        return Basic(*found)
    if spec.type == "api_key":
        return APIKey(found[0], spec.header or APIKey("").header, spec.prefix or "", spec.parameter)
    return Bearer(found[0], spec.prefix or "Bearer")
