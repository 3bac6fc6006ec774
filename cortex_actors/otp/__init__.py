"""Supervision for Pykka actors, after Erlang/OTP: a library of its own.

    from cortex_actors.otp import Actor, ChildSpec, call, start_tree

    class Counter(Actor):
        def init(self):
            self.count = 0

        def handle(self, message):
            self.count += message
            return self.count

    root = start_tree([ChildSpec("counter", Counter)])
    call(root.names.whereis("counter"), 1, timeout=1)      # 1
    call(root.names.whereis("counter"), "one", timeout=1)  # TypeError here; a fresh counter there
    root.stop(timeout=5)

Belongs here: actors, mailboxes, supervisors, and how to look at them; nothing that knows what they are for.
May import: Pykka, and nothing of the project. Imported by: dispatch, gateway, web (views only).
"""

from cortex_actors.otp.actor import Actor, HostedActor, abandon, call, cast, kill, spawn
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec, check_child_specs
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.errors import (
    ActorError,
    ActorUnavailable,
    CallTimeout,
    ChildRefused,
    InvalidSpecs,
    MailboxFull,
    MaxChildren,
    NameTaken,
    NotAccepting,
    Refused,
    StartError,
)
from cortex_actors.otp.mailbox import Mailbox
from cortex_actors.otp.messages import Down, Exit, Shutdown, System
from cortex_actors.otp.monitor import demonitor, monitor
from cortex_actors.otp.name_table import NameTable
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.registry import Registry
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.tree import TreeNode, snapshot
from cortex_actors.otp.watchdog import Liveness, Watchdog

__all__ = [
    "COUNTERS",
    "Actor",
    "ActorError",
    "ActorUnavailable",
    "Backoff",
    "CallTimeout",
    "ChildRefused",
    "ChildSpec",
    "Down",
    "DynamicSupervisor",
    "Exit",
    "ExitKind",
    "ExitReason",
    "HostedActor",
    "InvalidSpecs",
    "Liveness",
    "Mailbox",
    "MailboxFull",
    "MaxChildren",
    "NameTable",
    "NameTaken",
    "NotAccepting",
    "Refused",
    "Registry",
    "Root",
    "Roster",
    "Shutdown",
    "StartError",
    "Supervisor",
    "System",
    "TreeNode",
    "Watchdog",
    "abandon",
    "call",
    "cast",
    "check_child_specs",
    "demonitor",
    "kill",
    "monitor",
    "snapshot",
    "spawn",
    "start_tree",
]
