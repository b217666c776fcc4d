"""What runs compiled code: the compiled-function object, its caches, and the loader of modules."""
