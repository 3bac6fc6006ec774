"""Providers: one module for each dialect that language models are spoken to in.

Belongs here: how a dialect writes a request, reads a stream, refuses, and shows that it is alive; and what
dialects share (failures, options, the lenient reading of JSON). `adapter` is the contract, `catalog` the way
in, `mock` the provider without a network.
May import:   chat, errors, streaming, and the values of transport. No sockets, no actors, no settings.
Imported by:  dispatch, coordinator and gateway.
"""
