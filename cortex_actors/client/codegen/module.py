"""The whole generated module.

Imports:  the other modules of this package; naming and the manifest's model.
"""

from __future__ import annotations

import json
import re

from cortex_actors.client import naming
from cortex_actors.client.codegen.annotations import Annotations
from cortex_actors.client.codegen.method_code import events_code, resource_code
from cortex_actors.client.codegen.text import INDENT, Names, docstring
from cortex_actors.client.codegen.type_code import type_code
from cortex_actors.client.manifest.model import Manifest

#: What the module may need, and where it comes from; only what it uses is imported.
_IMPORTS = {
    "json": None,
    "Future": "concurrent.futures",
    "TracebackType": "types",
    "Any": "typing",
    "Literal": "typing",
    "NotRequired": "typing",
    "Self": "typing",
    "TypeAlias": "typing",
    "TypedDict": "typing",
    "cast": "typing",
    "CallOptions": "cortex_actors.client",
    "Client": "cortex_actors.client",
    "Context": "cortex_actors.client",
    "StreamResponse": "cortex_actors.client",
    "load_manifest": "cortex_actors.client",
}


def generate(manifest: Manifest) -> str:
    """The text of a Python module that knows this API."""
    names = Names([*_IMPORTS, "MANIFEST"])
    classes = {name: names.take(naming.class_name(name)) for name in manifest.types}
    annotations = Annotations(classes)
    blocks = [type_code(spec, classes[name], annotations) for name, spec in manifest.types.items()]
    resources: dict[str, str] = {}
    for resource, endpoints in manifest.by_resource().items():
        methods = naming.method_names(endpoints)
        for endpoint in endpoints:
            if endpoint.event_types:
                method = methods[endpoint.id]
                name = names.take(naming.class_name(f"{resource}_{method}_events"))
                call = f"{naming.identifier(resource)}.{method}_stream"
                blocks.append(events_code(endpoint, name, call, annotations))
        name = resources[resource] = names.take(naming.class_name(f"{resource}_resource"))
        blocks.append(resource_code(manifest, resource, endpoints, name, annotations))
    blocks.append(_client(manifest, names.take(naming.class_name(f"{manifest.name}_client")), resources))
    blocks.append(_document(manifest))
    body = "\n\n\n".join("\n".join(block) for block in blocks)
    return f"{_head(manifest, body)}\n\n\n{body}\n"


def _head(manifest: Manifest, body: str) -> str:
    about = docstring(
        f"{manifest.name} {manifest.version}: {manifest.description or 'a typed client.'}",
        0,
        ["Written by `cortex manifest generate`: do not edit it, change the manifest and write it again."],
    )
    found: dict[str | None, list[str]] = {}
    for name, module in _IMPORTS.items():
        if re.search(rf"\b{name}\b", body):
            found.setdefault(module, []).append(name)
    lines = [f"import {name}" for name in found.pop(None, [])]
    ours = "cortex_actors.client"
    standard = sorted(module for module in found if module and module != ours)
    lines += [f"from {module} import {', '.join(found[module])}" for module in standard]
    lines += ["", f"from {ours} import {', '.join(found[ours])}"]
    return "\n".join([*about, "", "from __future__ import annotations", "", *lines])


def _client(manifest: Manifest, name: str, resources: dict[str, str]) -> list[str]:
    attributes = Names(["client", "close"])
    return [
        f"class {name}:",
        *docstring(manifest.description or f"Everything of {manifest.name}.", 1),
        "",
        f"{INDENT}def __init__(self, context: Context | None = None) -> None:",
        f"{INDENT * 2}self.client = Client(MANIFEST, context)",
        *(
            f"{INDENT * 2}self.{attributes.take(naming.identifier(resource))} = {cls}(self.client)"
            for resource, cls in resources.items()
        ),
        "",
        f"{INDENT}def __enter__(self) -> Self:",
        f"{INDENT * 2}return self",
        "",
        f"{INDENT}def __exit__(",
        f"{INDENT * 2}self,",
        f"{INDENT * 2}kind: type[BaseException] | None,",
        f"{INDENT * 2}error: BaseException | None,",
        f"{INDENT * 2}traceback: TracebackType | None,",
        f"{INDENT}) -> None:",
        f"{INDENT * 2}self.close()",
        "",
        f"{INDENT}def close(self) -> None:",
        f'{INDENT * 2}"""Frees its connections."""',
        f"{INDENT * 2}self.client.close()",
    ]


def _document(manifest: Manifest) -> list[str]:
    """The manifest itself, as JSON in a raw text: three quotes in a row, which would end it, it never has."""
    text = json.dumps(manifest.document, indent=1)
    return [
        "MANIFEST = load_manifest(",
        f"{INDENT}json.loads(",
        f'{INDENT * 2}r"""{text}"""',
        f"{INDENT})",
        ")",
    ]
