"""Tests of this folder's modules."""
