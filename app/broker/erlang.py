"""A word with a running Erlang VM: expressions out, their values back, over a UNIX socket that the VM itself listens on.

Why not what is there already: `rabbitmqctl` starts an Erlang VM for every call (1 to 2 s each), and the management plugin
costs each node a second of start, tens of MiB and a port. The few lines of `LISTEN` run inside the node from its start, need no
plugin and no distribution protocol, and answer in well under a millisecond. Who may open the socket is a matter of the
folder it lies in (mode 0700): whoever can, can do anything to the node.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from app.broker.installation import BrokerError

LISTEN = """
spawn(fun() ->
    Serve = fun Again(S) ->
        case gen_tcp:recv(S, 0) of
            {ok, Text} ->
                Answer = try
                    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
                    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
                    {value, Value, _} = erl_eval:exprs(Expressions, []),
                    [<<"+">>, Value]
                catch Class:Reason -> [<<"-">>, io_lib:format("~0p ~0p", [Class, Reason])] end,
                case gen_tcp:send(S, Answer) of ok -> Again(S); _ -> ok end;
            _ -> gen_tcp:close(S)
        end end,
    {ok, L} = gen_tcp:listen(0, [binary, {packet, 4}, {active, false}, {ifaddr, {local, "PATH"}}]),
    (fun Accept() ->
        {ok, S} = gen_tcp:accept(L),
        gen_tcp:controlling_process(S, spawn(fun() -> receive go -> Serve(S) end end)) =:= ok andalso
            begin {connected, P} = erlang:port_info(S, connected), P ! go end,
        Accept()
    end)()
end).
"""
"""What the VM evaluates at its start. A value must be iodata: an expression says itself how it is written."""


class Erlang:
    """One connection. Not for several threads at once."""

    def __init__(self, path: Path, timeout_s: float = 30.0) -> None:
        """Raises OSError where nobody listens (yet)."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def evaluate(self, expression: str) -> bytes:
        """The value of an Erlang expression sequence (without the final dot). Raises BrokerError for an exception there, OSError
        when the VM is gone or silent."""
        text = (expression + ".").encode()
        self._socket.sendall(struct.pack(">I", len(text)) + text)
        (size,) = struct.unpack(">I", self._exactly(4))
        answer = self._exactly(size)
        if answer[:1] != b"+":
            raise BrokerError(f"the node refused: {answer[1:].decode('utf-8', 'replace')}")
        return answer[1:]

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise ConnectionResetError("the node hung up")
            data += piece
        return bytes(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
