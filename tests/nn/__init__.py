"""Tests of gradc.nn."""
