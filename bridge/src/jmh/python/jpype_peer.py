"""JPype, where Python is the host: the same work as the JMH benchmarks', measured in the JVM.

Arguments: the class path, the file to write, the number of rounds.
"""

from __future__ import annotations

import json
import sys

import bench_functions
import jpype
import numpy
import torch

class_path, output, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
jpype.startJVM("-Xmx1g", "-XX:MaxDirectMemorySize=1g", classpath=class_path.split(":"))
benchmark = jpype.JClass("dev.glora.bridge.benchmarks.JpypeBenchmarks")

bench_functions.bind_own(0, 256)
buffer = jpype.JClass("dev.glora.bridge.benchmarks.Numbers").allocate()
shared = torch.from_numpy(numpy.asarray(memoryview(buffer)).view(numpy.float32))


@jpype.JImplements("java.lang.Runnable")
class Touch:
    """Works on a bound tensor."""

    @jpype.JOverride
    def run(self) -> None:
        """Called by Java."""
        bench_functions.touch(0)


@jpype.JImplements("java.lang.Runnable")
class AddOne:
    """Adds one to the shared memory."""

    @jpype.JOverride
    def run(self) -> None:
        """Called by Java."""
        shared.add_(1)


results = {
    "touch_us": [float(v) for v in benchmark.calls(Touch(), rounds)],
    "touch_from_another_thread_us": [
        float(v) for v in benchmark.callsFromAnotherThread(Touch(), rounds)
    ],
    "share_ms": [float(v) for v in benchmark.share(AddOne(), buffer, rounds)],
}
with open(output, "w") as file:
    json.dump(results, file)
