"""Backends: a Graph becomes code."""
