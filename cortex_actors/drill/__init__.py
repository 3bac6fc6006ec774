"""The drill: a provider that misbehaves on order, and the callers that judge how a gateway takes it.

    wall, behaviours, plays, reply, peer, words    the wall: a fake provider whose models are faults
    rows, scenario, runner, caller, reading        what is asked of a running gateway, and what came of it
    evidence, honesty, checks, scorecard           what that is worth: pass, partial, safe or fail

Belongs here: everything an operator needs to try a gateway against every fault it must survive.
May import: transport, streaming, errors. Imported by: cli_drill. It knows a gateway by HTTP alone, so that it
judges what callers see.
"""
