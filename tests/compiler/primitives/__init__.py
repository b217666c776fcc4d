"""Tests of the primitives: what one entry promises, and the conventions at kinks."""
