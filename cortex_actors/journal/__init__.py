"""The journal of resumable streams: numbered events that outlive the connection they were sent on.

    event_id        `<stream>:<number>`, what a client sends back to go on after that event
    records         numbered lines, bounded, and which instance wrote which
    journal         the events of one stream: read by any number of readers while they are written
    reader          one of these, at its own place
    owner           whose a stream is
    shelf           all journals in this process: bounded together, kept for a time after their end
    gate            whether events may be read before Redis has them
    mirror          copies journals to Redis, behind the streams, and keeps the leases of running ones
    redis_streams   what is asked of Redis, and `scripts` in which it is done there
    parcels         what the two say to one another

A record is one line of bytes, `kind payload`. What it says is known to those who write and read it, except
that the kinds `end` and `error` are the last of a stream.

May import: errors; the library redis, in `redis_streams` alone.
Imported by: gateway, web.
"""
