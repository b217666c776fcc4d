"""From arguments to results: what stands between a user's call and the generated code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import float64, ndarray  # each call looks them up

from ..compiler.frontend.active import is_tracing
from ..compiler.frontend.signature import as_integer
from ..compiler.frontend.tree import Branch, Instance, Leaf, Tree, count_leaves, unflatten
from .cotangents import cotangents
from .effects import Effects
from .pullback import Pullback
from .tables import TABLES, arrange_table
from .tangents import tangents, with_zeros

if TYPE_CHECKING:
    from .specialisation import Specialisation

# Of these the type says all: numbers, and objects that are looked into as the program was made.
_PLANNED = {float, int, np.float64, np.float32, np.int64, np.int32, np.bool_}


def plan_key(mode: Any, args: Sequence[Any], kwargs: dict[str, Any], objects: bool = False) -> Any:
    """Return a key for arguments that are all arrays or numbers; None calls for a closer look.

    Args:
        mode: The mode of the call, and what else tells it from others.
        args: Its positional arguments.
        kwargs: Its other arguments.
        objects: Whether objects of classes that were not planned for before are taken too.
    """
    if kwargs or is_tracing():
        return None
    key: list[Any] = [mode]
    for one in args:
        kind = type(one)
        if kind is ndarray:
            key += one.dtype, one.shape
        elif kind in _PLANNED or objects:
            key.append(kind)
        else:
            return None
    return tuple(key)


class Call:
    """Runs one mode of a specialisation: ``call(inputs, values)``."""

    def __init__(self, made: Specialisation, mode: str) -> None:
        self.made, self.mode = made, mode
        self.has_aux = made.has_aux
        self.count = made.captured.count
        split = {"vjp": self._vjp, "linearize": self._linearize}
        self._run: Callable[..., Any] = split.get(mode, self._results)
        if mode not in split:
            self._executable = made.executable(mode)
        self._arrange = arrangement(made, mode)

    def __call__(
        self, inputs: Sequence[Any], values: Sequence[Any], given: Sequence[Any] = ()
    ) -> Any:
        """Run it.

        Args:
            inputs: The leaves of the arguments, and what is read outside.
            values: The value of each parameter.
            given: The tangents, where the mode takes some.
        """
        inputs = (*inputs, *given)
        if not self.made.captured.has_effects:
            return self._run(inputs, None)
        effects = Effects(self.made.captured, self.made.signature.trees, values)
        return self._run(inputs, effects)

    def plan(self, otherwise: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
        """Return what takes the positional arguments of a call like this one.

        Args:
            otherwise: Takes them where something outside is not as it was.
        """
        run, arrange = self._executable.run, self._arrange
        captured, trees = self.made.captured, self.made.signature.trees
        numbers = self._numbers()
        single = self._executable.single
        if captured.reads or any(isinstance(tree, Instance) for tree in trees):
            places = [i for i, tree in enumerate(trees) if isinstance(tree, Leaf)]
            for tree in trees:
                if isinstance(tree, Instance):
                    _PLANNED.add(tree.kind)
            read = captured.read

            def look(args: Sequence[Any]) -> Any:
                found = read(args)
                if found is None:
                    return otherwise(args)
                inputs = (*_converted([args[i] for i in places], numbers), *found)
                return arrange((run(*inputs),) if single else run(*inputs))

            return look
        if single:
            return lambda args: arrange((run(*_converted(args, numbers)),))
        if numbers:
            return lambda args: arrange(run(*_converted(args, numbers)))
        if arrange is _as_it_is:
            return lambda args: run(*args)
        return lambda args: arrange(run(*args))

    def _numbers(self) -> tuple[tuple[int, str | None], ...]:
        """Return the positions of Python numbers, and the names of integers."""
        signature = self.made.signature
        return tuple(
            (i, name if leaf.type.dtype == np.int64 else None)
            for i, (leaf, name) in enumerate(zip(signature.leaves, signature.names, strict=True))
            if leaf.kind == "number"
        )

    def _results(self, inputs: Sequence[Any], effects: Effects | None) -> Any:
        results: Sequence[Any] = self._executable(inputs)
        if effects is not None:
            results = tuple(effects.commit(results, self.made.left_out(self.mode)))
        return self._arrange(results)

    def _vjp(self, inputs: Sequence[Any], effects: Effects | None) -> tuple[Any, ...]:
        made, wanted = self.made, self.made.wanted
        assert wanted is not None
        primal = made.primal
        types = [output.type for output in made.graph.outputs[: count_leaves(primal)]]
        results: Sequence[Any] = made.executable("forward")(inputs)
        if effects is not None:
            results = effects.commit(results, 0)

        def run(saved: Sequence[Any], cts: Sequence[Any], consuming: bool) -> Sequence[Any]:
            return made.executable("consuming" if consuming else "backward")((*saved, *cts))

        pullback = Pullback(
            results[self.count :], lambda ct: cotangents(ct, primal, types), run, wanted.arrange
        )
        output = unflatten(made.captured.output, results[: self.count])
        return with_second(output, pullback, self.has_aux)

    def _linearize(self, inputs: Sequence[Any], effects: Effects | None) -> tuple[Any, ...]:
        made, wanted = self.made, self.made.wanted
        assert wanted is not None
        primal = made.primal
        linear = made.executable("tangent")
        results: Sequence[Any] = made.executable("primal")(inputs)
        if effects is not None:
            results = effects.commit(results, 0)
        saved, primals = results[self.count :], results[: count_leaves(primal)]

        def push(given: Any) -> Any:
            """Return the tangent of the output for ``given``, the tangents of the arguments."""
            typed = tangents(given, wanted, made.signature)
            return with_zeros(primal, primals, linear((*saved, *typed)))

        output = unflatten(made.captured.output, results[: self.count])
        return with_second(output, push, self.has_aux)


def arrangement(made: Specialisation, mode: str) -> Callable[[Sequence[Any]], Any]:
    """Return what gives the outputs of a mode's program the structure that users get."""
    return _quick_arrangement(made, mode) or partial(_arranged, made, mode)


def entry_tree(made: Specialisation, mode: str, count: int) -> Any:
    """Return how a native entry arranges so many results; None where it has not the means."""
    tree = arrangement(made, mode)(tuple(range(count)))
    return tree if _is_of_tuples(tree) else None


def _is_of_tuples(tree: Any) -> bool:
    if type(tree) is tuple:
        return all(map(_is_of_tuples, tree))
    return type(tree) is int or tree is None


def _quick_arrangement(made: Specialisation, mode: str) -> Callable[[Sequence[Any]], Any] | None:
    """Return how to arrange results where nothing but arrays is returned and asked for."""
    if not isinstance(made.captured.output, Leaf):
        return None
    if mode == "value":
        return _first
    wanted = made.wanted
    assert wanted is not None
    if mode == "jvp":
        return tuple if made.differentiable else None
    if mode == "hessian" and not wanted.single:
        return None
    if not all(isinstance(tree, Leaf) for tree in wanted.trees):
        return None
    if mode == "value_and_grad":
        return _as_it_is if wanted.single else _pair
    return _first if wanted.single else _as_it_is


def _arranged(made: Specialisation, mode: str, results: Sequence[Any]) -> Any:
    wanted, count = made.wanted, made.captured.count
    if mode == "value":
        return unflatten(made.captured.output, results)
    assert wanted is not None
    if mode == "value_and_grad":
        value = unflatten(made.captured.output, results[:count])
        return value, wanted.arrange(results[count:])
    if mode == "jvp":
        value = unflatten(made.captured.output, results[:count])
        primals = results[: count_leaves(made.primal)]
        pushed = with_zeros(made.primal, primals, results[count:])
        return with_second(value, pushed, made.has_aux)
    kept = count - made.left_out(mode)
    if mode in TABLES:
        floats = made.differentiable
        found = arrange_table(mode, made.primal, floats, wanted, results[kept:])
    else:
        found = wanted.arrange(results[kept:])
    if not made.has_aux:
        return found
    return found, unflatten(_aux(made.captured.output), results[:kept])


def with_second(output: Any, second: Any, has_aux: bool) -> tuple[Any, ...]:
    """Return an output with what belongs to it behind it, and what is only handed on last."""
    return (output[0], second, output[1]) if has_aux else (output, second)


def _aux(output: Tree) -> Tree:
    assert isinstance(output, Branch)
    return output.children[1]  # type: ignore[no-any-return]


def _converted(args: Sequence[Any], numbers: Sequence[tuple[int, Any]]) -> Sequence[Any]:
    """Return arguments with Python numbers as NumPy scalars; ints come with their names."""
    if not numbers:
        return args
    converted = list(args)
    for i, name in numbers:
        number = converted[i]
        what = f"the argument {name}"
        converted[i] = float64(number) if name is None else as_integer(number, what)
    return converted


def _as_it_is(results: Any) -> Any:
    return results


def _first(results: Sequence[Any]) -> Any:
    return results[0]


def _pair(results: Sequence[Any]) -> Any:
    return results[0], results[1:]
