"""Administration: what an operator may do to a running gateway; each order is one line of the audit.

    actors       restart, terminate                                               see `operators`
    settings     reload                                                           see `reload`
    providers    add, remove, drain, undrain; force a breaker; unblock a key      see `provider_orders`
    streams      cancel
    stacks       where everything stands at this moment

Runs on:   the thread of whoever gives the order; nothing here waits for longer than some seconds.
Sends:     Cancel to a dispatcher.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from cortex_actors.dispatch.messages import Cancel, EndName
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import EndedByOperator, NotFound
from cortex_actors.gateway.audit import Audit, Order
from cortex_actors.gateway.changes import Changes
from cortex_actors.gateway.operators import Actors, Obeyed
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.provider_orders import Drained, ProviderOrders, changed
from cortex_actors.gateway.reload import Reload
from cortex_actors.otp.actor import cast
from cortex_actors.otp.stacks import Stack, all_stacks
from cortex_actors.otp.tree import TreeNode
from cortex_actors.resilience.breaker_states import BreakerState, Mode


class Administration:
    """The orders of operators."""

    def __init__(
        self,
        parts: Parts,
        reload: Reload,
        tree: Callable[[], TreeNode],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.audit = Audit(parts.events)
        self._parts = parts
        self._reload = reload
        self._actors = Actors(tree)
        self._providers = ProviderOrders(parts, reload, environ)

    # -- actors

    def restart(self, order: Order, name: str) -> Obeyed:
        """Another incarnation of an actor. Raises NotFound, Conflict, GatewayBusy, StillUnderWay."""
        with self.audit.entry(order, "restart", name) as entry:
            obeyed = self._actors.restart(name)
            entry.result = obeyed.result
            return obeyed

    def terminate(self, order: Order, name: str) -> Obeyed:
        """No more of an actor. Raises NotFound, Conflict, GatewayBusy, StillUnderWay."""
        with self.audit.entry(order, "terminate", name) as entry:
            obeyed = self._actors.terminate(name)
            entry.result = obeyed.result
            return obeyed

    # -- settings and providers

    def reload(self, order: Order) -> Changes:
        """Reads the settings again: all or nothing. Raises SettingsRefused, GatewayBusy, StillUnderWay."""
        with self.audit.entry(order, "reload") as entry:
            done = changed(self._reload.from_source)
            entry.result = str(done)
            return done

    def add_provider(self, order: Order, table: Mapping[str, Any]) -> Provider:
        """A provider that lasts until the next reload; its table is that of [[providers]].

        Raises SettingsRefused, Conflict, GatewayBusy, StillUnderWay.
        """
        with self.audit.entry(order, "add_provider") as entry:
            wanted = self._providers.read(table)
            entry.target = wanted.name
            provider = self._providers.add(wanted)
            entry.result = "added"
            return provider

    def remove_provider(self, order: Order, name: str) -> Drained:
        """No more new streams, and no more of the provider once the last is over; until the next reload.

        Raises UnknownProvider, GatewayBusy.
        """
        with self.audit.entry(order, "remove_provider", name) as entry:
            removed = self._providers.remove(name)
            entry.result = f"removed, {removed.streams} streams may finish"
            return removed

    def drain(self, order: Order, name: str) -> Drained:
        """No more new streams. Raises UnknownProvider."""
        with self.audit.entry(order, "drain", name) as entry:
            drained = self._providers.drain(name)
            entry.result = f"draining, {drained.streams} streams may finish"
            return drained

    def undrain(self, order: Order, name: str) -> Drained:
        """New streams again. Raises UnknownProvider."""
        with self.audit.entry(order, "undrain", name) as entry:
            undrained = self._providers.undrain(name)
            entry.result = "accepting"
            return undrained

    def force_breaker(self, order: Order, name: str, mode: Mode, model: str | None) -> BreakerState:
        """Who decides about one model's breaker, or about all of a provider; its state now.

        Raises UnknownProvider, UnknownModel, GatewayBusy, StillUnderWay.
        """
        target = name if model is None else f"{name}/{model}"
        with self.audit.entry(order, "breaker", target) as entry:
            state = self._providers.force_breaker(name, mode, model)
            entry.result = f"{mode}, and so it is {state}"
            return state

    def unblock(self, order: Order, name: str, key: str) -> str:
        """A key is good again, by its id as it is shown everywhere; gives the id.

        Raises UnknownProvider, InvalidRequest, NotFound, GatewayBusy, StillUnderWay.
        """
        with self.audit.entry(order, "unblock", name) as entry:
            key_id = self._providers.key_of(name, key)
            entry.target = f"{name}/{key_id}"
            self._providers.unblock(name, key_id)
            entry.result = "unblocked"
            return key_id

    # -- streams, and a look inside

    def cancel(self, order: Order, stream_id: str) -> None:
        """Ends a stream that runs here, also one without readers. Raises NotFound."""
        with self.audit.entry(order, "cancel", stream_id) as entry:
            dispatcher = self._parts.streams.dispatcher(stream_id)
            error = EndedByOperator("An operator ended this stream.")
            if dispatcher is None or not cast(dispatcher.ref, Cancel(EndName.SHED, error)):
                raise NotFound("No stream of this id runs here.")
            entry.result = "cancelled"

    def stacks(self, order: Order) -> tuple[Stack, ...]:
        """Where every thread stands, or every greenlet."""
        with self.audit.entry(order, "stacks") as entry:
            found = all_stacks()
            entry.result = f"{len(found)} stacks"
            return found
