"""Frames of generated files (jinja2). What an op emits stands in its primitive's entry."""
