"""Tests of the elementary and special functions that are emitted as LLVM code."""
