"""``np.einsum`` in all of its forms: values, types, slopes, and what is emitted."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad, spec

from .agreement import assert_agrees, table

V = np.array([0.5, -1.5, 2.0])
W = np.array([2.0, 0.25, -1.0], np.float32)
M = np.arange(6.0).reshape(2, 3) / 4 - 0.6
N = np.array([[3, 1, 2], [0, 5, 4]], np.int32)
T = np.arange(24.0).reshape(2, 3, 4) / 10 - 1
Q = np.arange(9.0).reshape(3, 3) / 8 - 0.5
C = np.arange(27.0).reshape(3, 3, 3) / 20
E = np.zeros((0, 3))
S = np.float64(1.5)
B = np.array([[True, False, True], [False, False, True]])

CASES = [
    ("ij,jk", M, Q),
    ("ij,jk->ik", M, Q),
    ("ij,jk->ki", M, Q),
    ("ba,bc", M, M),
    ("ij,kj->ik", M, M),
    ("ji,jk->ik", M, M),
    ("ij,ij->", M, M),
    ("ij,ji->", M, M.T),
    ("ij,ij->i", M, M),
    ("ij,ij->j", M, M),
    ("ij,ij->ij", M, M),
    ("ij,ij->ji", M, M),
    ("i,j->ij", V, W),
    ("i,j->ji", V, W),
    ("i,i", V, V),
    ("i,i->i", V, W),
    ("ij->ji", M),
    ("ji", M),
    ("ij->", M),
    ("ij->i", M),
    ("kji->ik", T),
    ("ii", Q),
    ("ii->i", Q),
    ("iij->j", C),
    ("iji->ij", C),
    ("iii", C),
    ("iii->i", C),
    ("ii,ij->j", Q, Q),
    (" i j , j -> i ", M, V),
    ("bij,bjk->bik", T, np.swapaxes(T, 1, 2)),
    ("bij,bkj->bik", T, T),
    ("bij,bik->bjk", T, T),
    ("bij,jk->bik", T, T[0].T),
    ("jk,bij->bik", T[0].T, T),
    ("bij,bj->bi", T, T[:, 0]),
    ("bi,bij->bj", T[:, :, 0], T),
    ("bi,bi->b", M, M),
    ("bij,bij->b", T, T),
    ("bij,kj->kbi", T, T[0]),
    ("bij,ki->bkj", T, Q),
    ("ki,bij->bkj", Q, T),
    ("bij,i->bj", T, V),
    ("bijk,aclij->baclk", T[None, :, :2, :3], np.arange(24.0).reshape(2, 3, 1, 2, 2) / 9),
    ("abc,cbd->da", T, np.transpose(T)),
    ("hij,hij->ij", T, T),
    ("bhi,bhj->bhij", T, T),
    ("ij,jk,kl->il", M, Q, Q),
    ("ij,jk,ki->", M, Q, M.T),
    ("ai,aj,ij->a", M, M, Q),
    ("i,i,i->i", V, V, V),
    ("i,j,k->kji", V, V[:2], W[:2]),
    ("ij,j,i->", M, V, M[:, 0]),
    (",i->i", S, V),
    (",", S, S),
    ("->", S),
    ("...ij,...jk->...ik", T, np.swapaxes(T, 1, 2)),
    ("...ij,jk", T, T[0].T),
    ("...,...", T, T[0]),
    ("...i,i...->...", Q, Q),
    ("i...->...", T),
    ("...i", T),
    ("...ii->...i", C),
    ("i...j,k...j->ik...", C, C),
    ("...", V),
    ("ij,...j->i...", M, T[..., :3]),
    ("ij,ij->ij", M[:1], M),
    ("ij,jk->ik", M[:, :1], Q),
    ("ij,kj->ki", M, Q[:1]),
    ("ij,jk->ik", E, Q),
    ("ij,ik->jk", E, E),
    ("ij,j->i", N, V),
    ("ij,ij->i", N, N),
    ("ij->j", N),
    ("ij,kj->ik", B, B),
    ("ij->i", B),
    ("ij,ij->", B, B),
    ("ij,j->i", W[None], W),
]
SUBLISTS = [
    (M, [0, 1], Q, [1, 2]),
    (M, [0, 1], Q, [1, 2], [2, 0]),
    (T, [..., 7, 3], T[0], [7, 3], [...]),
    (Q, [5, 5]),
    (V, (2,), V, (1,)),
]


@table([(np.einsum, *case) for case in CASES])
def test_strings(function, args):
    assert_agrees(function, *args)


@table([(np.einsum, *case) for case in SUBLISTS])
def test_sublists(function, args):
    assert_agrees(function, *args)


OPTIONS = [
    lambda x, y: np.einsum("ij,kj,kl->il", x, x, y, optimize=True),
    lambda x, y: np.einsum("ij,kj,kl->il", x, x, y, optimize=["einsum_path", (0, 1), (0, 1)]),
    lambda x, y: np.einsum("ij,kj->ik", x, y, dtype=np.float64),
    lambda x, y: np.einsum("ij,kj->ik", x, y, dtype=np.float32, casting="same_kind"),
    lambda x, y: np.einsum("ij,kj->ik", x, y, order="C"),
    lambda x, y: np.einsum("ij,j->i", x, [y[0, 0], 1.0, y[1, 2]]),
    lambda x, y: np.einsum("ij,j->i", x, [1, 2, 3]),
]


@pytest.mark.parametrize("function", OPTIONS)
def test_options(function):
    assert_agrees(function, M, M + 1)


def test_of_one_operand_it_is_a_view():
    def call(x):
        x = x * 1.0
        shown, diagonal = np.einsum("ij->ji", x), np.einsum("ii->i", x)
        x[0] = x[1] ** 2
        return shown, diagonal

    assert_agrees(call, Q)


@pytest.mark.parametrize(
    ("subscripts", "expected"),
    [
        ("ij,jk->ik", "x @ y"),
        ("ij,kj->ik", "x @ y.T"),
        ("ji,jk->ik", "x.T @ y"),
        ("ij,jk->ki", "y.T @ x.T"),
        ("bij,bjk->bik", "x @ y"),
        ("bij,bkj->bik", "x @ y.swapaxes(1, 2)"),
        ("ij,ij->ij", "x * y"),
        ("ij,ij->i", "(x * y).sum(axis=1)"),
        ("i,ij->j", "x @ y"),
        ("i,i->", "x @ y"),
        ("bij,ki->bkj", "y @ x"),
        ("ijk,l->ijkl", "x[:, :, :, None] * y"),
    ],
)
def test_what_is_emitted(subscripts, expected):
    sizes = {"i": 2, "j": 3, "k": 4, "l": 5, "b": 6}
    shapes = [[sizes[one] for one in part] for part in subscripts.partition("->")[0].split(",")]
    specs = [spec(f"f8{shape}".replace(" ", "")) for shape in shapes]
    function = compile_grad(lambda x, y: np.sum(np.einsum(subscripts, x, y) ** 2))
    assert expected in function.lower(*specs).numpy


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("ij,jk->iz", M, Q), "'z', which no operand has"),
        (("ij,jk->ii", M, Q), "more than once"),
        (("ij,jk", M), "2 lists of subscripts for 1"),
        (("ijk", M), "has 2 axes"),
        (("i", M), "has 2 axes"),
        (("ij,jk", M, M), "same subscript"),
        (("i1", M), "invalid subscripts"),
        (("....", M), "invalid subscripts"),
        (("...i->i", M), "no ellipsis"),
    ],
)
def test_refused(args, words):
    arrays = [one for one in args if not isinstance(one, str)]
    with pytest.raises((GradcError, ValueError), match=words):
        compile_grad(lambda arrays: np.einsum(args[0], *arrays))(arrays)
    with pytest.raises(ValueError, match=r"\w"):
        np.einsum(*args)


def test_unknown_sizes():
    attention = compile_grad(lambda q, k: np.sum(np.einsum("bqd,bkd->bqk", q, k) ** 2))
    text = attention.lower(spec("f8[b,n,4]"), spec("f8[b,m,4]")).numpy
    assert "q @ k.swapaxes(1, 2)" in text
