"""Bodies that store to arrays from outside of them."""

import numpy as np
import pytest

import gradc
from gradc import CaptureError

from .refusal import Refusals

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, 2.0, 3.0])
TABLE = np.zeros(3)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


STORED = "stores to an array that was made outside of it"


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def traced_array(x):
    z = x * 2

    def body(i, y):
        z[i] = y[0]  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def argument(x):
    def body(i, y):
        x[i] = y[0]  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x * 2))


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def own_array(x):
    z = np.zeros(3)

    def body(i, y):
        z[i] = y[0]  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def own_array_of_numbers(x):
    z = np.zeros(3)

    def body(i, y):
        z[0] += 1.0  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def view_of_an_array(x):
    view = np.zeros(3)[1:]

    def body(i, y):
        view[...] = y[1:]  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(view)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def array_filled(x):
    z = x * 2

    def body(i, y):
        z.fill(3.0)  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def array_given_as_out(x):
    z = x * 2

    def body(i, y):
        np.sin(y, out=z)  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def array_changed_in_place(x):
    z = x * 2

    def body(i, y):
        nonlocal z
        z += y  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="operand of a branch")
def array_in_a_branch(x):
    z = x * 2

    def branch(y):
        z[0] = 1.0  # here
        return y

    return np.sum(gradc.cond(x[0] > 0, branch, lambda y: y, x)) + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def array_in_a_scan(x):
    z = x * 2

    def body(c, row):
        z[0] = row  # here
        return c + row, row

    return gradc.scan(body, 0.0, x)[0] + np.sum(z)


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def array_of_an_outer_body(x):
    def outer(i, y):
        def inner(j, z):
            y[j] = z[i]  # here
            return z

        return gradc.fori_loop(0, 2, inner, y * 2)

    return np.sum(gradc.fori_loop(0, 3, outer, x))


@refused(CaptureError, STORED, VECTOR, fix="carry the array")
def global_array(x):
    def body(i, y):
        TABLE[0] = y[0]  # here
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x))
