"""Tests of the emitted products."""
