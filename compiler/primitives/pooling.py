"""Maxima and means over windows of images, with the gradients of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import TypeRuleError
from ..primitive import REGISTRY, Adjoint, Attrs, Example, Linear, NumPy, Primitive, Windowed
from ..types import ArrayType, Shape
from .batching import all_batched, batch_size
from .windows import (
    BORDERED,
    COUNTED,
    CROPPED,
    INSIDE,
    STEPS,
    Padding,
    bordered_bytes,
    check_images,
    check_result,
    extents,
)


def _max_pool_type(
    image: ArrayType,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> ArrayType:
    check_images(image)
    out = extents(image.shape[2:], window, stride, padding, dilation)
    return image.with_shape((*image.shape[:2], *out))


def _check_maxima(image: ArrayType, maxima: ArrayType, **attrs: Any) -> None:
    if maxima != _max_pool_type(image, **attrs):
        raise TypeRuleError("the maxima are not those of the image", got=f"{maxima} of {image}")


def _max_pool_gradient_type(
    slope: ArrayType, image: ArrayType, maxima: ArrayType, **attrs: Any
) -> ArrayType:
    _check_maxima(image, maxima, **attrs)
    if slope != maxima:
        raise TypeRuleError("the cotangent is not like the maxima", got=f"{slope}, {maxima}")
    return image


def _max_pool_choice_type(
    values: ArrayType, image: ArrayType, maxima: ArrayType, **attrs: Any
) -> ArrayType:
    _check_maxima(image, maxima, **attrs)
    if values != image:
        raise TypeRuleError("the values are not like the image", got=f"{values}, {image}")
    return maxima


def _avg_pool_type(
    image: ArrayType,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    counts_padding: bool,
) -> ArrayType:
    check_images(image)
    if not counts_padding and any(max(pair) >= n for pair, n in zip(padding, window, strict=False)):
        raise TypeRuleError("a window in the padding would have the mean of no elements")
    out = extents(image.shape[2:], window, stride, padding, (1,) * len(window))
    return image.with_shape((*image.shape[:2], *out))


def _avg_pool_gradient_type(slope: ArrayType, size: Shape, **attrs: Any) -> ArrayType:
    check_images(slope)
    image = slope.with_shape((*slope.shape[:2], *size))
    check_result(slope, _avg_pool_type(image, **attrs).shape[2:])
    return image


# NumPy: for each place in the windows, what all windows have there.

_MAX_POOL = '''
def _max_pool(images, window, stride, padding, dilation):
    """Return the maxima of all windows, which are taken axis by axis; NaN is one."""
    result = _bordered(images, padding, -np.inf)
    out = _counted(images.shape[2:], window, stride, padding, dilation)
    for axis, count in enumerate(out):
        lead = (slice(None),) * (axis + 2)
        met = [
            result[(*lead, _steps(tap, count, stride[axis], dilation[axis]))]
            for tap in range(window[axis])
        ]
        result = met[0].copy()
        for one in met[1:]:
            np.maximum(result, one, out=result)
    return result
'''

_FIRST_MAXIMA = '''
def _first_maxima(images, maxima, window, stride, padding, dilation):
    """Yield for each place in the windows: an index of these elements, and which are chosen.

    Of equal elements the first one is; NaN equals NaN. What is padded is never chosen.
    """
    padded = _bordered(images, padding, 0)
    inside = _bordered(np.ones((1, 1, *images.shape[2:]), bool), padding, False)
    free = np.ones(maxima.shape, bool)
    nan = np.isnan(maxima)
    for taps in np.ndindex(*window):
        index = (..., *map(_steps, taps, maxima.shape[2:], stride, dilation))
        met = padded[index]
        chosen = free & inside[index] & ((met == maxima) | (nan & np.isnan(met)))
        free &= ~chosen
        yield index, chosen
'''

_MAX_POOL_GRADIENT = '''
def _max_pool_gradient(slopes, images, maxima, window, stride, padding, dilation):
    """Return the gradient of _max_pool, given its result and the gradient by this."""
    gradient = _bordered(np.zeros_like(images), padding, 0)
    for index, chosen in _first_maxima(images, maxima, window, stride, padding, dilation):
        gradient[index] += np.where(chosen, slopes, 0)
    return _cropped(gradient, padding)
'''

_MAX_POOL_CHOICE = '''
def _max_pool_choice(values, images, maxima, window, stride, padding, dilation):
    """Return the values that lie where the maxima of the images lie."""
    result = np.zeros_like(maxima)
    padded = _bordered(values, padding, 0)
    for index, chosen in _first_maxima(images, maxima, window, stride, padding, dilation):
        np.copyto(result, padded[index], where=chosen)
    return result
'''

_MEMBERS = '''
def _members(extents, window, stride, padding, counts_padding):
    """Return how many elements each mean is taken of, in an array that broadcasts."""
    numbers = np.ones((1,) * len(window))
    out = _counted(extents, window, stride, padding, (1,) * len(window))
    for axis, count in enumerate(out):
        starts = np.arange(count) * stride[axis] - padding[axis][0]
        along = np.minimum(starts + window[axis], extents[axis]) - np.maximum(starts, 0)
        if counts_padding:
            along[:] = window[axis]
        numbers = numbers * along.reshape(-1, *(1,) * (len(window) - axis - 1))
    return numbers
'''

_AVG_POOL = '''
def _avg_pool(images, window, stride, padding, counts_padding):
    """Return the means of all windows, whose sums are taken axis by axis."""
    members = _members(images.shape[2:], window, stride, padding, counts_padding)
    result = _bordered(images, padding, 0)
    for axis, count in enumerate(members.shape):
        lead = (slice(None),) * (axis + 2)
        met = [result[(*lead, _steps(tap, count, stride[axis], 1))] for tap in range(window[axis])]
        result = met[0].copy()
        for one in met[1:]:
            result += one
    result /= members.astype(images.dtype)
    return result
'''

_AVG_POOL_GRADIENT = '''
def _avg_pool_gradient(slopes, size, window, stride, padding, counts_padding):
    """Return the gradient of _avg_pool by images of this size, axis by axis too."""
    members = _members(size, window, stride, padding, counts_padding)
    result = slopes / members.astype(slopes.dtype)
    for axis, count in enumerate(members.shape):
        shape, lead = list(result.shape), (slice(None),) * (axis + 2)
        shape[axis + 2] = size[axis] + sum(padding[axis])
        spread = np.zeros(shape, slopes.dtype)
        for tap in range(window[axis]):
            spread[(*lead, _steps(tap, count, stride[axis], 1))] += result
        result = spread
    return _cropped(result, padding)
'''


Room = Callable[[Sequence[ArrayType], Attrs], int]


def _room_of_axes(types: Sequence[ArrayType], attrs: Attrs) -> int:
    """Return what is held where axis after axis shrinks, or grows: two steps of it at once."""
    sizes = sorted(types, key=lambda one: one.nbytes or 0)
    small, large = sizes[0].shape, sizes[-1]
    steps = [bordered_bytes(large, attrs["padding"])] if attrs["padding"] else []
    for axis in range(2, large.ndim):
        between = (*small[: axis + 1], *large.shape[axis + 1 :])
        steps.append(large.with_shape(between).nbytes or 0)
    return max(one + other for one, other in zip(steps, steps[1:], strict=False)) - steps[-1]


def _room_of_choice(types: Sequence[ArrayType], attrs: Attrs) -> int:
    """Return the bytes of bordered copies, of masks, and of what is chosen at one place."""
    image, maxima = types[1:3]
    masks = 4 * (maxima.nbytes or 0) // maxima.dtype.itemsize
    return 2 * bordered_bytes(image, attrs["padding"]) + masks + (maxima.nbytes or 0)


def _numpy(name: str, operands: int, room: Room, *functions: str) -> NumPy:
    slots = ", ".join("{%d}" % i for i in range(operands))

    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        options = ", ".join(f"{key}={value}" for key, value in attrs.items())
        return f"_{name}({slots}, {options})"

    return NumPy(text, functions=functions, room=room)


def _batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    """Do all images of a batch of batches at once."""
    size = batch_size(operands, is_batched)
    whole = all_batched(operands, is_batched, size)
    many = whole[0].shape[1]
    joined = [REGISTRY["reshape"](x, shape=(size * many, *x.shape[2:])) for x in whole]
    result = primitive(*joined, **attrs)
    return REGISTRY["reshape"](result, shape=(size, many, *result.shape[1:]))


# image, window, stride, padding, dilation
_CASES: tuple[tuple[Any, ...], ...] = (
    ((2, 2, 5), (2,), (2,), ((0, 0),), (1,)),
    ((1, 2, 6), (3,), (1,), ((1, 0),), (2,)),
    ((2, 1, 4, 4), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((1, 2, 4, 5), (3, 2), (1, 2), ((1, 1), (0, 1)), (1, 2)),
    ((1, 1, 3, 2, 4), (2, 1, 2), (1, 1, 3), ((0, 0), (0, 0), (1, 1)), (1, 1, 1)),
    ((0, 2, 3, 3), (2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
)
_NAMES = ("window", "stride", "padding", "dilation")


def _out(case: Any) -> Shape:
    size, *numbers = case
    return (*size[:2], *extents(size[2:], *numbers))


_MAX_CASES = tuple((case, dict(zip(_NAMES, case[1:], strict=True))) for case in _CASES)
_AVG_CASES = tuple(
    ((*case[:4], ones), {**dict(zip(_NAMES, case[1:4], strict=False)), "counts_padding": counts})
    for case in _CASES
    for counts in (True, False)
    for ones in [(1,) * len(case[1])]
)

# (n, c, *size) -> (n, c, *out); NaN is a maximum.
max_pool: Primitive = Primitive(
    "max_pool",
    type=_max_pool_type,
    derivative=Adjoint(lambda ct, out, x, **attrs: (max_pool_gradient(ct, x, out, **attrs),)),
    numpy=_numpy("max_pool", 1, _room_of_axes, INSIDE, BORDERED, STEPS, COUNTED, _MAX_POOL),
    lower=Windowed("maximum"),
    examples=tuple(Example((case[0],), attrs) for case, attrs in _MAX_CASES),
    batch=_batch,
)
# The gradient of ``max_pool``: of equal elements the first one has all, as in PyTorch.
# (n, c, *out), image, maxima -> (n, c, *size)
max_pool_gradient: Primitive = Primitive(
    "max_pool_gradient",
    type=_max_pool_gradient_type,
    derivative=Adjoint(
        lambda ct, out, slope, x, maxima, **attrs: (
            max_pool_choice(ct, x, maxima, **attrs),
            None,
            None,
        )
    ),  # fmt: skip
    numpy=_numpy(
        "max_pool_gradient",
        3,
        _room_of_choice,
        INSIDE,
        CROPPED,
        BORDERED,
        STEPS,
        _FIRST_MAXIMA,
        _MAX_POOL_GRADIENT,
    ),
    lower=Windowed("maximum gradient"),
    examples=tuple(Example((_out(case), case[0], _out(case)), attrs) for case, attrs in _MAX_CASES),
    batch=_batch,
)
# What lies where the maxima of an image lie: the transpose of the gradient.
# (n, c, *size), image, maxima -> (n, c, *out)
max_pool_choice: Primitive = Primitive(
    "max_pool_choice",
    type=_max_pool_choice_type,
    derivative=Adjoint(
        lambda ct, out, values, x, maxima, **attrs: (
            max_pool_gradient(ct, x, maxima, **attrs),
            None,
            None,
        )
    ),  # fmt: skip
    numpy=_numpy(
        "max_pool_choice",
        3,
        _room_of_choice,
        INSIDE,
        BORDERED,
        STEPS,
        _FIRST_MAXIMA,
        _MAX_POOL_CHOICE,
    ),
    examples=tuple(Example((case[0], case[0], _out(case)), attrs) for case, attrs in _MAX_CASES),
    batch=_batch,
)


def _avg_pool_transpose(ct: Any, x: Any, **attrs: Any) -> tuple[Any]:
    return (avg_pool_gradient(ct, size=x.shape[2:], **attrs),)


# (n, c, *size) -> (n, c, *out); what is padded counts as zeros, or not at all.
avg_pool: Primitive = Primitive(
    "avg_pool",
    type=_avg_pool_type,
    derivative=Linear(_avg_pool_transpose),
    numpy=_numpy(
        "avg_pool", 1, _room_of_axes, INSIDE, BORDERED, STEPS, COUNTED, _MEMBERS, _AVG_POOL
    ),
    lower=Windowed("mean"),
    examples=tuple(Example((case[0],), attrs) for case, attrs in _AVG_CASES),
    batch=_batch,
)
# (n, c, *out) -> (n, c, *size)
avg_pool_gradient: Primitive = Primitive(
    "avg_pool_gradient",
    type=_avg_pool_gradient_type,
    derivative=Linear(lambda ct, slope, size, **attrs: (avg_pool(ct, **attrs),)),
    numpy=_numpy(
        "avg_pool_gradient",
        1,
        _room_of_axes,
        INSIDE,
        CROPPED,
        STEPS,
        COUNTED,
        _MEMBERS,
        _AVG_POOL_GRADIENT,
    ),
    lower=Windowed("mean gradient"),
    examples=tuple(
        Example((_out(case),), {"size": case[0][2:], **attrs}) for case, attrs in _AVG_CASES
    ),
    batch=_batch,
)
