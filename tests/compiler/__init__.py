"""Tests of the compiler, in the shape of its tree."""
