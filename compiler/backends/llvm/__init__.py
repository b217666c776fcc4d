"""From a graph to native code, through LLVM."""

from .compilation import Native, compile_graph

__all__ = ["Native", "compile_graph"]
