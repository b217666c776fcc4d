"""Views, indices, joined arrays and products for random programs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from .expressions import options
from .writer import Writer


def index(w: Writer, shape: tuple[int, ...]) -> str:
    """Draw a basic index: slices with steps, integers, an ellipsis, a new axis."""
    items: list[str] = []
    for extent in shape[: w.rng.randint(1, len(shape))]:
        low, high = sorted(w.rng.randint(0, extent) for _ in range(2))
        bounds = [
            ":",
            ":",
            "::-1",
            "::2",
            "::-3",
            f"{low}:{high}",
            f"{low}:",
            f":{high}",
            "-2:",
            "1:",
            ":-1",
        ]
        bounds += [f"{high}:{low}:-1"]
        if extent:
            bounds += ["0", "-1", str(w.rng.randrange(extent))]
        items.append(w.choose(bounds))
    extra = w.choose(["", "", "...", "None"])
    return ", ".join([extra, *items] if extra == "..." else [*items, extra] if extra else items)


def slicing(w: Writer) -> str:
    x = w.axes(kinds="fib")
    return f"{x}[{index(w, w.shape(x))}]"


def neighbours(w: Writer) -> str:
    """Overlapping slices of one array: their gradients add up."""
    x = w.axes(lambda value: len(value) > 1)
    ways = """
    {0}[1:] - {0}[:-1] | {0}[:-1] * {0}[1:] | {0}[::-1] * {0}[-1] | {0}[1:] / (1 + {0}[:-1] ** 2)
    np.diff({0}, axis=-1) | np.diff({0}, axis=0) | np.roll({0}, 1, axis=0) - {0}
    {0}[..., 1:] + {0}[..., :-1] | np.roll({0}, -2) * {0}
    """
    return w.choose(options(ways)).format(x)


def reshaping(w: Writer) -> str:
    x = w.axes(kinds="f" if w.chance(0.9) else "ib")
    shape = w.shape(x)
    order = tuple(w.rng.sample(range(len(shape)), len(shape)))
    ways = [
        f"{x}.T", f"{x}.reshape(-1)", f"{x}.ravel()", f"{x}[None]", f"{x}[..., None]",
        f"np.expand_dims({x}, {w.choose([0, -1, 1])})", f"np.flip({x})", f"np.flip({x}, axis=-1)",
        f"np.broadcast_to({x}, {(2, *shape)})", f"np.swapaxes({x}, 0, -1)",
        f"np.transpose({x}, {order})", f"np.moveaxis({x}, 0, -1)", f"np.squeeze({x})",
        f"np.reshape({x}, {shape[::-1]})", f"{x}.flatten()", f"np.atleast_2d({x})",
        f"np.ascontiguousarray({x}.T)", f"np.rot90({x}[..., None])", f"np.ravel({x}.T)",
    ]  # fmt: skip
    for part in (2, 3, 4):
        if prod(shape) and prod(shape) % part == 0:
            ways.append(f"np.reshape({x}, ({part}, -1))")
    if len(shape) == 2:
        ways += [f"np.tril({x})", f"np.triu({x}, 1)", f"np.diag({x})", f"np.trace({x})"]
    if len(shape) == 1 and shape[0] < 40:
        ways += [f"np.diag({x})"]
    return w.choose(ways)


def gather(w: Writer) -> str:
    """Elements and rows by integer arrays, with duplicates and negative entries."""
    x = w.axes(kinds="f" if w.chance(0.9) else "i")
    shape = w.shape(x)
    count = w.choose([0, 1, 2, 3, 5, 17])

    def places(extent: int) -> str:
        found = [w.rng.randint(-extent, extent - 1) for _ in range(count)] if extent else []
        return f"np.array({found}, dtype=np.int64)"

    rows = places(shape[0])
    ways = [f"{x}[{rows}]", f"np.take({x}, {rows}, axis=0)", f"{x}[..., {places(shape[-1])}]"]
    indices = w.named(kinds="i")
    if indices and shape[0]:
        one = w.choose(indices)
        ways += [f"{x}[{one} % {shape[0]}]", f"np.take({x}, {one} % {shape[0]}, axis=0)"] * 3
    if len(shape) > 1:
        ways += [f"{x}[{rows}, {places(shape[1])}]", f"{x}[{rows}[:, None], {places(shape[1])}]"]
        ways += [f"{x}[:, {places(shape[1])}]", f"{x}[{rows}, 1:]", f"{x}[{rows}, ::-1]"]
    ways += [f"{x}[{x} > 0.1].sum()"]
    return w.choose(ways)


def joining(w: Writer) -> str:
    x = w.axes()
    shape = w.shape(x)
    y = w.axes(lambda value: value.shape[1:] == shape[1:])
    z = w.axes(lambda value: value.shape == shape)
    axis = w.choose([0, -1])
    last = ", ".join(["(0, 0)"] * (len(shape) - 1) + ["(1, 2)"])
    return w.choose(
        [
            f"np.concatenate([{x}, {y}])",
            f"np.concatenate([{x}, {z}], axis=-1)",
            f"np.concatenate([{x}, {x}[:1], {z}])",
            f"np.stack([{x}, {z}], axis={axis})",
            f"np.stack([{x}, {z}, {x} * {z}])",
            f"np.vstack([{x}, {y}])",
            f"np.hstack([{x}, {z}])",
            f"np.split(np.concatenate([{x}, {z}]), 2)[{axis}]",
            f"np.pad({x}, 1)",
            f"np.pad({x}, [{last}], constant_values=0.5)",
            f"np.pad({x}, [{last}], mode='edge')",
            f"np.pad({x}, [{last}], mode='{w.choose(['reflect', 'wrap', 'symmetric'])}')",
            f"np.tile({x}, 2)",
            f"np.repeat({x}, 2, axis={axis})",
            f"np.roll({x}, {w.choose([1, -2, 5])}, axis={axis})",
            f"np.append({x}, 1.5)",
            f"np.where(np.arange({shape[-1]}) < 2, {x}, {z})",
        ]
    )


def ordering(w: Writer) -> str:
    """Running sums, and sorting."""
    x = w.ranked()
    ways = """
    np.take_along_axis({0}, np.argsort({0}, axis=-1), axis=-1) | np.cumsum({0}, axis={1})
    np.cumsum(np.sin({0}), axis={1}) | np.cumsum({0}, axis={1})[..., ::-1]
    np.cumprod(1 + 0.1 * {0}, axis={1}) | np.sort({0}, axis={1})
    np.sort({0}, axis=-1)[..., ::-1] | np.median({0}, axis={1})
    np.maximum.accumulate({0}, axis={1}) | np.quantile({0}, 0.3, axis={1}) | np.cumsum({0})
    np.interp({0}, np.linspace(-2, 2, 5), np.array([0.0, 1.0, -1.0, 0.5, 2.0]))
    np.convolve({0}.ravel()[:9], np.array([0.2, 0.5, 0.3])) | np.gradient({0}.ravel()[:9])
    """
    return w.choose(options(ways)).format(x, w.rng.randrange(len(w.shape(x))))


def product(w: Writer) -> str:
    x = w.axes(lambda value: value.size < 60_000)
    shape = w.shape(x)
    ways = [f"{x} @ {x}.T"] if len(shape) < 3 else [f"{x} @ np.swapaxes({x}, -1, -2)"]
    if len(shape) == 2:
        ways += [
            f"{x}.T @ {x}",
            f"np.einsum('ij,kj->ik', {x}, {x})",
            f"np.einsum('ij,ij->j', {x}, {x})",
        ]
        ways += [f"np.tanh({x} @ {x}.T) @ {x}", f"np.einsum('ij->ji', {x})"]
    right = w.named(lambda value: value.ndim == 1 and len(value) == shape[-1])
    if right:
        one = w.choose(right)
        ways += [
            f"{x} @ {one}",
            f"np.tensordot({x}, {one}, 1)",
            f"np.einsum('...i,i->...', {x}, {one})",
        ]
    left = w.named(lambda value: value.ndim == 1 and len(shape) > 1 and len(value) == shape[-2])
    if left:
        one = w.choose(left)
        ways += [f"{one} @ {x}", f"np.dot({one}, {x})"]
    matrices = w.named(
        lambda value: value.ndim >= 2 and value.shape[-2] == shape[-1] and value.size < 60_000
    )
    if matrices and len(shape) < 3:
        one = w.choose(matrices)
        ways += [f"{x} @ {one}", f"np.tanh({x} @ {one} + 0.5)", f"np.matmul({x}, {one} * 0.5)"] * 2
    others = w.named(
        lambda value: value.ndim == 2 and value.shape[-1] == shape[-1] and value.size < 60_000
    )
    if others and len(shape) == 2:
        one = w.choose(others)
        ways += [
            f"{x} @ {one}.T",
            f"np.inner({x}, {one})",
            f"np.einsum('ik,jk->ij', {x}, {one})",
        ] * 2
    if len(shape) == 1 and shape[0] < 400:
        ways += [f"np.outer({x}, {x} + 1)", f"np.dot({x}, {x})", f"np.kron({x}[:5], {x}[:7])"]
    return w.choose(ways)


def windows(w: Writer) -> str:
    """Convolution and pooling of images, by weights that are a part of them."""
    x = w.axes(lambda value: value.ndim == 4 and value.size < 4000 and min(value.shape) > 0)
    ways = """
    functional.max_pool2d({0}, 2) | functional.max_pool2d({0}, 3, stride=1, padding=1)
    functional.max_pool2d({0}, (2, 1)) | functional.avg_pool2d({0}, 2, stride=1)
    functional.avg_pool2d({0}, (1, 2))
    functional.conv2d({0}, {0}[:, :, :1, :2], stride=2, padding=1)
    functional.relu(functional.conv2d({0}, {0}[:2, :, :2, :3]))
    functional.conv2d({0}, {0}[-1:, :, ::-1, :1] * 0.5, padding=1)
    functional.conv2d({0}, {0}[:, :1, :3, :3], groups={1}, dilation=1)
    """
    channels = w.shape(x)[1]
    return w.choose(options(ways)).format(x, channels if w.shape(x)[0] % channels == 0 else 1)


REARRANGED: tuple[Callable[[Writer], str | None], ...] = (
    slicing, slicing, neighbours, reshaping, reshaping, gather, joining, ordering, product, product,
    windows, windows,
)  # fmt: skip
