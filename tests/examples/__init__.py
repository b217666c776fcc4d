"""Every example is run here; each asserts what it shows."""
