"""Each generated module runs alone: with NumPy, without gradc, in a process of its own."""

import json
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradc.compiler.frontend.tree import flatten, unflatten

from gradc import compile_grad, spec

from . import alone
from .programs import BY_NAME, FAMILIES, PROGRAMS
from .references import tree_leaves

# A call-back is a parameter. These stand in for those of the zoo: most hooks hand the gradient on
# as it is, `replacing_callback` replaces it by its signs.
STAND_INS = {"replacing_callback": "lambda g: np.where(g > 0, 1.0, -1.0)"}
HAND_ON = "lambda *values: values[0]"


def flat_arguments(program, args):
    """Return the arrays and numbers among the arguments, in order; all else is in the code."""
    leaves = []

    def walk(item):
        if isinstance(item, np.ndarray | np.generic) or type(item) in (int, float):
            leaves.append(item)
        elif isinstance(item, dict):
            for value in item.values():
                walk(value)
        elif isinstance(item, tuple | list):
            for value in item:
                walk(value)
        elif hasattr(item, "__dataclass_fields__"):
            walk(list(vars(item).values()))

    code = program.fn.__code__
    names = code.co_varnames[: code.co_argcount]
    for name, arg in zip(names, args, strict=True):
        if name not in program.static_argnames:
            walk(arg)
    return leaves


def write(program, folder):
    """Write the module of a program, and what it must return for which arguments."""
    args = program.args()
    compiled = compile_grad(program.fn, **program.options)
    lowered = compiled.lower(*args)
    path = lowered.save(folder / f"{program.name}.py")
    if program.scalar:
        outputs, gradient = compiled.value_and_grad(*args)
        expected = [*tree_leaves(outputs), *tree_leaves(gradient)]
    else:
        expected = tree_leaves(compiled.vjp(*args)[0])
    callbacks = {label: STAND_INS.get(program.name, HAND_ON) for label in lowered.callbacks}
    write_job(path, flat_arguments(program, args), expected, callbacks)
    if not program.scalar:
        write_pullback(program, path)


def write_job(path, leaves, expected, callbacks):
    """Write what a module is called with, and what it must return."""
    lines = path.read_text("utf-8").splitlines()
    named = [line[4 : line.index("(")] for line in lines if line.startswith("def ")]
    function = next(name for name in named if not name.startswith("_"))
    job = {
        "function": function,
        "leaves": leaves,
        "callbacks": callbacks,
        "expected": expected,
    }
    path.with_suffix(".pickle").write_bytes(pickle.dumps(job))


def write_pullback(program, forward):
    """Write the backward module of a program: it takes what the forward module has saved."""
    args = program.args()
    compiled = compile_grad(program.fn, **program.options)
    output, pullback = compiled.vjp(*args)[:2]
    path = compiled.lower(*args).save(forward.with_stem(f"{forward.stem}_pullback"), "pullback")
    function = runpy.run_path(str(forward))[f"{program.name}_forward"]
    saved = function(*flat_arguments(program, args))[len(tree_leaves(output)) :]
    leaves = []
    tree = flatten(output, "output", leaves, [])
    cts = [np.linspace(1.0, 2.0, np.size(one)).reshape(np.shape(one)) for one in leaves]
    cts = [ct.astype(np.asarray(one).dtype)[()] for ct, one in zip(cts, leaves, strict=True)]
    expected = tree_leaves(pullback(unflatten(tree, cts)))
    floats = [ct for ct in cts if ct.dtype.kind == "f"]
    write_job(path, [*saved, *floats], expected, {})


@pytest.mark.parametrize("family", [one.__name__.rpartition(".")[2] for one in FAMILIES])
def test_modules_run_alone(family, tmp_path, capsys):
    for program in PROGRAMS:
        if program.family == family:
            write(program, tmp_path)
    site = Path(np.__file__).parents[1]
    command = [sys.executable, "-I", "-S", alone.__file__, str(tmp_path), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert not report, "\n".join(f"{name}:\n{error}" for name, error in report.items())
    assert len(list(tmp_path.glob("*.pickle"))) > 5


# Programs that work for any length of these arguments.
OPEN = {
    "black_scholes": (0, 1, 3),
    "gaussian_mixture": (3,),
    "heat_in_place": (0,),
    "layer_norm": (0,),
    "logistic_regression": (2, 3),
    "log_sum_exp": (0,),
    "poisson_regression": (1, 2),
    "rosenbrock": (0,),
    "smooth_chain": (0,),
}


@pytest.mark.parametrize("name", OPEN)
def test_one_module_serves_any_length(name, tmp_path):
    """Compiled for a length `n` that is not known, run at two lengths."""
    program = BY_NAME[name]
    compiled = compile_grad(program.fn, **program.options)
    args = list(program.args())
    patterns = list(args)
    for position in OPEN[name]:
        rest = "".join(f",{extent}" for extent in args[position].shape[1:])
        patterns[position] = spec(f"{args[position].dtype.str[1:]}[n{rest}]")
    path = compiled.lower(*patterns).save(tmp_path / "any_length.py")
    function = runpy.run_path(str(path))[f"{name}_value_and_grad"]
    for length in (4, 13):
        for position in OPEN[name]:
            args[position] = np.resize(args[position], (length, *args[position].shape[1:]))
        value, gradient = compiled.value_and_grad(*args)
        results = function(*flat_arguments(program, args))
        # The code for a known length may be simpler: some roundings of difference.
        for got, expected in zip(results, [value, *tree_leaves(gradient)], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)
