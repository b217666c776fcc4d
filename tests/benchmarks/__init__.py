"""Tests of the benchmarks, at tiny sizes, and of the limits on time."""
