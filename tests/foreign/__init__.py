"""Code that was not written for gradc, by the package that it comes from."""
