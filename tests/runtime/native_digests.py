"""Digests of what is compiled. As a script it prints those of all programs, by name.

``python native_digests.py [NAME ...]`` compiles programs of these names first, and then all.
"""

import hashlib
import sys
from dataclasses import replace

import numpy as np
from gradc.compiler.backends.llvm.target import Target

from gradc import compile_grad, debug, fori_loop, spec

# Of no processor in particular: what this one is called, and can do, is no matter here.
TARGET = Target.named("x86-64-v3", "x86_64-unknown-linux-gnu")


def products(x, w):
    return np.sum(np.tanh(x @ w) @ w.T)


def loops(x, w):
    def body(i, state):
        return np.sin(state @ w) + x[i % 3]

    return np.sum(fori_loop(0, 7, body, x @ w))


def scattered(x, i):
    y = np.zeros(50)
    y[i] = x[i] * 2
    return np.sum(y * y) + np.sum(np.sort(x))


def parallel(x):
    return np.sum(np.exp(x) * np.log(x + 2) / (1 + x * x))


def watched(x):
    debug.callback(len, x)
    return np.sum(np.cos(x))


def conditions(x, flags):
    return np.sum(np.where(flags, x, -x) ** 3)


PROGRAMS = {
    products: ("f8[300,300]", "f8[300,300]"),
    loops: ("f4[40,40]", "f4[40,40]"),
    scattered: ("f8[50]", "i8[9]"),
    parallel: ("f8[1000000]",),
    watched: ("f8[5]",),
    conditions: ("f4[9,5]", "b1[9,5]"),
}


def digest(function):
    """Return that of the object files of a function's gradient, for two workers."""
    lowered = compile_grad(function, backend="llvm").lower(*map(spec, PROGRAMS[function]))
    program = lowered._made.native("value_and_grad").program
    native = replace(program.compiled, target=TARGET, workers=2)()
    return hashlib.sha256(b"".join(native.code.objects)).hexdigest()


def main(names):
    by_name = {function.__name__: function for function in PROGRAMS}
    for name in names:
        digest(by_name[name])
    for function in PROGRAMS:
        print(function.__name__, digest(function))


if __name__ == "__main__":
    main(sys.argv[1:])
