"""Loops, branches and blocks as ``for``, ``while``, ``if`` and inner functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...ir import Graph, Node, Value
from ...primitive import Primitive
from ...primitives.elementwise import add, cast, multiply, subtract
from ...primitives.regions import block, cond, for_loop, while_loop
from ...types import Dim
from .frame import expression_text
from .holding import bound_to, holder, result, returned
from .sizes import size_lines
from .steps import Binding, Branch, Call, Loop, Statement

if TYPE_CHECKING:
    from .body import Body

INDENT = "    "
_KEEPS_INTEGERS = {add, subtract, multiply}


def _child(
    parent: Body,
    region: Graph,
    operands: Sequence[Value],
    names: Mapping[Value, str],
    owned: Sequence[Value],
    is_condition: bool = False,
) -> Body:
    """Return what emits a body; its params have the names of the operands."""
    start = len(region.params) - len(operands)
    given = {
        param: parent.names[operand]
        for param, operand in zip(region.params[start:], operands, strict=True)
        if operand in parent.names
    }
    bound = {
        param: parent.read(operand)
        for param, operand in zip(region.params[start:], operands, strict=True)
        if operand not in parent.names and param not in names
    }
    given.update(names)
    child = type(parent)(
        parent.context, region, frozenset(owned), given, parent.taken, bound, is_condition
    )
    child.functions.update(parent.functions)
    return child


def _indented(lines: Sequence[str]) -> list[str]:
    return [INDENT + line if line else line for line in lines]


# Loops


def _enter(body: Body, node: Node, first: int, carried: int) -> list[str]:
    """Emit the first values of what a loop carries; return the variables."""
    given = body.lifetimes.given[node]
    variables = []
    for i in range(carried):
        operand, out = node.operands[first + i], node.outs[i]
        if first + i in given or _is_last(body, node, first + i):
            body.names[out] = body.names[operand]
        else:
            text = f"{body.names[out]} = {body.initial(operand)}"
            body.comment(text, node, out)
            bound = bound_to(body.names[out], out.type, None)
            body.did(Statement(text, (bound,), 0, node.origin))
        variables.append(body.names[out])
    return variables


def _is_last(body: Body, node: Node, place: int) -> bool:
    """Whether a number is read here for the last time, so that its variable can be another's."""
    operand = node.operands[place]
    made = body.producer.get(operand)
    if operand.ndim or operand not in body.names or not body.is_number(operand, made):
        return False
    is_once = node.operands.count(operand) == 1
    return is_once and body.last_read(operand) <= body.schedule.position[node]


def _leave(child: Body, variables: Sequence[str]) -> None:
    """Emit the lines that hand the values of a body to variables, and name its sizes."""
    _hand_over(child, variables)
    child.lines[:0] = size_lines(child, ())


def _hand_over(child: Body, variables: Sequence[str]) -> None:
    given: set[Value] = set()
    pairs = []
    for label, output in zip(variables, child.graph.outputs, strict=True):
        text = child.fresh(output, given)
        if text != label:
            pairs.append((label, text, result(child, label, output, text)))
    if not pairs:
        return
    is_mixed = any(_reads(text, label) for label, _, _ in pairs for _, text, _ in pairs)
    if len(pairs) > 1 and is_mixed:
        labels, texts, binds = zip(*pairs, strict=True)
        _line(child, f"{', '.join(labels)} = {', '.join(texts)}", *binds)
        return
    for label, text, bound in pairs:
        _line(child, f"{label} = {text}", bound)


def _line(body: Body, text: str, *binds: Binding) -> None:
    body.lines.append(text)
    body.did(Statement(text, binds))


def _reads(text: str, label: str) -> bool:
    return label in _words(text)


def _words(text: str) -> set[str]:
    return set("".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split())


def _prefer(child: Body, variables: Sequence[str]) -> None:
    outputs = child.graph.outputs
    for label, output in zip(variables, outputs, strict=True):
        if outputs.count(output) == 1:
            child.preferred[output] = label


def _emit_for(body: Body, node: Node) -> None:
    carried, region = node.attrs["carried"], node.attrs["body"]
    bounds = _range_text(body, node)
    variables = _enter(body, node, 3, carried)
    params = region.params[1 : 1 + carried]
    names = dict(zip(params, variables, strict=True))
    child = _child(body, region, node.operands[3:], names, params)
    _prefer(child, variables)
    index = region.params[0]
    if _must_be_typed(region, index):
        child.lines.append(f"{child.names[index]} = np.int64({child.names[index]})")
    child.statements()
    _leave(child, variables)
    body.comment(f"for {child.names[index]} in {bounds}:", node, None)
    body.lines += _indented(child.lines or ["pass"])
    body.did(Loop(bounds, child.steps, _trips(body, node), node.origin))


def _range_text(body: Body, node: Node) -> str:
    start, stop, step = (_bound_text(body, operand) for operand in node.operands[:3])
    parts = [stop] if (start, step) == ("0", "1") else [start, stop, step]
    text = f"range({', '.join(parts[:2] if step == '1' else parts)})"
    return f"reversed({text})" if node.attrs["reverse"] else text


def _trips(body: Body, node: Node) -> Dim | None:
    """Return the number of iterations, where it is known."""
    numbers = [body.number(operand) for operand in node.operands[:3]]
    if all(number is not None for number in numbers):
        return len(range(*map(int, numbers)))
    made = body.producer.get(node.operands[1])
    trips: Dim | None = node.attrs["most"]
    if made is not None and numbers[0] == 0 and numbers[2] == 1:
        trips = made.attrs.get("dim", trips)
    return trips


def _bound_text(body: Body, operand: Value) -> str:
    number = body.number(operand)
    return str(int(number)) if number is not None else expression_text(body.read(operand))


def _must_be_typed(graph: Graph, value: Value) -> bool:
    """Whether a Python int will not do for an index: anything but places and sums of them."""
    if value in graph.outputs:
        return True
    for node in graph.nodes:
        places = [i for i, operand in enumerate(node.operands) if operand is value]
        if not places or node.primitive is cast and node.out.dtype.kind != "b":
            continue
        if "index" in node.attrs and min(places) >= (2 if node.is_store else 1):
            continue
        if node.primitive.regions:
            first = len(node.operands) - len(node.regions[0].params) + ("reverse" in node.attrs)
            inner = [i - first + ("reverse" in node.attrs) for i in places]
            is_invariant = min(places) >= first + node.attrs.get("carried", 0)
            if is_invariant and not any(
                _must_be_typed(region, region.params[i]) for region in node.regions for i in inner
            ):
                continue
            if max(places) < 3 and "reverse" in node.attrs:
                continue
            return True
        if node.primitive in _KEEPS_INTEGERS and not node.out.ndim:
            if not _must_be_typed(graph, node.out):
                continue
        return True
    return False


def _emit_while(body: Body, node: Node) -> None:
    carried, region = node.attrs["carried"], node.attrs["body"]
    variables = _enter(body, node, 0, carried)
    test = node.attrs["condition"]
    names = dict(zip(test.params[:carried], variables, strict=True))
    condition = _child(body, test, node.operands, names, (), is_condition=True)
    condition.statements()
    text = expression_text(condition.read(test.outputs[0]))
    if condition.lines:
        condition.lines += [f"if not {text}:", f"{INDENT}break"]
        condition.did(Statement(f"not ({text})", (), 0, node.origin, exits=True))
        text = "True"
    params = region.params[:carried]
    names = dict(zip(params, variables, strict=True))
    child = _child(body, region, node.operands, names, params)
    _prefer(child, variables)
    child.statements()
    _leave(child, variables)
    body.comment(f"while {text}:", node, None)
    body.lines += _indented([*condition.lines, *child.lines] or ["pass"])
    body.did(Loop(text, [*condition.steps, *child.steps], None, node.origin))


# Branches and blocks


def _emit_cond(body: Body, node: Node) -> None:
    test = expression_text(body.read(node.operands[0]))
    operands = node.operands[1:]
    given = {i - 1 for i in body.lifetimes.given[node]}
    variables = [body.names[out] for out in node.outs]
    children = []
    for region in node.regions:
        owned = [param for i, param in enumerate(region.params) if i in given]
        child = _child(body, region, operands, {}, owned)
        _prefer(child, variables)
        child.statements()
        children.append(child)
    for i, out in enumerate(node.outs):  # stored to in place, or left alone, on both sides
        labels = {_label_of(child, child.graph.outputs[i]) for child in children}
        (label, *others) = labels
        is_given = any(body.names.get(operands[j]) == label for j in given)
        if not others and label is not None and is_given:
            variables[i] = body.names[out] = label
    for child in children:
        _leave(child, variables)
    first, second = (child.lines for child in children)
    body.comment(f"if {test}:", node, None)
    body.lines += _indented(first or ["pass"])
    if second:
        body.lines += ["else:", *_indented(second)]
    body.did(Branch(test, children[0].steps, children[1].steps, node.origin))


def _label_of(child: Body, output: Value) -> str | None:
    is_own = child.lifetimes.root.get(output, output) is output
    return child.names.get(output) if is_own and output in child.lifetimes.owned else None


def _emit_block(body: Body, node: Node) -> None:
    region = node.attrs["body"]
    child = _child(body, region, (), {}, ())
    child.statements()
    results = child.results()
    child.lines[:0] = size_lines(child, results)
    params = ", ".join(child.names[param] for param in region.params)
    plain = (line for line in child.lines if not line.lstrip().startswith("del "))
    key = (node.attrs["name"], params, *plain, *results)
    if key not in body.functions:
        label = body.context.unused(node.attrs["name"])
        body.comment(f"def {label}({params}):", node, None)
        body.lines += _indented([*child.lines, f"return {', '.join(results)}", ""])
        body.functions[key] = label, child.steps
    label, steps = body.functions[key]
    given = []
    for param, operand in zip(region.params, node.operands, strict=True):
        given.append(bound_to(child.names[param], param.type, holder(body, operand)))
    operands = ", ".join(expression_text(body.read(operand)) for operand in node.operands)
    targets = ", ".join(body.names[out] for out in node.outs)
    text = f"{targets} = {label}({operands})" if targets else f"{label}({operands})"
    body.comment(text, node, None)
    names = tuple(body.names[out] for out in node.outs)
    bound, texts = returned(child, results), ", ".join(results)
    body.did(Call(text, tuple(given), steps, bound, texts, names, node.origin))


Frame = Callable[[Any, Node], None]

FRAMES: dict[Primitive, Frame] = {
    for_loop: _emit_for,
    while_loop: _emit_while,
    cond: _emit_cond,
    block: _emit_block,
}
