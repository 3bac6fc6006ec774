"""Code from a manifest: one Python module with its types, its resources and its events.

    module       the whole text; what is generated is accepted by `mypy --strict`
    type_code    types as TypedDicts and aliases
    method_code  resources as classes, endpoints as methods, events as handler classes
    annotations  shapes as annotations
    text         names that do not meet, docstrings that do not break

What is generated holds the manifest it came from and calls this library; it decides nothing itself.

May import:   the manifest package, naming and signatures of the client.
Imported by:  the command line.
"""
