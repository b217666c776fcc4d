"""What is measured: `python -m benchmarks` (or `make bench`) prints the tables."""
