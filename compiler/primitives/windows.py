"""Windows that slide over images: what convolution and pooling have in common.

Images are ``(batch, channels, *size)`` with 1, 2 or 3 axes of ``size``. Padding is a pair (before,
after) for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import TypeRuleError
from ..types import ArrayType, Dim, Shape, format_shape
from .elementwise.kind import check_kinds

Padding = tuple[tuple[int, int], ...]


def check_images(*types: ArrayType) -> None:
    """Refuse what are no images, or no kernels, of one dtype and rank.

    Raises:
        TypeRuleError: With the type that does not fit.
    """
    first = types[0]
    for one in types:
        check_kinds(one, "f")
        if not 3 <= one.ndim <= 5:
            raise TypeRuleError("takes images with 1, 2 or 3 axes behind two others", got=str(one))
        if one.ndim != first.ndim or one.dtype != first.dtype:
            raise TypeRuleError("operands must have the same rank and dtype", got=f"{first}, {one}")


def extents(
    size: Sequence[Dim],
    window: Sequence[Dim],
    stride: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
) -> Shape:
    """Return how many places a window has along each axis.

    Args:
        size: The extents of an image.
        window: Those of the window.
        stride: Between places.
        padding: Around the image.
        dilation: Between the elements that a window meets.

    Raises:
        TypeRuleError: There is no place for it, or a number is missing, unknown or too small.
    """
    for name, numbers, least in (
        ("size", size, 0),
        ("window", window, 1),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
        ("padding", [one for pair in padding for one in pair], 0),
    ):
        if any(not isinstance(one, int) for one in numbers):
            raise TypeRuleError(
                f"an unknown {name}: {format_shape(tuple(numbers))}",
                fix="give gradc.spec numbers for the extents of images and windows",
            )
        if any(one < least for one in numbers):
            raise TypeRuleError(f"{name} must be at least {least}", got=str(tuple(numbers)))
    if not len(size) == len(window) == len(stride) == len(padding) == len(dilation):
        raise TypeRuleError(f"takes {len(size)} numbers: one for each axis of the images")
    found = []
    for extent, taps, step, around, gap in zip(
        size, window, stride, padding, dilation, strict=True
    ):
        room = int(extent) + sum(around) - gap * (int(taps) - 1) - 1
        if room < 0:
            raise TypeRuleError(
                "the window is larger than the padded image",
                got=f"{format_shape(tuple(window))} in {format_shape(tuple(size))}",
            )
        found.append(room // step + 1)
    return tuple(found)


def check_result(result: ArrayType, expected: Shape) -> None:
    """Refuse the cotangent of another result.

    Raises:
        TypeRuleError: With both extents.
    """
    if result.shape[2:] != expected:
        raise TypeRuleError(
            "the extents do not fit",
            got=f"{format_shape(result.shape[2:])}, where windows have {format_shape(expected)}",
        )


def bordered_bytes(image: ArrayType, padding: Padding) -> int:
    """Return the size of a copy with a border, which is made where there is padding."""
    if not any(map(any, padding)):
        return 0
    room = [int(extent) + sum(pair) for extent, pair in zip(image.shape[2:], padding, strict=True)]
    return image.with_shape((*image.shape[:2], *room)).nbytes or 0


# Private functions of the generated modules.

BORDERED = '''
def _bordered(images, padding, number):
    """Return images with a border of one number, where there is padding."""
    if not any(map(any, padding)):
        return images
    extents = [extent + sum(pair) for extent, pair in zip(images.shape[2:], padding)]
    result = np.full((*images.shape[:2], *extents), number, images.dtype)
    _inside(result, padding)[...] = images
    return result
'''

INSIDE = '''
def _inside(images, padding):
    """Return a view of images without their border."""
    extents = zip(images.shape[2:], padding)
    return images[(..., *(slice(before, extent - after) for extent, (before, after) in extents))]
'''

CROPPED = '''
def _cropped(images, padding):
    """Return images without their border, in memory of their own."""
    return _inside(images, padding).copy() if any(map(any, padding)) else images
'''

STEPS = '''
def _steps(tap, count, stride, dilation):
    """Return the elements along an axis that a place of the windows meets."""
    return slice(tap * dilation, tap * dilation + (count - 1) * stride + 1, stride)
'''

COUNTED = '''
def _counted(extents, window, stride, padding, dilation):
    """Return how many windows there are along each axis."""
    numbers = zip(extents, window, stride, padding, dilation)
    return [
        (extent + sum(pair) - gap * (taps - 1) - 1) // step + 1
        for extent, taps, step, pair, gap in numbers
    ]
'''
