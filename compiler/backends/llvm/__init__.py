"""From a graph to native code, through LLVM: ``compilation`` does it, of ``object_code``.

Whoever finds the object code in a cache does not import what compiles.
"""
