"""The load test: many callers at once from one process, each answer read to its end and held to its word.

    scenario, target, request                   what is asked of whom, by how many, how fast
    http_answer, framings, judgement            one answer: its HTTP, its framing, whether its end was honest
    client, exchange, arrivals, runner, fleet   the callers: one thread a process, sockets that never block
    histogram, tally, report, page, plots       what came of it: table, JSON, HTML

Belongs here: everything an operator needs to load a gateway and believe the figures.
May import: streaming, errors. Imported by: cli_loadtest. It knows a gateway by HTTP alone, so that it can
load any other one too.
"""
