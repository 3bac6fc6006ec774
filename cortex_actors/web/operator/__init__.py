"""The operator's view: what is inside, as JSON and as a stream of events.

    query         what may stand behind the question mark
    actors        the supervision tree, and stacks
    streams       the streams that run
    providers     providers with their breakers and keys
    events        the ring of events
    process       this process, its rates, the state of a dashboard
    health_json   the answers to health questions as application/health+json
    following     a body that goes on for as long as somebody follows it

Belongs here: values in, payloads out; nothing here asks an actor, and nothing waits but a follower.
May import: what handlers may. Imported by: handlers.
"""
