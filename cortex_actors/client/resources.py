"""Resources: the endpoints of a manifest as methods, without a line of generated code.

    client.users.get(7)                              GET /users/{id}
    client.chat.completions(messages, model="m")     the whole answer
    client.chat.completions_stream(messages)         its events

`help(client.chat.completions)` tells what a method takes. For types, generate a module.

Imports:  naming, signatures and the manifest's model of this package.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cortex_actors.client import naming
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.signatures import CALL, Parameter, parameters_of, sorted_out

#: Makes the call: endpoint id, path parameters, payload, options.
Send = Callable[[str, Mapping[str, Any], Any, Mapping[str, Any]], Any]


class Resource:
    """A group of endpoints; its methods are its attributes."""

    def __init__(self, name: str, description: str, methods: Mapping[str, Method]) -> None:
        self.__doc__ = description or f"The endpoints of {name}."
        self._name = name
        self._methods = methods

    def __getattr__(self, name: str) -> Method:
        methods: Mapping[str, Method] = self.__dict__.get("_methods", {})
        if name not in methods:
            raise AttributeError(f"the resource has no method {name!r}; it has {', '.join(methods)}")
        return methods[name]

    def __dir__(self) -> Iterator[str]:
        return iter(self._methods)

    def __repr__(self) -> str:
        return f"Resource({self._name}: {', '.join(self._methods)})"


class Method:
    """One endpoint, called like a function of its parameters."""

    def __init__(self, name: str, endpoint: Endpoint, parameters: tuple[Parameter, ...], send: Send) -> None:
        self.__name__ = name
        self.__doc__ = endpoint.description or f"{endpoint.method} {endpoint.path}"
        self.__signature__ = _signature(parameters)
        self._endpoint = endpoint
        self._parameters = parameters
        self._send = send

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Makes the call; a wrong argument is a TypeError, as with any function."""
        given = self.__signature__.bind(*args, **kwargs).arguments
        path, payload = sorted_out(self._parameters, given)
        return self._send(self._endpoint.id, path, payload, given.get(CALL) or {})

    def __repr__(self) -> str:
        return f"<{self.__name__}{self.__signature__}>"


def resources_of(manifest: Manifest, plain: Send, stream: Send, job: Send) -> dict[str, Resource]:
    """Every resource, by its name in Python; three ways to send give three kinds of methods."""
    ways = {"": plain, "_stream": stream, "_async": job}
    found: dict[str, Resource] = {}
    for resource, endpoints in manifest.by_resource().items():
        names = naming.method_names(endpoints)
        methods: dict[str, Method] = {}
        for endpoint in endpoints:
            parameters = parameters_of(manifest, endpoint)
            for name in naming.variants(endpoint, names[endpoint.id]):
                send = ways[name.removeprefix(names[endpoint.id])]
                methods[name] = Method(name, endpoint, parameters, send)
        description = manifest.resources.get(resource, "")
        found[naming.identifier(resource)] = Resource(resource, description, methods)
    return found


def _signature(parameters: tuple[Parameter, ...]) -> inspect.Signature:
    kinds = inspect.Parameter
    found = [
        kinds(
            each.name,
            kinds.POSITIONAL_OR_KEYWORD if each.is_positional else kinds.KEYWORD_ONLY,
            default=kinds.empty if each.required else None,
        )
        for each in parameters
    ]
    return inspect.Signature([*found, kinds(CALL, kinds.KEYWORD_ONLY, default=None)])
