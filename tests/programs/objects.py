"""Named tuples, dataclasses, dispatch on classes, dicts, stacks and generators around NumPy."""

import functools
import math
from collections import namedtuple
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from .program import program

Spring = namedtuple("Spring", ["stiffness", "rest", "ends"])


@program(
    lambda rng: (
        [Spring(1.0 + k, 0.5, (k, k + 1)) for k in range(3)],
        rng.normal(size=(4, 2)),
    ),
    wrt=("springs", "points"),
    autograd=True,
    torch=True,
)
def chain_of_springs(springs, points):
    """Named tuples of numbers and of indices."""
    energy = 0.0
    for stiffness, rest, (i, j) in springs:
        length = np.sqrt(np.sum((points[i] - points[j]) ** 2))
        energy = energy + 0.5 * stiffness * (length - rest) ** 2
    return energy


@dataclass
class Lens:
    """A thin lens; its power is a property."""

    focus: float
    place: float
    tags: list = field(default_factory=list)

    @property
    def power(self):
        return 1.0 / self.focus

    def matrix(self):
        return np.array([[1.0, 0.0], [-self.power, 1.0]])

    @staticmethod
    def gap(width):
        return np.array([[1.0, width], [0.0, 1.0]])

    @classmethod
    def doubled(cls, lens):
        return cls(lens.focus / 2, lens.place + 0.1)


@program(
    lambda rng: ([Lens(0.8, 0.3, ["first"]), Lens(-1.5, 0.9)], rng.normal(size=(2, 7))),
    wrt=("lenses", "rays"),
)
def ray_transfer(lenses, rays):
    """Dataclasses with properties, methods, class methods and static methods."""
    system, at = np.eye(2), 0.0
    for lens in [*lenses, Lens.doubled(lenses[0])]:
        system = lens.matrix() @ Lens.gap(lens.place - at) @ system
        at = lens.place
    out = system @ rays
    moved = replace(lenses[0], focus=lenses[0].focus + 1.0)
    return np.sum(out[0] ** 2) + moved.power * np.sum(out[1])


@functools.singledispatch
def _energy(shape, scale):
    raise NotImplementedError(type(shape))


@dataclass
class Disc:
    radius: float


@dataclass
class Box:
    sides: np.ndarray


@_energy.register
def _(shape: Disc, scale):
    return scale * math.pi * shape.radius**2


@_energy.register
def _(shape: Box, scale):
    return scale * np.prod(shape.sides)


@program(
    lambda rng: ({"a": Disc(1.5), "b": Box(rng.uniform(1, 2, size=3)), "c": Disc(0.5)}, 0.8),
    wrt=("shapes", "scale"),
    jax=True,
)
def dispatch_on_the_class(shapes, scale):
    """`isinstance`, `singledispatch` and `match` choose the formula."""
    total = 0.0
    for name, shape in sorted(shapes.items()):
        total += _energy(shape, scale)
        if isinstance(shape, Box):
            total += np.max(shape.sides)
        match shape:
            case Disc(radius=r):
                total += 2 * math.pi * r * (name == "a")
            case Box():
                total -= shape.sides.mean()
    return total


@program(
    lambda rng: ({"rate": 0.5, "state": {"x": rng.normal(size=3), "v": rng.normal(size=3)}},),
    autograd=True,
    torch=True,
)
def settings_merged(settings):
    """Dicts that are merged, popped, updated and unpacked inside."""
    defaults = {"rate": 0.1, "steps": 3, "drag": 0.2}
    options = {**defaults, **{key: v for key, v in settings.items() if key != "state"}}
    state = dict(settings["state"])
    for _ in range(options.pop("steps")):
        push = -state["x"] - options["drag"] * state["v"]
        state.update(v=state["v"] + options["rate"] * push)
        state["x"] = state["x"] + options["rate"] * state["v"]
    energy = {name: 0.5 * np.sum(value**2) for name, value in state.items()}
    return sum(energy.values()) + options.setdefault("extra", 0.0)


@program(lambda rng: (rng.normal(size=5),), autograd=True, torch=True)
def stacks_and_queues(x):
    """A postfix calculator on a list; `append`, `pop`, `extend`, `insert`, slices of lists."""
    stack, log = [], []
    for token in [0, 1, "*", 2, "+", 3, 4, "-", "*"]:
        if token == "*":
            stack.append(stack.pop() * stack.pop())
        elif token == "+":
            stack.append(stack.pop() + stack.pop())
        elif token == "-":
            right, left = stack.pop(), stack.pop()
            stack.append(left - right)
        else:
            stack.append(x[token])
        log.extend(stack[-1:])
    log.insert(0, x.sum())
    (result,) = stack
    return result**2 + sum(entry * k for k, entry in enumerate(log[::2]))


@program(lambda rng: (rng.uniform(0.5, 2, size=4),))
def generators_and_errors(x):
    """Generator functions, `try`/`finally`, context managers, `while` over a counter."""

    def partial_sums(values):
        total = 0.0
        for value in values:
            total += value
            yield total

    sums, count = np.zeros(4), 0
    iterator = partial_sums(x)
    while True:
        try:
            sums[count] = next(iterator)
        except StopIteration:
            break
        finally:
            count += 1
    with np.errstate(divide="ignore"):
        ratios = np.array([b / a for a, b in pairwise(sums)])
    return np.log(sums[-1]) * ratios.prod() + count
