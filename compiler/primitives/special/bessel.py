"""The modified Bessel functions of the first kind of orders 0 and 1."""

from __future__ import annotations

from typing import Any

from ...primitive import Primitive
from ..elementwise import equal, sign, where
from ..elementwise.kind import elementwise

# As in error.py. Source of the forms: Blair and Edwards, Stable rational minimax approximations to
# the modified Bessel functions I0(x) and I1(x), AECL-4928, 1974.

_BESSEL_ZERO = """
def _bessel_zero(x):
    \"\"\"Return (i0(x) for x <= 8, sqrt(x) exp(-x) i0(x) for x > 8), for x >= 0.

    Source: 1 + y P(y) with y = (x / 2)**2, whose coefficients are those of the power series but for
    their last digits, and a polynomial in 16 / x - 1.
    \"\"\"
    series = (
        9.319037302519698e-25, 1.1142728859197163e-22, 2.6459481729049967e-20,
        4.3438583592285594e-18, 6.2782596125899935e-16, 7.593826261486644e-14,
        7.594076203674035e-12, 6.151186352073215e-10, 3.936759926835679e-08,
        1.9290123446808463e-06, 6.944444444616768e-05, 0.0017361111111093212,
        0.02777777777777875, 0.24999999999999978, 1.0,
    )
    tail = (
        -7.06893851181878e-11, -1.9216763724933513e-11, 5.181936971288284e-10,
        1.4672236659214398e-10, -1.7789375042917173e-09, -5.562201990080394e-10,
        3.881151253996067e-09, 1.497880830187091e-09, -6.188265090497361e-09,
        -3.4857887470034955e-09, 7.58022133915272e-09, 7.540601378890834e-09,
        -5.4685974495866e-09, -1.3404241991980871e-08, -6.729724111923548e-09,
        7.553516470355896e-09, 2.1545177650836005e-08, 3.932602459703109e-08,
        8.87225351128584e-08, 2.973598432479169e-07, 1.4838475473607391e-06,
        1.1143033791556743e-05, 0.00013621607439232746, 0.003360551983667854,
        0.4021765094450081,
    )
    y = np.minimum(x, 8.0) ** 2 / 4
    return 1 + y * np.polyval(series, y), np.polyval(tail, 16 / np.maximum(x, 8.0) - 1)
"""

_BESSEL_ONE = """
def _bessel_one(x):
    \"\"\"Return (i1(x) for x <= 8, sqrt(x) exp(-x) i1(x) for x > 8), for x >= 0.

    Source: x / 2 (1 + y P(y)) with y = (x / 2)**2, whose coefficients are those of the power series
    but for their last digits, and a polynomial in 16 / x - 1.
    \"\"\"
    series = (
        1.3953421175433245e-23, 1.563613846649035e-21, 3.43754517751192e-19,
        5.213371227291973e-17, 6.905926823789302e-15, 7.59384897188831e-13,
        6.834666359113893e-11, 4.920949231500546e-09, 2.7557319419232684e-07,
        1.1574074070158123e-05, 0.0003472222222269224, 0.006944444444441503,
        0.08333333333333406, 0.49999999999999994,
    )
    tail = (
        7.347992441734663e-11, 1.7502497778701306e-11, -5.388285995923524e-10,
        -1.342266320082222e-10, 1.8513716745511988e-09, 5.146498826087142e-10,
        -4.047785403711858e-09, -1.4171698018664596e-09, 6.4870195719816896e-09,
        3.406636130196794e-09, -8.044231276166508e-09, -7.630751970065577e-09,
        6.040877342160988e-09, 1.4029693589852716e-08, 6.715795128085017e-09,
        -8.426622829598154e-09, -2.337059627111857e-08, -4.312935369971356e-08,
        -1.0001323461066435e-07, -3.483855609009937e-07, -1.8349101134666435e-06,
        -1.5038547201176271e-05, -0.00021923576383430274, -0.009749577193235728,
        0.38939845902587233,
    )
    near = np.minimum(x, 8.0)
    y = near * near / 4
    return (
        near / 2 + near / 2 * y * np.polyval(series, y),
        np.polyval(tail, 16 / np.maximum(x, 8.0) - 1),
    )
"""

_I_ZERO = """
def _i0(x):
    \"\"\"Return the modified Bessel function of order 0.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    near, far = _bessel_zero(size)
    with np.errstate(all="ignore"):
        half = np.exp(size / 2)  # the whole overflows before the result does
        result = np.where(size <= 8, near, half * (far / np.sqrt(size)) * half)
        result = np.where(np.isinf(size), size, result)
        return result.astype(given.dtype)[()]
"""

_I_ZERO_SCALED = """
def _i0e(x):
    \"\"\"Return exp(-abs(x)) times the modified Bessel function of order 0.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    near, far = _bessel_zero(size)
    with np.errstate(all="ignore"):
        result = np.where(size <= 8, near * np.exp(-size), far / np.sqrt(size))
        return result.astype(given.dtype)[()]
"""

_I_ONE = """
def _i1(x):
    \"\"\"Return the modified Bessel function of order 1.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    near, far = _bessel_one(size)
    with np.errstate(all="ignore"):
        half = np.exp(size / 2)  # the whole overflows before the result does
        result = np.where(size <= 8, near, half * (far / np.sqrt(size)) * half)
        result = np.where(np.isinf(size), size, result)
        result = np.copysign(result, given)
        return result.astype(given.dtype)[()]
"""

_I_ONE_SCALED = """
def _i1e(x):
    \"\"\"Return exp(-abs(x)) times the modified Bessel function of order 1.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    near, far = _bessel_one(size)
    with np.errstate(all="ignore"):
        result = np.where(size <= 8, near * np.exp(-size), far / np.sqrt(size))
        result = np.copysign(result, given)
        return result.astype(given.dtype)[()]
"""


def _quotient(value: Any, x: Any) -> Any:
    """Return value / x, and its limit 1/2 at 0."""
    is_zero = equal(x, 0.0)
    return where(is_zero, 0.5, value / where(is_zero, 1.0, x))


# np.i0 is another text for the same function, with less accuracy.
i0 = elementwise(
    "bessel_i0",
    partials=lambda out, x: (i1(x),),
    expression="_i0({0})",
    functions=(_BESSEL_ZERO, _I_ZERO),
    domain=((-3.0, 9.0),),
)
i1: Primitive = elementwise(
    "i1",
    partials=lambda out, x: (i0(x) - _quotient(out, x),),
    functions=(_BESSEL_ONE, _I_ONE),
    domain=((0.5, 9.0),),
)
i0e = elementwise(
    "i0e",
    partials=lambda out, x: (i1e(x) - sign(x) * out,),
    functions=(_BESSEL_ZERO, _I_ZERO_SCALED),
    domain=((0.5, 9.0),),
)
i1e: Primitive = elementwise(
    "i1e",
    partials=lambda out, x: (i0e(x) - sign(x) * out - _quotient(out, x),),
    functions=(_BESSEL_ONE, _I_ONE_SCALED),
    domain=((0.5, 9.0),),
)
