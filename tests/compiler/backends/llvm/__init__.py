"""Tests of the LLVM backend."""
