"""Tests of the repository itself: floors, budgets, packaging, configuration."""
