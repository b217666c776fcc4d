"""Capture: a Python function that calls NumPy becomes a Graph."""
