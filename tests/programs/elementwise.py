"""Elementwise families: smooth functions, powers, kinks, logic, dtypes."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=3)), wrt=("x", "y"), jax=True)
def smooth_chain(x, y):
    """Broadcasts a row into a matrix through a chain of exp, log and trigonometry."""
    z = np.sin(x) * np.exp(-(x**2)) + y
    return np.sum(np.log1p(np.exp(z)) * np.cos(z - y))


@program(lambda rng: (rng.uniform(0.1, 0.9, size=7),), jax=True)
def trigonometry(x):
    """Each of the trigonometric functions and their inverses, inside their domain."""
    direct = np.sin(x) + np.cos(x) * np.tan(x)
    inverse = np.arcsin(x) + np.arccos(x) * np.arctan(x)
    return np.sum(direct * inverse)


@program(lambda rng: (rng.uniform(0.1, 0.9, size=(2, 5)),), jax=True)
def hyperbolic(x):
    direct = np.sinh(x) + np.cosh(x) * np.tanh(x)
    inverse = np.arcsinh(x) + np.arccosh(x + 1.5) * np.arctanh(x)
    return (direct / inverse).sum()


@program(lambda rng: (rng.uniform(0.2, 3.0, size=6),), jax=True)
def exponentials(x):
    """The exponential and logarithmic family, with the accurate forms near zero."""
    return np.sum(
        np.exp2(-x) * np.log2(x) + np.log10(x) * np.expm1(x / 4) + np.log(x) * np.log1p(x)
    )


@program(lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)),), jax=True)
def roots_and_quotients(x):
    ratio = np.sqrt(x) / (1 + np.square(x)) - np.reciprocal(x)
    return np.sum(ratio * -x + 3 / x)


@program(
    lambda rng: (np.array([-2.0, -0.5, 0.0, 0.0, 1.5]), np.array([0.0, 1.2, 0.7])),
    wrt=("x", "base"),
    smooth=False,
    torch=lambda x, base: (
        (x**2 + x**3 - 4 * x**1 + x**0).sum() + (base[1:] ** 0.5).sum() + ((base + 1) ** -2).sum()
    ),
)
def powers_of_signed_bases(x, base):
    """Whole powers are polynomials: their slopes at zero and below are finite."""
    polynomial = np.sum(x**2 + x**3 - 4 * x**1 + x**0)
    return polynomial + np.sum(base[1:] ** 0.5) + np.sum((base + 1) ** -2)


@program(
    lambda rng: (np.array([0.0, 0.0, 2.0, 0.5]), np.array([2.0, 1.0, -1.5, 3.0])),
    wrt=("base", "exponent"),
    smooth=False,
    torch=lambda base, exponent: (base**exponent).sum(),
)
def powers_of_two_arrays(base, exponent):
    """Zero bases: 0**2 and 0**1 have the slopes 0 and 1, and no slope along the exponent."""
    return np.sum(np.power(base, exponent))


@program(lambda rng: (rng.normal(size=8), rng.normal(size=8)), wrt=("x", "y"), jax=True)
def kinked(x, y):
    """Piecewise functions, away from their kinks."""
    larger, smaller = np.maximum(x, y), np.minimum(x, 0.3)
    pieces = np.where(x > y, larger * 2, smaller - y)
    return np.sum(pieces + np.abs(x) * np.sign(y) + np.floor(x) * y)


def _slopes_at_kinks(x, y):
    slope_of_x = np.array([0.0 + 0.5 + 0.5, -1.0 + 0.0 + 0.0, 1.0 + 1.0 + 1.0])
    slope_of_y = np.array([0.5, 1.0, 0.0])
    return slope_of_x, slope_of_y


@program(
    lambda rng: (np.array([0.0, -1.0, 2.0]), np.array([0.0, 1.0, 1.0])),
    wrt=("x", "y"),
    smooth=False,  # and JAX gives abs the slope 1 at 0
    gradient=_slopes_at_kinks,
    torch=lambda x, y: x.abs().sum() + x.maximum(y).sum() + x.maximum(0 * x.detach()).sum(),
)
def at_the_kinks(x, y):
    """The conventions: abs has slope 0 at 0, the two sides of a tie share evenly."""
    return np.sum(np.abs(x)) + np.sum(np.maximum(x, y)) + np.sum(np.maximum(x, 0.0))


@program(
    lambda rng: (np.array([3.0, 1.0, 3.0, 2.0]),),
    smooth=False,
    jax=True,
    gradient=lambda x: np.array([0.5, -1.0, 0.5, 0.0]),
    torch=lambda x: x.amax() - x.amin(),
)
def tied_extrema(x):
    """Equal largest entries share the gradient evenly."""
    return np.max(x) - x.min()


@program(lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=(3, 3))), wrt=(0, 1), jax=True)
def masks_and_logic(x, y):
    """Comparisons and logic choose; they carry no gradient themselves."""
    inside = (x > -1) & (x < 1) | np.logical_not(y >= 0)
    either = np.logical_or(x != y, y <= x)
    return np.sum(np.where(inside & either, x * y, x - y)) + np.mean(inside * x)


@program(
    lambda rng: (rng.normal(size=(5, 4)).astype(np.float32), np.float32(0.7)),
    wrt=("x", "scale"),
    jax=True,
    tolerance=2e-5,  # float32: 100 or so roundings of 6e-8 each
)
def single_precision(x, scale):
    """Python numbers are weak: float32 stays float32."""
    return np.mean(np.tanh(2 * x * scale) ** 2 + 0.5 * x) / 3


@program(
    lambda rng: (
        rng.normal(size=(2, 3)).astype(np.float32),
        rng.normal(size=3),
        np.array([1, 2, 3]),
    ),
    wrt=("narrow", "wide"),
    jax=True,
    tolerance=2e-6,  # the gradient of `narrow` is rounded to float32 at the end
)
def mixed_dtypes(narrow, wide, count):
    """float32 with float64 gives float64; integers and bools join without a gradient."""
    both = narrow * wide + count
    return np.sum(both * both * (wide > 0) + count / 2)


@program(
    lambda rng: (np.linspace(-2, 2, 5),),
    smooth=False,  # rounding to float32 makes the function a staircase
    gradient=lambda x: 2 * np.float64(np.float32(x)) + (x > 0),
    tolerance=1e-6,
)
def casts(x):
    """A cast is linear; its transpose casts back."""
    narrow = x.astype(np.float32)
    return np.sum(narrow * narrow) + np.sum(x * (x > 0).astype(np.int64))


@program(lambda rng: (0.3, 2.0, np.float64(1.1)), wrt=("x", "y", "z"), jax=True)
def plain_numbers(x, y, z):
    """Python floats go in, numbers come out: no array anywhere."""
    total = x * y + np.sin(z) / y
    return total**2 - (-total) + abs(x - z)


@program(lambda rng: (rng.normal(size=4), rng.uniform(1, 2, size=4)), wrt=(0, 1), jax=True)
def two_argument_functions(x, y):
    angle = np.arctan2(x, y)
    length = np.hypot(x, y)
    return np.sum(angle * length + np.logaddexp(x, y) + np.clip(x, -0.5, 0.5) * y)
