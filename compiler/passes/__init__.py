"""Passes: functions from Graph to Graph, one per file, named like the file."""
