"""The tests of gradc; the folders mirror the tree."""
