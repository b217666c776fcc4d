"""Text with values of the arguments in it, and checks of them: both are for each call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from .. import fence
from ..active import current_trace
from ..callbacks import debug_callback
from ..concrete import plain
from ..outside import LooksOutside
from ..source import user_line
from ..tracer import Tracer

_CONVERSIONS: dict[int, Callable[[Any], str]] = {115: str, 114: repr, 97: ascii}  # !s, !r, !a
Template = Callable[[Iterator[Any]], Any]


class Text(str):
    """Text that is known at each call only: it can be joined, printed, and be an error's message.

    Attributes:
        held: The traced values in it.
        make: Gives the text for an iterator over what these are.
    """

    held: tuple[Tracer, ...]
    make: Template

    def __add__(self, other: str) -> str:
        return later((self, other), "".join)

    def __radd__(self, other: str) -> str:
        return later((other, self), "".join)

    def __mul__(self, count: Any) -> str:
        return later((self,) * int(count), "".join)

    __rmul__ = __mul__

    def _read(self, *args: object, **kwargs: object) -> NoReturn:
        raise fence.text_read()

    for _name in vars(str):
        if not _name.startswith("__"):
            locals()[_name] = _read
    __len__ = __iter__ = __contains__ = __getitem__ = __mod__ = _read
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _read


def later(
    value: Any, write: Callable[[Any], str], sketch: str = "<text with values of each call>"
) -> str:
    """Return the text that ``write`` makes of a value at each call.

    Args:
        value: Something with traced values or texts in it.
        write: Makes the text of it.
        sketch: What it looks like while capturing.
    """
    held: list[Tracer] = []
    template = _template(plain(value), held)
    text = Text(sketch)
    text.held = tuple(held)
    text.make = lambda found: write(template(found))
    return text


def varies(value: Any) -> bool:
    """Whether something in a value is for each call."""
    if isinstance(value, Text):
        return True
    if isinstance(value, list | tuple):
        return any(map(varies, value))
    return type(value) is Tracer and value.array is None and value.known is None


def written(*parts: Any) -> str:
    """Return what the f-string of these parts gives: texts, and (value, conversion, layout)."""
    if current_trace() is None or not varies(parts):
        return _joined(parts)
    sketch = "".join([str(part[0]) if varies(part) else _joined([part]) for part in parts])
    return later(parts, _joined, sketch)


def _joined(parts: Any) -> str:
    return "".join([part if isinstance(part, str) else _shown(*part) for part in parts])


def _shown(value: Any, conversion: int, layout: str) -> str:
    if conversion in _CONVERSIONS:
        value = _CONVERSIONS[conversion](value)
    return format(value, layout)


def printed(*values: Any, **options: Any) -> None:
    """Do what ``print`` does, at each call."""
    trace = current_trace()
    if trace is not None and trace.outside.is_strict:
        raise LooksOutside("print")
    do_later(values, lambda found: print(*found, **options))


def warned(message: Any, category: Any = None, stacklevel: int = 1, **options: Any) -> None:
    """Do what ``warnings.warn`` does, at each call, in the name of the user's line."""
    trace = current_trace()
    if trace is not None and trace.outside.is_strict:
        raise LooksOutside("warn")
    line = user_line()
    file, number = (line.file, line.line) if line else ("<unknown>", 0)
    kind = category or UserWarning

    def warn(found: Any) -> None:
        warnings.warn_explicit(found, kind, file, number)

    do_later(message, warn)


def checked(test: Any, message: Callable[[], Any]) -> None:
    """Do what ``assert test, message`` does; at each call where the test depends on it.

    Raises:
        AssertionError: The test is false.
    """
    if current_trace() is None or type(test) is not Tracer or test.known or test.array is not None:
        if not test:
            _fail((test, message()))
        return
    do_later((test, message()), _fail)


def refused(test: Any, error: Callable[[], Any]) -> None:
    """Do what ``if test: raise error`` does; at each call where the test depends on it."""
    if current_trace() is None or type(test) is not Tracer or test.known or test.array is not None:
        if test:
            raise error()
        return
    told = error()
    kind, given = (told, ()) if isinstance(told, type) else (type(told), told.args)

    def check(found: tuple[Any, Any]) -> None:
        if found[0]:
            raise kind(*found[1])

    do_later((test, given), check)


def _fail(found: tuple[Any, Any]) -> None:
    holds, told = found
    if not holds:
        raise AssertionError(*(() if told is None else (told,)))


def do_later(value: Any, function: Callable[[Any], None]) -> None:
    """Call a function with a value, at each call, with what its traced parts are then."""
    held: list[Tracer] = []
    template = _template(plain(value), held)

    def do(*arrays: Any) -> None:
        found = iter([_as_made(one, array) for one, array in zip(held, arrays, strict=True)])
        function(template(found))

    debug_callback(do, *held)


def _template(value: Any, held: list[Tracer]) -> Template:
    """Return what makes a value again from the values of the tracers in it, which are kept."""
    if isinstance(value, Tracer):
        held.append(value)
        return next
    if isinstance(value, Text):
        held.extend(value.held)
        return value.make
    if type(value) in (tuple, list):
        children = [_template(child, held) for child in value]
        return lambda found: type(value)([child(found) for child in children])
    if type(value) is dict:
        pairs = [(key, _template(child, held)) for key, child in value.items()]
        return lambda found: {key: child(found) for key, child in pairs}
    return lambda found: value


def _as_made(tracer: Tracer, array: Any) -> Any:
    """Return an array as what NumPy would have in place of a tracer."""
    if tracer.weak:
        return array.item()
    return array[()] if tracer.scalar else array
