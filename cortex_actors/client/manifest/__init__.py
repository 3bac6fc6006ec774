"""Manifests: an API as data. Read, checked, and kept as values; nothing in one is ever run.

    document     a file or a mapping -> plain data: JSON or TOML, no key twice
    mistakes     what is wrong, each with its JSON pointer, all at once
    section      one object of a manifest, read field by field; what nobody read is refused by name
    sections     auth, retry policies, rate limits, error types, servers
    endpoints    the endpoints, with the manifest's defaults applied
    type_reader  the types
    references   whether every name that is used is there
    model, types the values all of this ends as
    codec        payloads checked and written by their types, answers read by them
    formats      `format` words and what they mean

May import:   retry, limiter and url of the client, for the values they define.
Imported by:  the client and everything made from a manifest: resources, codegen, docs, openapi.
"""
