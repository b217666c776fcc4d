"""Special functions: accurate values, special values, gradients, traced and plain, as in SciPy."""

import sys
import warnings

import numpy as np
import pytest
from gradc.compiler.frontend.numpy_api.foreign import SCIPY, foreign

from gradc import CaptureError, compile_grad, special

from ..compiler.frontend.numpy_api.agreement import assert_agrees

# The name, the arguments, the value by mpmath (60 digits), rounded to the nearest float.
VALUES = [
    ("erf", (1e-300,), 1.1283791670955126e-300),
    ("erf", (0.3,), 0.3286267594591274),
    ("erf", (0.99,), 0.8385080695553698),
    ("erf", (-1.7,), -0.9837904585907745),
    ("erf", (5.5,), 0.9999999999999927),
    ("erfc", (-2.5,), 1.999593047982555),
    ("erfc", (1e-09,), 0.9999999988716208),
    ("erfc", (0.6,), 0.3961439091520741),
    ("erfc", (3.3,), 3.0577097964381654e-06),
    ("erfc", (15.9,), 5.690956171169625e-112),
    ("erfc", (26.0,), 5.663192408856143e-296),
    ("erfcx", (-20.0,), 1.0442939379528289e174),
    ("erfcx", (-0.4,), 1.676233956688859),
    ("erfcx", (0.7,), 0.525930337349441),
    ("erfcx", (12.0,), 0.04685422101489376),
    ("erfcx", (1000000000.0,), 5.641895835477563e-10),
    ("erfinv", (1e-12,), 8.86226925452758e-13),
    ("erfinv", (0.3,), 0.2724627147267543),
    ("erfinv", (-0.51,), -0.4881220505159588),
    ("erfinv", (0.999,), 2.3267537655135246),
    ("erfcinv", (1e-300,), 26.209469960516124),
    ("erfcinv", (1e-05,), 3.123413274340875),
    ("erfcinv", (0.4,), 0.5951160814499948),
    ("erfcinv", (1.2,), -0.17914345462129164),
    ("erfcinv", (1.9,), -1.1630871536766738),
    ("ndtr", (-37.0,), 5.725571222524577e-300),
    ("ndtr", (-5.7,), 5.990371401063528e-09),
    ("ndtr", (-0.3,), 0.3820885778110474),
    ("ndtr", (0.5,), 0.6914624612740131),
    ("ndtr", (3.0,), 0.9986501019683699),
    ("ndtri", (1e-300,), -37.0470962993612),
    ("ndtri", (0.01,), -2.326347874040841),
    ("ndtri", (0.4,), -0.2533471031357997),
    ("ndtri", (0.76,), 0.7063025628400875),
    ("log_ndtr", (-1000.0,), -500007.82669481216),
    ("log_ndtr", (-5.0,), -15.064998393988725),
    ("log_ndtr", (-0.5,), -1.1759117615936185),
    ("log_ndtr", (0.7,), -0.2770239422771313),
    ("log_ndtr", (6.0,), -9.865876455243758e-10),
    ("gamma", (1e-20,), 1e20),
    ("gamma", (0.4,), 2.218159543757688),
    ("gamma", (1.7,), 0.9086387328532904),
    ("gamma", (7.25,), 1155.3810139199898),
    ("gamma", (33.3,), 7.487577596522633e35),
    ("gamma", (170.5,), 5.56209241456e305),
    ("gamma", (-0.3,), -4.326851108825193),
    ("gamma", (-5.6,), 0.009582963624121268),
    ("gamma", (-33.3,), 1.5574232666822073e-37),
    ("gamma", (-170.5,), -3.3127395215386074e-308),
    ("gammaln", (1e-20,), 46.051701859880914),
    ("gammaln", (0.4,), 0.7966778177017837),
    ("gammaln", (0.9999,), 5.7729791561193866e-05),
    ("gammaln", (1.01,), -0.005690307946069651),
    ("gammaln", (1.999,), -0.0004224618006921073),
    ("gammaln", (2.7,), 0.4348205536551047),
    ("gammaln", (8.5,), 9.549267257300997),
    ("gammaln", (12.5,), 18.734347511936445),
    ("gammaln", (1000000.0,), 12815504.569147611),
    ("gammaln", (1e300,), 6.897755278982137e302),
    ("digamma", (1e-20,), -1e20),
    ("digamma", (0.3,), -3.502524222200133),
    ("digamma", (1.46,), -0.0015805619870834522),
    ("digamma", (2.0,), 0.42278433509846713),
    ("digamma", (7.7,), 1.9748820949131018),
    ("digamma", (100000.0,), 11.512920464961896),
    ("digamma", (-0.3,), 2.113309779635399),
    ("digamma", (-5.3,), 4.041590845410028),
    ("polygamma", (1, 1e-05), 10000000001.644909),
    ("polygamma", (1, 0.5), 4.934802200544679),
    ("polygamma", (1, 30.0), 0.033895060357739946),
    ("polygamma", (1, -2.3), 14.725912160961292),
    ("polygamma", (2, 1.5), -0.82879664423432),
    ("polygamma", (2, -0.6), -22.979869364319093),
    ("polygamma", (3, 4.5), 0.030322508542366587),
    ("polygamma", (5, 2.5), 0.5785691785671835),
    ("beta", (0.5, 0.25), 5.244115108584239),
    ("beta", (3.5, 7.25), 0.0018992177806480602),
    ("beta", (40.0, 0.1), 6.586047824582253),
    ("beta", (60.5, 40.25), 1.860705780308005e-30),
    ("beta", (1e-05, 9.0), 99997.2821874274),
    ("beta", (-1.5, 4.0), 10.666666666666666),
    ("beta", (300.25, 9.5), 3.0387793503650614e-19),
    ("beta", (11.5, 83000000.0), 1.0142091582964191e-84),
    ("beta", (363.5, 400.25), 5.392218769183353e-231),
    ("betaln", (0.5, 0.25), 1.6571065161914822),
    ("betaln", (3.5, 70.0), -13.73038504095442),
    ("betaln", (100.5, 4000.0), -473.35612898706444),
    ("betaln", (5.5, 10000000000.0), -122.68436614829129),
    ("betaln", (20.0, 20.0), -27.95199188624447),
    ("i0", (0.1,), 1.0025015629340956),
    ("i0", (-3.0,), 4.8807925858650245),
    ("i0", (7.9,), 389.406283282158),
    ("i0", (20.0,), 43558282.559553534),
    ("i0", (712.0,), 2.4684110577627523e307),
    ("i0e", (0.1,), 0.9071009257823011),
    ("i0e", (-3.0,), 0.2430003541618254),
    ("i0e", (9.0,), 0.134959524581723),
    ("i0e", (1000.0,), 0.012617240455891257),
    ("i1", (0.1,), 0.050062526047092694),
    ("i1", (-3.0,), -3.9533702174026093),
    ("i1", (7.9,), 363.8539440845084),
    ("i1", (20.0,), 42454973.38512777),
    ("i1", (712.0,), 2.4666770135246153e307),
    ("i1e", (1e-09,), 4.999999995000001e-10),
    ("i1e", (-3.0,), -0.19682671329730086),
    ("i1e", (9.0,), 0.1272249839358912),
    ("i1e", (1000.0,), 0.012610930256928629),
    ("expit", (-700.0,), 9.85967654375977e-305),
    ("expit", (-3.0,), 0.04742587317756678),
    ("expit", (0.2,), 0.549833997312478),
    ("expit", (30.0,), 0.9999999999999064),
    ("logit", (1e-300,), -690.7755278982137),
    ("logit", (0.3,), -0.8472978603872037),
    ("logit", (0.5000001,), 3.99999999789463e-07),
    ("logit", (0.9,), 2.1972245773362196),
    ("log_expit", (-700.0,), -700.0),
    ("log_expit", (-3.0,), -3.048587351573742),
    ("log_expit", (0.2,), -0.5981388693815919),
    ("log_expit", (30.0,), -9.357622968839737e-14),
    ("xlogy", (2.5, 0.3), -3.00993201081484),
    ("xlogy", (-1.0, 4.0), -1.3862943611198906),
    ("xlog1py", (2.5, 1e-09), 2.4999999987500003e-09),
    ("xlog1py", (-1.0, 4.0), -1.6094379124341003),
    ("entr", (1e-300,), 6.9077552789821376e-298),
    ("entr", (0.3,), 0.3611918412977808),
    ("entr", (2.5,), -2.2907268296853878),
]
# Units in the last place: the gamma family passes recurrences, and two factors of the beta function
# are gamma functions.
MOST_ULP = {"gamma": 8, "gammaln": 8, "digamma": 8, "polygamma": 8, "beta": 10, "betaln": 8}

POINTS = {
    "erfinv": [-0.8, 0.2, 0.7],
    "erfcinv": [0.1, 0.9, 1.7],
    "ndtri": [0.1, 0.4, 0.9],
    "logit": [0.1, 0.45, 0.9],
    "entr": [0.2, 1.0, 3.0],
    "gamma": [0.4, 2.5, -1.3],
    "gammaln": [0.4, 2.5, 14.0],
    "digamma": [0.4, 2.5, -1.3],
    "psi": [0.4, 2.5, 14.0],
}
OF_TWO = ("beta", "betaln", "xlogy", "xlog1py")
OVER_AXES = ("softmax", "log_softmax", "logsumexp")
OF_ONE = [name for name in special.__all__ if name not in (*OF_TWO, *OVER_AXES, "polygamma")]


@pytest.mark.parametrize(("name", "args", "expected"), VALUES)
def test_value_is_accurate(name, args, expected):
    function = getattr(special, name)
    result = function(*args)
    assert type(result) is np.float64
    assert abs(result - expected) <= MOST_ULP.get(name, 4) * np.spacing(abs(expected))
    if name != "polygamma" and all(1e-30 < abs(one) < 1e30 for one in args):
        assert type(function(*map(np.float32, args))) is np.float32


inf, nan = np.inf, np.nan
AT_SPECIAL_PLACES = [
    ("erf", [0.0, inf, -inf, nan], [0.0, 1.0, -1.0, nan]),
    ("erfc", [0.0, inf, -inf, nan, 30.0], [1.0, 0.0, 2.0, nan, 0.0]),
    ("erfcx", [0.0, inf, -inf, nan, -30.0], [1.0, 0.0, inf, nan, inf]),
    ("erfinv", [0.0, 1.0, -1.0, 1.5, nan], [0.0, inf, -inf, nan, nan]),
    ("erfcinv", [1.0, 0.0, 2.0, -0.5, nan], [0.0, inf, -inf, nan, nan]),
    ("ndtr", [0.0, inf, -inf, nan], [0.5, 1.0, 0.0, nan]),
    ("ndtri", [0.5, 0.0, 1.0, 2.0, nan], [0.0, -inf, inf, nan, nan]),
    ("log_ndtr", [inf, -inf, nan], [0.0, -inf, nan]),
    ("gamma", [0.0, -0.0, -3.0, 5.0, 172.0, inf, -inf], [inf, -inf, nan, 24.0, inf, inf, nan]),
    ("gammaln", [0.0, -3.0, 1.0, 2.0, inf, nan], [inf, inf, 0.0, 0.0, inf, nan]),
    ("digamma", [0.0, -0.0, -3.0, inf, -inf, nan], [-inf, inf, nan, inf, nan, nan]),
    ("i0", [0.0, inf, -inf, nan], [1.0, inf, inf, nan]),
    ("i1", [0.0, inf, -inf, nan], [0.0, inf, -inf, nan]),
    ("i0e", [0.0, inf, nan], [1.0, 0.0, nan]),
    ("i1e", [0.0, inf, nan], [0.0, 0.0, nan]),
    ("expit", [-inf, inf, nan], [0.0, 1.0, nan]),
    ("log_expit", [-inf, inf, nan], [-inf, 0.0, nan]),
    ("logit", [0.0, 1.0, 0.5, 2.0, nan], [-inf, inf, 0.0, nan, nan]),
    ("entr", [0.0, -1.0, 1.0, nan], [0.0, -inf, 0.0, nan]),
]


@pytest.mark.parametrize(("name", "x", "expected"), AT_SPECIAL_PLACES)
def test_special_value(name, x, expected):
    """As in SciPy, and without a warning where SciPy has none."""
    result = getattr(special, name)(np.array(x))
    np.testing.assert_allclose(result, expected, rtol=2e-16)


def test_products_with_logarithms_at_zero():
    np.testing.assert_array_equal(special.xlogy(0.0, np.array([0.0, -1.0, nan])), [0, 0, nan])
    np.testing.assert_array_equal(special.xlog1py(0.0, np.array([-1.0, -2.0, nan])), [0, 0, nan])


@pytest.mark.parametrize("name", OF_ONE)
def test_function_of_one(name):
    """Traced as plain, both orders of slopes; a matrix, a scalar, nothing, float32, integers."""
    function = getattr(special, name)
    x = np.array(POINTS.get(name, [-1.2, 0.3, 2.1]))
    assert_agrees(function, x)
    assert_agrees(function, x[:, None])
    assert_agrees(function, x[0])
    assert_agrees(function, x[:0])
    assert_agrees(function, x.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_agrees(function, np.array([1, 0]))


@pytest.mark.parametrize("name", OF_TWO)
def test_function_of_two(name):
    """Broadcast, with a number, with float32."""
    function = getattr(special, name)
    x, y = np.array([0.3, 1.2, 2.5]), np.array([[0.7], [2.2]])
    assert_agrees(function, x, y)
    assert_agrees(function, x, 2)
    assert_agrees(function, 0.5, y)
    assert_agrees(function, x.astype(np.float32), y.astype(np.float32))
    assert_agrees(function, x.astype(np.float32), 0.5)


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_polygamma(n):
    assert_agrees(lambda x: special.polygamma(n, x), np.array([1.4, 2.5, 14.0]))


@pytest.mark.parametrize("name", OVER_AXES)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_function_over_axes(name, axis):
    function = getattr(special, name)
    x = np.array([[0.3, -1.2, 2.5], [1.0, 0.0, -700.0]])
    assert_agrees(lambda x: function(x, axis), x)
    assert_agrees(lambda x: function(x, axis=axis), x.astype(np.float32))


def test_logsumexp_with_weights():
    x, weights = np.array([[0.3, -1.2, 2.5], [1.0, 0.0, 3.0]]), np.array([1.0, 0.0, 2.5])
    for options in ({}, {"axis": 1}, {"axis": 1, "keepdims": True}):
        call = lambda x, b, options=options: special.logsumexp(x, b=b, **options)  # noqa: E731
        assert_agrees(call, x, weights)
        expected = np.log(
            np.sum(weights * np.exp(x), options.get("axis"), keepdims="keepdims" in options)
        )
        np.testing.assert_allclose(call(x, weights), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: special.logsumexp(x, return_sign=True), "return_sign"),
        (lambda x: special.polygamma(np.array([1, 2]), x), "order"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(CaptureError, match=message):
        compile_grad(lambda x: np.sum(call(x)))(np.ones(2))


def test_slopes_far_out_are_finite():
    """Where density and probability both vanish, and at 0 of quotients by x."""
    slope = compile_grad(lambda x: np.sum(special.log_ndtr(x))).grad
    x = np.array([-1e6, -50.0, 50.0])
    np.testing.assert_allclose(slope(x), [1e6, 50.01998, 0.0], rtol=1e-6)
    bessel = compile_grad(lambda x: np.sum(special.i1(x))).grad(np.zeros(1))
    np.testing.assert_array_equal(bessel, [0.5])
    by_x, by_y = compile_grad(lambda x, y: np.sum(special.xlogy(x, y)), wrt=(0, 1)).grad(
        np.zeros(2), np.array([0.0, 2.0])
    )
    np.testing.assert_allclose(by_x, [0.0, np.log(2.0)])
    np.testing.assert_array_equal(by_y, [0.0, 0.0])


# SciPy


@pytest.mark.parametrize("name", [one for one in special.__all__ if one not in OVER_AXES])
def test_ufunc_of_scipy_is_taken(name):
    """Its value plain, and what ours is when traced."""
    scipy_special = pytest.importorskip("scipy.special")
    theirs, ours = getattr(scipy_special, name), getattr(special, name)
    x = np.array(POINTS.get(name, [0.3, 0.8, 2.1]))
    args = (1, x) if name == "polygamma" else (x, x + 0.1) if name in OF_TWO else (x,)
    np.testing.assert_allclose(ours(*args), theirs(*args), rtol=1e-13)
    assert foreign(theirs) is SCIPY[f"scipy.special.{theirs.__name__}"]
    if isinstance(theirs, np.ufunc):
        assert_agrees(theirs, *args)


def test_functions_over_axes_are_those_of_scipy():
    scipy_special = pytest.importorskip("scipy.special")
    x = np.array([[0.3, -1.2, 2.5], [1.0, 0.0, -700.0]])
    for name in OVER_AXES:
        theirs, ours = getattr(scipy_special, name), getattr(special, name)
        np.testing.assert_allclose(ours(x, 1), theirs(x, 1), rtol=1e-14)
        assert foreign(theirs) is SCIPY[f"scipy.special.{name}"]


def test_other_functions_are_not_foreign():
    assert foreign(np.sin) is None
    assert foreign(special.erf) is None
    assert foreign(len) is None
    assert "scipy" not in {one.split(".")[0] for one in vars(sys.modules["gradc"])}
