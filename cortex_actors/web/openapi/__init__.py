"""The OpenAPI document of the gateway: written by hand, held to the truth by tests.

    words        how a schema is said in a few words
    requests     the bodies that callers send
    answers      the bodies that callers get
    operations   every path with its methods: a test compares them with the routes
    document     all of it as one OpenAPI 3.1 document
    page         the same for people, as one page without a script

Imports:     nothing of the package but its version.
Imported by: handlers.openapi.
"""
