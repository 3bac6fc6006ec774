"""What keeps one bad provider from spoiling a request: pure state, driven by its arguments.

    policy           failure class -> what may be tried next, and who is charged for it
    backoff          how long to pause before the next attempt
    outcome_window   calls, failures and slow first tokens of the last minute
    failure_row      failures since the last good answer
    circuit_breaker  one breaker: closed, open, half_open
    breaker_board    a provider's breakers: one for the provider as a whole, one for each model
    key_ring         a provider's API keys: which one is next, which ones rest
    provider_status  one word for people, derived from all of these

Belongs here: decisions that need no I/O. Time is an argument (monotonic seconds), randomness is an argument,
and there are no threads and no locks: each object has one owner, the worker actor of its provider.
May import: errors. Imported by: dispatch.
"""
