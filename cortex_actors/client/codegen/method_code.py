"""Resources as classes, endpoints as methods, the events of streams as classes to derive handlers from.

Imports:  annotations and text of this package; naming, signatures, event_handlers and the manifest's model.
"""

from __future__ import annotations

from cortex_actors.client import naming
from cortex_actors.client.codegen.annotations import Annotations
from cortex_actors.client.codegen.text import INDENT, Names, docstring, quoted
from cortex_actors.client.event_handlers import method_name
from cortex_actors.client.manifest.model import Endpoint, Manifest
from cortex_actors.client.signatures import CALL, Parameter, parameters_of


def resource_code(
    manifest: Manifest, resource: str, endpoints: tuple[Endpoint, ...], name: str, annotations: Annotations
) -> list[str]:
    """The class of one resource."""
    description = manifest.resources.get(resource) or f"The endpoints of {resource}."
    lines = [
        f"class {name}:",
        *docstring(description, 1),
        "",
        f"{INDENT}def __init__(self, client: Client) -> None:",
        f"{INDENT * 2}self._resource = client.resource({quoted(resource)})",
    ]
    names = naming.method_names(endpoints)
    for endpoint in endpoints:
        plain = annotations.named(endpoint.response)
        for method in naming.variants(endpoint, names[endpoint.id]):
            ending = method.removeprefix(names[endpoint.id])
            returns = {"": plain, "_stream": "StreamResponse", "_async": f"Future[{plain}]"}[ending]
            lines += ["", *_method(manifest, endpoint, method, returns, annotations)]
    return lines


def events_code(endpoint: Endpoint, name: str, call: str, annotations: Annotations) -> list[str]:
    """A class with a method for each event of a stream; each does nothing."""
    about = f"What `{call}` may send; override what you care for, and give it to `dispatch`."
    lines = [f"class {name}:", *docstring(about, 1)]
    methods = Names(["on_unknown", "on_done"])
    for event, ref in endpoint.event_types.items():
        method = methods.take(method_name(event))
        lines += [
            "",
            f"{INDENT}def {method}(self, data: {annotations.named(ref)}) -> object:",
            *docstring(f"When `{event}` arrives.", 2),
            f"{INDENT * 2}return None",
        ]
    return lines


def _method(
    manifest: Manifest, endpoint: Endpoint, name: str, returns: str, annotations: Annotations
) -> list[str]:
    parameters = parameters_of(manifest, endpoint)
    lines = [f"{INDENT}def {name}(", f"{INDENT * 2}self,"]
    lines += [f"{INDENT * 2}{_declared(each, annotations)}," for each in parameters if each.is_positional]
    lines.append(f"{INDENT * 2}*,")
    lines += [f"{INDENT * 2}{_declared(each, annotations)}," for each in parameters if not each.is_positional]
    lines += [f"{INDENT * 2}{CALL}: CallOptions | None = None,", f"{INDENT}) -> {returns}:"]
    about = endpoint.description or f"{endpoint.method} {endpoint.path}"
    details = [f"{each.name}: {each.description}" for each in parameters if each.description]
    lines += docstring(f"Deprecated. {about}" if endpoint.deprecated else about, 2, details)
    arguments = [f"{each.name}={each.name}," for each in parameters] + [f"{CALL}={CALL},"]
    lines += [
        f"{INDENT * 2}{'return' if returns == 'Any' else 'answer ='} self._resource.{name}(",
        *(f"{INDENT * 3}{argument}" for argument in arguments),
        f"{INDENT * 2})",
    ]
    if returns != "Any":
        lines.append(f"{INDENT * 2}return cast({quoted(returns)}, answer)")
    return lines


def _declared(parameter: Parameter, annotations: Annotations) -> str:
    annotation = annotations.of(parameter.shape, nullable=parameter.nullable or not parameter.required)
    return f"{parameter.name}: {annotation}" + ("" if parameter.required else " = None")
