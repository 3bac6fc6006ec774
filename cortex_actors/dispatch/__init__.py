"""The gateway's own actors: who answers a request, and how it ends.

Belongs here: the dispatcher (one per request) with its opening, its attempts, its recovery and its inbox; the
router; a provider's worker and prober; the stream worker that talks to one provider for one attempt; health;
the stages that answers pass; and the messages between them.
May import: providers and everything below. Imported by: gateway.
"""
