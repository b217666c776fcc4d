"""The compiler: a captured Graph in, an executable program out. It knows nothing of Tensors."""
