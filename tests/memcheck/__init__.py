"""Native code under Valgrind: no kernel reads or writes where nothing lies, or what nobody wrote.

``make memcheck`` builds each program of ``programs`` for a machine that Valgrind knows, links it
with a main program in C whose arrays are allocated to the byte, and runs that by ``memcheck``.
"""
