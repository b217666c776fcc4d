"""Objects: models with weights, methods, properties, inheritance, and state kept on `self`."""

from dataclasses import dataclass, field

import numpy as np

from .stateful import Subject, stateful


class Linear:
    """A layer as a beginner writes it."""

    def __init__(self, rng, inputs, outputs):
        self.w = rng.normal(size=(inputs, outputs)) * 0.5
        self.b = np.zeros(outputs)

    def __call__(self, x):
        return x @ self.w + self.b


class Network:
    """Layers in a list; the weights are changed by training between the calls."""

    def __init__(self, rng):
        self.layers = [Linear(rng, 3, 4), Linear(rng, 4, 2)]
        self.training = True

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = np.tanh(layer(x))
        return self.layers[-1](x)

    def loss(self, x, y):
        return np.mean((self.forward(x) - y) ** 2)


@stateful(jax=True, wrt="x")
def network_of_layers(rng):
    """`layer.w -= ...` in place and `layer.b = ...` anew between the calls."""
    model = Network(rng)

    def between(call):
        model.layers[0].w -= 0.1
        model.layers[1].b = model.layers[1].b + call

    return Subject(model.loss, (rng.normal(size=(5, 3)), rng.normal(size=(5, 2))), model, between)


class RunningMoments:
    """Mean and variance are updated by every call and used by it."""

    def __init__(self, size):
        self.mean, self.var = np.zeros(size), np.ones(size)
        self.momentum, self.calls = 0.9, 0

    def normalise(self, x):
        self.calls += 1
        self.mean = self.momentum * self.mean + (1 - self.momentum) * x.mean(axis=0)
        self.var = self.momentum * self.var + (1 - self.momentum) * x.var(axis=0)
        return (x - self.mean) / np.sqrt(self.var + 1e-5)

    def loss(self, x):
        z = self.normalise(x)
        return np.sum(np.tanh(z) ** 3)


@stateful(jax=True, compilations=2)
def running_statistics(rng):
    """The state lies on the object, after each call as NumPy leaves it."""
    moments = RunningMoments(3)
    return Subject(moments.loss, (rng.normal(size=(6, 3)),), moments)


class Momentum:
    """Velocity in place, a dict of arrays, a list of losses of fixed length."""

    def __init__(self, rng):
        self.velocity = {"w": np.zeros(3), "b": np.zeros(1)}
        self.last = [0.0, 0.0]
        self.data = rng.normal(size=(6, 3))

    def step(self, w, b):
        residual = self.data @ w + b
        loss = residual @ residual / len(self.data)
        slope = 2 * self.data.T @ residual / len(self.data)
        self.velocity["w"] *= 0.8
        self.velocity["w"] -= 0.1 * slope
        self.velocity["b"] = 0.8 * self.velocity["b"] - 0.2 * residual.mean()
        self.last[0], self.last[1] = self.last[1], loss
        return loss + np.sum((w + self.velocity["w"]) ** 2) * self.velocity["b"][0]


@stateful(wrt=("w", "b"), compilations=3)
def momentum_kept_on_self(rng):
    """What is stored into dicts and lists of the object is there after the call."""
    optimiser = Momentum(rng)
    return Subject(optimiser.step, (rng.normal(size=3), 0.4), optimiser)


class Shape:
    """A base class with a template method, class attributes and a private name."""

    density = 2.0
    __hidden = 3.0

    def __init__(self, size):
        self._size = size

    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = np.maximum(value, 0.5)

    def area(self, x):
        return np.sum(self.size * x)

    def mass(self, x):
        return self.density * self.area(x) + self.__hidden


class Ring(Shape):
    """Overrides, asks `super()`, and mangles its own private name."""

    __hidden = 0.5

    def area(self, x):
        return super().area(x**2) - self.__hidden * np.sum(x)


@stateful(jax=True, compilations=2)
def inheritance_and_properties(rng):
    """`super()`, name mangling, a property with a setter, a class attribute that changes."""
    Shape.density = 2.0
    ring = Ring(rng.normal(size=4))

    def between(call):
        ring.size = ring.size + 0.3
        Shape.density = 2.0 + call

    return Subject(ring.mass, (rng.normal(size=4),), ring, between)


@dataclass
class Oscillator:
    """A dataclass with state; methods call methods."""

    stiffness: float
    state: np.ndarray
    trace: dict = field(default_factory=dict)

    def force(self, position):
        return -self.stiffness * position - 0.1 * position**3

    def advance(self, push):
        position, velocity = self.state
        velocity = velocity + 0.1 * (self.force(position) + push)
        self.state = np.stack([position + 0.1 * velocity, velocity])
        return self

    def work(self, pushes):
        total = 0.0
        for push in pushes:
            total = total + push * self.advance(push).state[1]
        self.trace["energy"] = 0.5 * np.sum(self.state**2)
        return total


@stateful(compilations=3, jax=True)
def stepped_oscillator(rng):
    """Each call goes on from where the last one stopped."""
    oscillator = Oscillator(1.5, np.array([0.3, -0.2]), {"energy": 0.0})

    def between(call):
        oscillator.stiffness = 1.5 + 0.1 * call

    return Subject(oscillator.work, (rng.normal(size=4),), oscillator, between)


class Vector:
    """Operators of the user's own class around arrays; NumPy's numbers leave them to it."""

    __array_ufunc__ = None

    def __init__(self, parts):
        self.parts = parts

    def __add__(self, other):
        return Vector(self.parts + other.parts)

    def __rmul__(self, factor):
        return Vector(factor * self.parts)

    def __matmul__(self, other):
        return self.parts @ other.parts

    def __getitem__(self, key):
        return Vector(self.parts[key])

    def __len__(self):
        return len(self.parts)

    def __abs__(self):
        return np.sqrt(self @ self)


@stateful(wrt=("x", "factor"), jax=True)
def operators_of_a_class(rng):
    """`+`, `*`, `@`, `[]`, `len` and `abs` go through the class."""
    anchor = Vector(rng.normal(size=5))

    def distance(x, factor):
        moved = factor * Vector(x) + anchor
        return abs(moved) * len(moved) + moved[1:3] @ anchor[:2]

    def between(call):
        anchor.parts = anchor.parts + 1.0

    return Subject(distance, (rng.normal(size=5), 0.7), anchor.parts, between)


class Cache:
    """An expensive part is computed when it is first asked for."""

    def __init__(self, matrix):
        self.matrix, self._gram, self.misses = matrix, None, 0

    @property
    def gram(self):
        if self._gram is None:
            self._gram = self.matrix.T @ self.matrix
            self.misses += 1
        return self._gram

    def form(self, x):
        return x @ self.gram @ x + np.sum(self.gram)


@stateful(compilations=3)
def computed_when_first_needed(rng):
    """None becomes an array at the first call; new data throw it away."""
    cache = Cache(rng.normal(size=(4, 3)))

    def between(call):
        if call == 1:
            cache.matrix, cache._gram = cache.matrix * 2, None

    return Subject(cache.form, (rng.normal(size=3),), cache, between)


class Tank:
    """Slots instead of a dict; a class that counts its instances' calls."""

    __slots__ = ("inflow", "level", "overflow")

    def __init__(self, level):
        self.level, self.inflow, self.overflow = level, np.array([0.2, 0.4]), 0.0

    def fill(self, rate):
        for push in self.inflow:
            raised = self.level + rate * push
            self.overflow = self.overflow + np.maximum(raised - 1.0, 0)
            self.level = np.minimum(raised, 1.0)
        return self.level**2 + self.overflow

    def __call__(self, rates):
        return self.fill(rates[0]) * self.fill(rates[1])


@stateful(compilations=3, jax=True)
def slots_and_callable_objects(rng):
    """A compiled object with `__call__`, whose numbers become arrays' numbers."""
    tank = Tank(0.3)
    return Subject(tank, (np.array([0.5, 0.9]),), tank)


class Particle:
    """Objects in a list that refer to each other."""

    def __init__(self, rng):
        self.position, self.mass = rng.normal(size=2), rng.uniform(1, 2)
        self.neighbours = []

    def energy(self, field_):
        pairs = sum(
            self.mass * other.mass / np.sqrt(np.sum((self.position - other.position) ** 2) + 0.1)
            for other in self.neighbours
        )
        return pairs + self.mass * field_ @ self.position


@stateful(jax=True, compilations=2)
def graph_of_objects(rng):
    """Cycles among the objects; one of them moves, another one changes its mass."""
    particles = [Particle(rng) for _ in range(3)]
    for k, one in enumerate(particles):
        one.neighbours = [particles[k - 1], particles[k - 2]]

    def total(field_):
        return sum(one.energy(field_) ** 2 for one in particles)

    def between(call):
        particles[0].position = particles[0].position + 0.2
        particles[1].position *= 1.1
        particles[2].mass += 0.5

    return Subject(total, (rng.normal(size=2),), [one.position for one in particles], between)


class Parameters:
    """Attributes live in a dict of the object, found by `__getattr__`."""

    def __init__(self, **values):
        self.__dict__["values"] = values

    def __getattr__(self, name):
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self.values[name] = value

    def decay(self, x):
        for name in sorted(vars(self)["values"]):
            setattr(self, name, 0.5 * getattr(self, name))
        self.shift = self.shift + x
        return np.sum((self.scale * self.shift) ** 2)


@stateful(jax=True)
def attributes_by_dict(rng):
    """`__getattr__`, `__setattr__`, `vars`, `getattr` and `setattr` with computed names."""
    parameters = Parameters(scale=rng.normal(size=3), shift=np.ones(3))
    return Subject(parameters.decay, (rng.normal(size=3),), parameters.values)
