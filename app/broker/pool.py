"""Who has which node: one is shared by all runs, each in a virtual host of its own; a run that kills its node has it alone.

Nodes start when they are first asked for and are kept warm, so that only the first run waits. A node that was had alone goes
back, restarted and swept, to be had again. A run's user may do anything within its virtual host and nothing outside it.
"""

from __future__ import annotations

import secrets
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.broker.installation import BrokerError, Installation
from app.broker.node import Node, Spawn, as_ordinary_user, free_port

WHOLE_NODES = 2
"""Nodes that are had alone at once; whoever comes then waits. Each takes some 130 MB."""
CONNECTIONS, QUEUES = 128, 256
_ACTOR = '<<"schedscope">>'
_GRANT = """
rabbit_vhost:add({vhost}, {actor}),
rabbit_vhost_limit:set({vhost}, [{{<<"max-connections">>, {connections}}}, {{<<"max-queues">>, {queues}}}], {actor}),
rabbit_auth_backend_internal:add_user({user}, <<"{password}">>, {actor}),
rabbit_auth_backend_internal:set_permissions({user}, {vhost}, <<".*">>, <<".*">>, <<".*">>, {actor}), ""
"""
_REVOKE = """
rabbit_vhost:delete({vhost}, {actor}), rabbit_auth_backend_internal:delete_user({user}, {actor}), ""
"""
_COUNTS = """
[[base64:encode(element(4, proplists:get_value(name, Q))), lists:flatten(io_lib:format(" ~w ~w ~w~n",
  [proplists:get_value(K, Q) || K <- [messages_ready, messages_unacknowledged, consumers]]))]
 || Q <- rabbit_amqqueue:info_all({vhost}, [name, messages_ready, messages_unacknowledged, consumers])]
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A virtual host on a node, and the user who may use it. `whole` says that nobody else has the node."""

    node: Node
    name: str
    password: str
    whole: bool

    def expression(self, template: str) -> str:
        """The template about this virtual host and user; both are named by us, so nothing is to be escaped."""
        name = f'<<"{self.name}">>'
        bounds = {"connections": CONNECTIONS, "queues": QUEUES}
        return template.format(vhost=name, user=name, password=self.password, actor=_ACTOR, **bounds)


class Pool:
    """All nodes of one keeper, in `folder`. Any thread may ask. Raises BrokerError where RabbitMQ does not come up."""

    def __init__(self, installation: Installation, folder: Path, spawn: Spawn) -> None:
        self._installation, self._folder, self._spawn = installation, folder, spawn
        self._epmd, self._epmd_port = self._start_epmd()
        self._numbering, self._made = threading.Lock(), 0
        self._sharing = threading.Lock()
        self._shared: Node | None = None
        self._alone = threading.Semaphore(WHOLE_NODES)
        self._rested: list[Node] = []
        self._nodes: list[Node] = []

    def _start_epmd(self) -> tuple[subprocess.Popen[bytes], int]:
        """Erlang's port mapper, which RabbitMQ insists on: ours, in the foreground, so that none is left behind as a daemon."""
        for _ in range(5):
            port = free_port()
            words = [*as_ordinary_user(), self._installation.epmd, "-port", str(port), "-address", "127.0.0.1"]
            epmd = self._spawn(
                words, env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            with suppress(subprocess.TimeoutExpired):
                epmd.wait(0.1)
            if epmd.poll() is None:
                return epmd, port
        raise BrokerError("epmd, Erlang's port mapper, does not start")

    def _new_node(self) -> Node:
        with self._numbering:
            self._made += 1
            node = Node(
                self._installation, self._folder / f"node-{self._made}-{secrets.token_hex(3)}", self._epmd_port, self._spawn
            )
            self._nodes.append(node)
        try:
            node.start()
        except BrokerError:
            self._remove(node)
            raise
        return node

    def _remove(self, node: Node) -> None:
        node.remove()
        with self._numbering:
            if node in self._nodes:
                self._nodes.remove(node)

    def grant(self, whole: bool) -> Grant:
        """A fresh virtual host, on the shared node or on one that nobody else has. May wait."""
        node = self._take_whole() if whole else self._take_shared()
        grant = Grant(node, f"run-{secrets.token_hex(8)}", secrets.token_hex(16), whole)
        try:
            node.evaluate(grant.expression(_GRANT))
        except (OSError, BrokerError) as error:
            if whole:
                self._remove(node)
                self._alone.release()
            raise BrokerError(f"no virtual host could be made: {error}") from error
        return grant

    def _take_shared(self) -> Node:
        with self._sharing:
            if self._shared is not None and not self._shared.alive():
                self._remove(self._shared)
                self._shared = None
            if self._shared is None:
                self._shared = self._new_node()
            return self._shared

    def _take_whole(self) -> Node:
        self._alone.acquire()
        try:
            with self._numbering:
                rested = self._rested.pop() if self._rested else None
            if rested is not None and rested.alive():
                return rested
            if rested is not None:
                self._remove(rested)
            return self._new_node()
        except BaseException:
            self._alone.release()
            raise

    def revoke(self, grant: Grant) -> None:
        """The virtual host with all that is in it, and its user, are gone; a node that was had alone may be had again."""
        swept = False
        with suppress(OSError, BrokerError):
            grant.node.evaluate(grant.expression(_REVOKE))
            swept = True
        if not grant.whole:
            return
        if swept:
            with self._numbering:
                self._rested.append(grant.node)
        else:
            self._remove(grant.node)
        self._alone.release()

    def crash(self, grant: Grant) -> None:
        """SIGKILL to the node, which is then started again on its data. Only where nobody else has it."""
        if not grant.whole:
            raise BrokerError("this run shares its broker with others: only a run that has it alone may kill it")
        grant.node.kill()
        grant.node.start()

    def counts(self, grant: Grant) -> bytes:
        """A line a queue: its name in base64, messages ready, unacknowledged, consumers; asked of the queues themselves."""
        return grant.node.evaluate(grant.expression(_COUNTS))

    def close(self) -> None:
        """Every node is killed and every folder removed."""
        for node in list(self._nodes):
            node.remove()
        self._epmd.kill()
        self._epmd.wait()
