"""Modules of generated code: the one function, and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...forks import cached_property
from ...ir import Graph, SourceLine
from .body import Body
from .context import Context
from .drops import choose_drops
from .frame import render
from .holding import returned
from .memory import Memory, predict
from .schedule import private_functions
from .steps import Steps


@dataclass
class Module:
    """A generated module.

    Attributes:
        name: The name of its one function.
        text: The source.
        constants: Arrays too large for the text, which lie in an ``.npz`` beside it.
        callbacks: What has to be passed for the keyword-only parameters.
        copies: The lines of stores before which an array had to be copied.
        steps: What its lines do to memory.
    """

    name: str
    text: str
    constants: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
    callbacks: dict[str, Callable[..., Any]]
    copies: tuple[SourceLine | None, ...]
    steps: Steps

    @cached_property
    def memory(self) -> Memory:
        """What it needs beside its arguments, in bytes; sizes that are not known have names."""
        return predict(self.steps)


class Heading(NamedTuple):
    """What a module says of itself.

    Attributes:
        title: Its first line.
        source: The user's function.
        regenerate: The call that makes it again.
        params: For each param, a line about it.
        results: What it returns, by name.
        derivatives: What to call the part behind the user's own results.
    """

    title: str
    source: str
    regenerate: str
    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    derivatives: str = "backward"


def emit(
    graph: Graph,
    function: str,
    heading: Heading,
    kept: int,
    shared: Collection[int] = (),
    owned: Collection[int] = (),
) -> Module:
    """Emit a module with one function that takes the params and returns the outputs.

    Args:
        graph: An expanded graph without markers.
        function: The function's name.
        heading: What the module's docstring says.
        kept: How many outputs, the first ones, are the user's own.
        shared: Positions of those that are arguments themselves; one of these that is a param is
            returned as it is. All others are fresh arrays.
        owned: Positions of params whose memory the function may use: nobody reads them afterwards.
    """
    functions = private_functions(graph)
    private = set(re.findall(r"^def (\w+)", "\n".join(functions), re.MULTILINE))
    label = f"{function}_" if function in private else function

    def written(drops: Mapping[int, tuple[str, ...]]) -> tuple[Context, Body, Steps, list[str]]:
        context = Context({*private, label}, drops)
        body = Body(context, graph, frozenset(graph.params[i] for i in owned))
        lines, results = body.function(kept, shared, heading.derivatives)
        params = tuple(body.names[value] for value in graph.params)
        steps = Steps(params, body.steps, returned(body, results), ", ".join(results))
        return context, body, steps, lines

    context, body, steps, lines = written({})
    drops = choose_drops(steps)
    if drops:
        context, body, steps, lines = written(drops)
    text = render(
        "numpy_module.py.jinja",
        heading=heading,
        function=label,
        params=list(steps.params),
        callbacks=list(context.callbacks.values()),
        constants=context.constants,
        large=list(context.large),
        functions=functions,
        body=lines,
        results=[steps.text],
    )
    callbacks = {name: one.function for one, name in context.callbacks.items()}
    return Module(label, text, context.large, callbacks, tuple(context.copies), steps)
