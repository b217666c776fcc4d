"""What changes between the calls, by the function or beside it: counters, logs, buffers, modes."""

from collections import Counter, OrderedDict, defaultdict

import numpy as np

from .stateful import Subject, stateful


class Settings:
    """A plain bag of attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)


@stateful(compilations=2, calls=3)
def rebound_weight(rng):
    """`m.w` is another array at each call, at last one of another shape."""
    model = Settings(w=rng.normal(size=3), bias=0.5)

    def predict(x):
        return np.sum(np.tanh(x[:, None] * model.w + model.bias))

    def between(call):
        model.w = rng.normal(size=3 if call == 0 else 5)

    return Subject(predict, (rng.normal(size=4),), model, between)


@stateful(jax=True, compilations=2)
def counted_calls(rng):
    """A count decides nothing, a schedule computed from it does."""
    record = {"calls": 0, "rate": 1.0}

    def loss(x):
        record["calls"] += 1
        record["rate"] *= 0.9
        return record["rate"] * np.sum(x**2)

    return Subject(loss, (rng.normal(size=4),), record)


@stateful(compilations=2)
def flag_and_mode(rng):
    """A bool and a string choose the code; going back needs no new one."""
    mode = Settings(train=True, activation="tanh", keep=rng.uniform(0.5, 1, size=4))

    def forward(x):
        z = np.tanh(x) if mode.activation == "tanh" else np.maximum(x, 0)
        if mode.train:
            z = z * mode.keep
        return np.sum(z**2)

    def between(call):
        mode.train = not mode.train
        mode.activation = "relu" if mode.activation == "tanh" else "tanh"

    return Subject(forward, (rng.normal(size=4),), mode, between)


@stateful()
def ring_buffer(rng):
    """The last values of a signal, shifted in place at each call."""
    past = np.zeros(4)

    def filtered(sample):
        past[1:] = past[:-1]
        past[0] = np.tanh(sample)
        return past @ np.array([0.4, 0.3, 0.2, 0.1])

    def between(call):
        return (0.3 * call - 0.2,)

    return Subject(filtered, (0.8,), past, between)


@stateful(jax=True)
def average_kept_as_an_array(rng):
    """An exponential mean of the parameters, rebound in a dict."""
    kept = {"mean": np.zeros(3), "square": np.ones(3)}

    def penalty(w):
        kept["mean"] = 0.9 * kept["mean"] + 0.1 * w
        kept["square"] = 0.99 * kept["square"] + 0.01 * w**2
        return np.sum((w - kept["mean"]) ** 2 / np.sqrt(kept["square"]))

    return Subject(penalty, (rng.normal(size=3),), kept)


@stateful(wrt=("x", "y"))
def matrix_updated_by_rank_one(rng):
    """A quasi-Newton matrix that every call improves in place."""
    inverse = np.eye(3)

    def decrease(x, y):
        direction = inverse @ y
        scale = 1.0 / (1.0 + y @ direction)
        inverse[...] -= scale * np.outer(direction, direction)
        inverse[0, 0] += 0.01 * x[0] ** 2
        return x @ inverse @ y

    return Subject(decrease, (rng.normal(size=3), rng.normal(size=3)), inverse)


@stateful(compilations=2)
def nested_containers(rng):
    """Lists of dicts of arrays: an entry is replaced, another one is changed in place."""
    stages = [{"gain": 1.0 + k, "taps": rng.normal(size=3)} for k in range(2)]

    def cascade(x):
        for stage in stages:
            y = np.zeros(len(x))
            for k, tap in enumerate(stage["taps"]):
                y[k:] += tap * x[: len(x) - k]
            stage["level"] = np.max(np.abs(y))
            x = stage["gain"] * y / (1 + stage["level"])
        return np.sum(x**2)

    for stage in stages:
        stage["level"] = 0.0

    def between(call):
        stages[1]["taps"][call % 3] = 0.1
        stages[0]["gain"] *= 0.5

    return Subject(cascade, (rng.normal(size=5),), stages, between)


@stateful(compilations=2)
def last_gradient_step(rng):
    """A function that trains: it moves its own parameters by a slope written out."""
    model = Settings(w=rng.normal(size=3), losses=np.zeros(5), count=0)
    data, target = rng.normal(size=(5, 3)), rng.normal(size=5)

    def train(rate):
        residual = data @ model.w - target
        model.w -= rate * 2 * data.T @ residual / 5
        model.losses[model.count] = np.mean(residual**2)
        model.count += 1
        return np.mean((data @ model.w - target) ** 2)

    return Subject(train, (0.1,), model)


@stateful(compilations=2)
def swapped_roles(rng):
    """Two outer buffers change their names at each call."""
    fields = Settings(old=np.zeros(6), new=rng.normal(size=6))

    def step(courant):
        after = 2 * fields.new - fields.old
        after[1:-1] += courant * (fields.new[2:] - 2 * fields.new[1:-1] + fields.new[:-2])
        fields.old, fields.new = fields.new, after
        return np.sum(fields.new**2)

    return Subject(step, (0.4,), fields)


@stateful(compilations=2)
def replaced_function(rng):
    """The function that an attribute holds is another one from the second call on."""
    plan = Settings(rule=np.sin, scale=np.ones(3))

    def evaluate(x):
        return np.sum(plan.rule(x) * plan.scale)

    def between(call):
        plan.rule = np.cos if call % 2 == 0 else np.sin
        plan.scale = plan.scale + 1

    return Subject(evaluate, (rng.normal(size=3),), plan.scale, between)


@stateful(compilations=2)
def best_so_far(rng):
    """The best loss and where it was, kept by `np.where` on outer arrays."""
    best = Settings(loss=np.array(np.inf), place=np.zeros(3))

    def search(x):
        loss = np.sum((x - 0.5) ** 2) + np.sum(np.cos(3 * x))
        better = loss < best.loss
        best.place[...] = np.where(better, x, best.place)
        best.loss = np.minimum(loss, best.loss)
        return loss

    def between(call):
        return (np.array([0.4, 0.1, 0.9]) * (call + 1),)

    return Subject(search, (rng.normal(size=3),), best, between)


@stateful(compilations=3)
def attribute_made_inside(rng):
    """A first call sets up what the later ones use."""
    model = Settings()

    def smooth(x):
        if not hasattr(model, "mean"):
            model.mean = np.zeros(3)
        model.mean = 0.9 * model.mean + 0.1 * x
        return np.sum((x - model.mean) ** 2)

    return Subject(smooth, (rng.normal(size=3),), model)


@stateful(compilations=2)
def updated_dicts(rng):
    """`update` and `|=` replace entries of a dict without new keys."""
    moments = {"first": np.zeros(3), "second": np.ones(3), "beta": 0.9}

    def adapt(slope):
        beta = moments["beta"]
        moments.update(first=beta * moments["first"] + (1 - beta) * slope, beta=beta**0.9)
        moments["second"] = beta * moments["second"] + (1 - beta) * slope**2
        return np.sum(moments["first"] / (np.sqrt(moments["second"]) + 1e-3))

    return Subject(adapt, (rng.normal(size=3),), moments)


@stateful()
def accumulated_in_a_default(rng):
    """The array of a default belongs to the function and keeps what is stored."""
    total = np.zeros(3)

    def accumulate(x, into=total):
        into += x**2
        return np.sum(np.sqrt(1 + into))

    return Subject(accumulate, (rng.normal(size=3),), total)


@stateful(compilations=2)
def subclasses_of_dict(rng):
    """`defaultdict`, `Counter` and `OrderedDict` with keys that are there."""
    sums, hits = defaultdict(float, loss=0.5), Counter(calls=0)
    layers = OrderedDict(first=rng.normal(size=3), second=rng.normal(size=3))

    def forward(x):
        hits["calls"] += 1
        for weight in layers.values():
            x = np.tanh(weight * x)
        sums["loss"] += np.sum(x**2)
        return sums["loss"] * x[0]

    return Subject(forward, (rng.normal(size=3),), (sums, hits, layers))


class Scope:
    """A context that counts how deep it is, and how often it was entered."""

    def __init__(self):
        self.depth, self.entered = 0, 0

    def __enter__(self):
        self.depth, self.entered = self.depth + 1, self.entered + 1
        return self

    def __exit__(self, *error):
        self.depth -= 1


@stateful(compilations=2)
def context_of_the_user(rng):
    """`__enter__` and `__exit__` are the user's code like any other."""
    scope = Scope()

    def damped(x):
        with scope:
            with scope as inner:
                x = x / inner.depth
            x = x * scope.depth
        return np.sum(x**2)

    return Subject(damped, (rng.normal(size=3),), scope)


@stateful(compilations=3, calls=6)
def stored_otherwise_each_time(rng):
    """An outer matrix in row order, column order, reversed, spread, swapped bytes, read-only."""
    plain = rng.normal(size=(4, 3))
    box = Settings(matrix=plain.copy())
    spread = np.zeros((8, 6))[::2, 1::2]
    spread[...] = plain
    locked = plain.copy()
    locked.flags.writeable = False
    ways = [plain.copy(order="F"), plain[::-1, ::-1], spread, plain.astype(">f8"), locked]

    def form(x):
        return np.sum(np.tanh(box.matrix @ x)) + np.sum(box.matrix[1:, 0] ** 2) * x[0]

    def between(call):
        if call < len(ways):
            box.matrix = ways[call]

    return Subject(form, (rng.normal(size=3),), between=between)


@stateful(calls=3)
def written_through_strides(rng):
    """An outer array in column order and a strided one take what is stored."""
    grid, line = np.zeros((3, 4), order="F"), np.arange(12.0)[::-2]

    def fill(x):
        grid[1:, ::2] += np.outer(x[:2], x[1:3])
        line[::2] = grid.sum(axis=0)[:3]
        line[1::2] *= x[3]
        return np.sum(grid**2) + line @ np.arange(6.0)

    return Subject(fill, (rng.normal(size=4),), (grid, line))


@stateful(calls=3)
def argument_kept(rng):
    """The argument itself is stored: what changes in it later is seen in the state too."""
    kept = {"last": np.zeros(3), "sum": np.zeros(3)}
    x = rng.normal(size=3)

    def difference(x):
        change = x - kept["last"]
        kept["sum"] = kept["sum"] + change
        kept["last"] = x
        return np.sum(change**2) + np.sum(kept["sum"] ** 3)

    def between(call):
        x[call] += 1.0

    return Subject(difference, (x,), kept, between)


@stateful(compilations=2)
def layers_by_name(rng):
    """A table of layers: weights by name in dicts in a list in an object; some are replaced."""
    net = Settings(layers=[{"w": rng.normal(size=(3, 3)), "b": np.zeros(3)} for _ in range(2)])
    net.trained = [False, False]

    def forward(x):
        for number, layer in enumerate(net.layers):
            x = np.tanh(layer["w"] @ x + layer["b"])
            layer["b"] = 0.9 * layer["b"] + 0.1 * x
            net.trained[number] = True
        return x.sum()

    def between(call):
        net.layers[call % 2]["w"] = net.layers[call % 2]["w"].T * 1.1

    return Subject(forward, (rng.normal(size=3),), net, between)
