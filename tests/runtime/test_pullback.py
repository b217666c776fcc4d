"""What ``vjp`` hands back: called again and again, or once, and then its memory is free."""

import threading

import numpy as np
import pytest
import torch
from gradc.runtime.pullback import Pullback

from gradc import GradcError


def scaling(factor, calls=None):
    """Return the pullback of a product with an array, which it holds."""

    def run(residuals, cts, consuming):
        (held,), (ct,) = residuals, cts
        if calls is not None:
            calls.append(consuming)
        return (np.multiply(held, ct, out=held if consuming else None),)

    return Pullback([factor], lambda ct: [np.asarray(ct, float)], run, lambda results: results[0])


def test_called_again_and_again():
    """Nothing that it holds changes, for any cotangent."""
    pullback = scaling(np.array([2.0, 3.0]))
    for ct in (1.0, 5.0, 1.0):
        np.testing.assert_array_equal(pullback(ct), [2.0 * ct, 3.0 * ct])
    assert pullback.nbytes == 16
    assert repr(pullback) == "<pullback: 16 bytes held>"


def test_without_retaining_it_is_called_once():
    """The gradient takes the memory of what was held, and nothing is held any more."""
    held = np.array([2.0, 3.0])
    pullback = scaling(held)
    pullback(1.0)
    assert pullback(4.0, retain_graph=False) is held
    np.testing.assert_array_equal(held, [8.0, 12.0])
    assert pullback.nbytes == 0
    assert repr(pullback) == "<pullback: freed>"
    for retain_graph in (True, False):
        with pytest.raises(GradcError):
            pullback(4.0, retain_graph=retain_graph)


def test_the_error_has_the_words_of_pytorch():
    x = torch.ones(2, requires_grad=True)
    total = (x * x).sum()
    total.backward()
    with pytest.raises(RuntimeError) as theirs:
        total.backward()
    pullback = scaling(np.ones(2))
    pullback(1.0, retain_graph=False)
    with pytest.raises(GradcError) as ours:
        pullback(1.0)
    assert ours.value.what == str(theirs.value).rstrip(".")
    assert "retain_graph=True" in ours.value.fix


def test_cotangent_that_does_not_fit_frees_nothing():
    """It is looked at first."""

    def refuse(ct):
        raise TypeError("no cotangent")

    pullback = Pullback([np.ones(3)], refuse, lambda *given: (), tuple)
    with pytest.raises(TypeError, match="no cotangent"):
        pullback(1.0, retain_graph=False)
    assert pullback.nbytes == 24


def test_residuals_that_are_still_read_are_not_overwritten():
    """A hook calls the pullback while it runs: the inner call frees, the outer one reads on."""
    seen = []

    def run(residuals, cts, consuming):
        (held,), (ct,) = residuals, cts
        seen.append(consuming)
        if ct == 1.0:
            pullback(2.0, retain_graph=False)
        return (np.multiply(held, ct, out=held if consuming else None),)

    pullback = Pullback([np.array([3.0])], lambda ct: [ct], run, tuple)
    (outer,) = pullback(1.0)
    np.testing.assert_array_equal(outer, [3.0])
    assert seen == [False, False]
    with pytest.raises(GradcError, match="second time"):
        pullback(1.0)


def test_one_of_many_threads_gets_what_can_be_had_once():
    """Two that consume the same memory would both be wrong."""
    pullback = scaling(np.full(1000, 3.0))
    barrier = threading.Barrier(8)
    results, errors = [], []

    def call():
        barrier.wait()
        try:
            results.append(pullback(2.0, retain_graph=False))
        except GradcError as error:
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 1
    assert len(errors) == 7
    np.testing.assert_array_equal(results[0], np.full(1000, 6.0))


def test_an_error_on_the_way_leaves_the_count_right():
    """A hook that raises: the next call may still use the memory."""
    calls = []

    def run(residuals, cts, consuming):
        calls.append(consuming)
        if len(calls) == 1:
            raise ValueError("from a hook")
        return residuals

    pullback = Pullback([np.ones(2)], lambda ct: [ct], run, tuple)
    with pytest.raises(ValueError, match="from a hook"):
        pullback(1.0)
    pullback(1.0, retain_graph=False)
    assert calls == [False, True]


def test_a_part_of_an_array_does_not_hold_the_whole():
    whole = np.arange(1000.0)
    held = []

    def run(residuals, cts, consuming):
        held.extend(residuals)
        return residuals

    pullback = Pullback([whole[:2], whole.reshape(10, 100), np.float64(2.0)], tuple, run, tuple)
    pullback([])
    assert held[0].base is None
    assert held[1].base is whole, "nothing would be freed"
    np.testing.assert_array_equal(held[0], [0.0, 1.0])
    assert pullback.nbytes == 16 + 8000
