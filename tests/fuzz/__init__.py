"""Random programs by the thousand: native code against the generated NumPy code.

``make fuzz`` runs them; ``python -m tests.fuzz --help`` says how to choose. Each program follows
from its seed alone. Programs run in batches, each in a process of its own, so that a crash costs
one program and is reported with it. What fails is cut down and written as a script that shows it.
"""
