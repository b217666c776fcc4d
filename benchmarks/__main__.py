"""The command line: `python -m benchmarks [workload ...]`."""

from .run import main

main()
