"""A Python process that Java calls through Py4J; it prints the port that it listens at."""

from __future__ import annotations

import os
import sys

import bench_functions
import torch
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters


class Peer:
    """Implements the Java interface of this name."""

    def touch(self) -> None:
        """Works on a bound tensor."""
        bench_functions.touch(0)

    def addOne(self, numbers: bytes) -> bytearray:
        """Adds one to each float32."""
        memory = bytearray(numbers)  # torch writes into no bytes
        torch.frombuffer(memory, dtype=torch.float32).add_(1)
        return memory

    class Java:
        """Read by Py4J."""

        implements = ("dev.glora.bridge.benchmarks.Py4jPeer$Python",)


bench_functions.bind_own(0, 256)
server = ClientServer(
    java_parameters=JavaParameters(),
    python_parameters=PythonParameters(port=0),
    python_server_entry_point=Peer(),
)
print(server.get_callback_server().get_listening_port(), flush=True)
sys.stdin.read()
os._exit(0)  # its threads would keep the process
