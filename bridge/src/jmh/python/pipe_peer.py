"""A Python process that is spoken to through its standard streams, in binary frames.

A request is one byte: ``t`` works on a bound tensor; ``a`` is followed by a length (8 bytes, native
order) and that many bytes of float32, and is answered by the same with one added to each. ``t`` is
answered by one byte.
"""

from __future__ import annotations

import struct
import sys

import bench_functions
import torch

CHUNK = 1 << 16

bench_functions.bind_own(0, 256)
requests = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
answers = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)
memory = bytearray()
answers.write(b"r")
while request := requests.read(1):
    if request == b"t":
        bench_functions.touch(0)
        answers.write(b"t")
    else:
        (size,) = struct.unpack("=q", requests.read(8))
        if len(memory) != size:
            memory = bytearray(size)
        view, done = memoryview(memory), 0
        while done < size:
            done += requests.readinto(view[done:])
        torch.frombuffer(memory, dtype=torch.float32).add_(1)
        done = 0
        while done < size:
            done += answers.write(view[done : done + CHUNK])
