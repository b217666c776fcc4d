"""A million option prices, their sum, and its gradient by spot price and volatility."""

from __future__ import annotations

import importlib

import numpy as np

from gradc import special

from ..workload import Workload

ROOT_OF_HALF = float(np.sqrt(0.5))
PEAK = float(1 / np.sqrt(2 * np.pi))  # of the normal density


def normal_cdf(x):
    """Return the distribution function of the standard normal distribution."""
    return 0.5 * (1 + special.erf(ROOT_OF_HALF * x))


def total_price(spot, volatility, strike, years, rate):
    """Return the sum of the prices of European call options."""
    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    discounted = strike * np.exp(-rate * years)
    return np.sum(spot * normal_cdf(d1) - discounted * normal_cdf(d2))


def _cdf_and_density(x, erf):
    """Return the distribution function and its slope, in two arrays."""
    cdf = x * ROOT_OF_HALF
    erf(cdf, out=cdf)
    cdf += 1
    cdf *= 0.5
    density = x * x
    density *= -0.5
    np.exp(density, out=density)
    density *= PEAK
    return cdf, density


def total_price_by_hand(spot, volatility, strike, years, rate):
    """Return value and gradients; whole arrays, with temporaries used again, and SciPy's erf."""
    erf = importlib.import_module("scipy.special").erf
    root = np.sqrt(years)
    spread = volatility * root
    half_variance = volatility * volatility
    half_variance *= 0.5
    half_variance += rate
    half_variance *= years
    d1 = spot / strike
    np.log(d1, out=d1)
    d1 += half_variance
    d1 /= spread
    discounted = years * -rate
    np.exp(discounted, out=discounted)
    discounted *= strike
    cdf1, density1 = _cdf_and_density(d1, erf)
    cdf2, density2 = _cdf_and_density(np.subtract(d1, spread, out=half_variance), erf)
    value = spot @ cdf1 - discounted @ cdf2

    density1 *= spot
    density2 *= discounted  # minus the gradient by d2
    by_d1 = np.subtract(density1, density2, out=density1)
    by_d1 /= spread  # now the gradient by the numerator of d1
    by_spot = by_d1 / spot
    by_spot += cdf1
    # The numerator grows with volatility * years, the spread with the root of the years.
    by_volatility = np.multiply(volatility, years, out=cdf1)
    d1 *= root
    by_volatility -= d1
    by_volatility *= by_d1
    density2 *= root
    by_volatility += density2
    return value, (by_spot, by_volatility)


def total_price_in_torch(spot, volatility, strike, years, rate):
    """Return the same sum of tensors."""

    def cdf(x):
        return 0.5 * (1 + (ROOT_OF_HALF * x).erf())

    spread = volatility * years.sqrt()
    d1 = ((spot / strike).log() + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    return (spot * cdf(d1) - strike * (-rate * years).exp() * cdf(d2)).sum()


def make_args(rng, tiny):
    """Draw prices, volatilities, strikes, years to maturity, and one rate."""
    n = 5 if tiny else 1_000_000
    bounds = [(80, 120), (0.1, 0.5), (80, 120), (0.2, 2.0)]
    return (*(rng.uniform(low, high, size=n) for low, high in bounds), 0.03)


WORKLOAD = Workload(
    name="blackscholes",
    what="1e6 options, sum, gradient by spot and volatility, float64",
    goal=6e-3,
    fn=total_price,
    by_hand=total_price_by_hand,
    torch=lambda torch: total_price_in_torch,
    make_args=make_args,
    wrt=(0, 1),
    tolerance=1e-11,  # differences of nearly equal prices
)
