"""Tests of what the rewriting of functions shows to capture."""
