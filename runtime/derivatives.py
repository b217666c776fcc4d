"""The derivatives of a compiled function, as users ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, ParamSpec, TypeVar

from .tangents import check_primals

P = ParamSpec("P")
R = TypeVar("R")


class Derivatives(Generic[P, R]):
    """What compiled functions and compiled methods have in common."""

    def derive(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Compute in a mode.

        Args:
            mode: What is asked for: "value", "vjp", "jvp" and so on.
            args: Positional arguments of the function.
            kwargs: Its other arguments.
            given: The tangents, where the mode takes some.
        """
        raise NotImplementedError

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns.

        ``out=``, which ``value_and_grad`` and ``grad`` take too, has arrays for the results, in
        their structure, or None for what is to be made: results are written there, and returned.
        These arrays lie row by row and share no memory with each other; all is checked before
        anything is written. A function that has a parameter ``out`` gets it itself.

        Raises:
            GradcError: ``out`` does not fit.
            CaptureError: The function does what cannot be captured, or an array that it changes is
                read-only or shares memory with another input.
        """
        result: R = self.derive("value", args, kwargs)
        return result

    def value_and_grad(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, Any]:
        """Return ``(value, gradient)``, computed by one program.

        The gradient has the structure of what ``wrt`` names: one array for one array, a tuple for a
        tuple, and containers as the argument has them. With ``has_aux``, ``((value, aux),
        gradient)``.

        Raises:
            DerivativeError: The function does not return one floating-point scalar, or an argument
                in ``wrt`` is not floating-point.
        """
        result: tuple[R, Any] = self.derive("value_and_grad", args, kwargs)
        return result

    def grad(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the gradient alone, or ``(gradient, aux)`` with ``has_aux``.

        Raises:
            DerivativeError: As for ``value_and_grad``.
        """
        return self.derive("grad", args, kwargs)

    def vjp(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, ...]:
        """Return the value now, and the function that pulls cotangents back.

        ``out, pullback = f.vjp(x)``; ``pullback(ct)``, with a cotangent for each floating-point
        array in ``out``, in its structure (None will do for what is not floating-point), gives the
        gradient in the structure of ``wrt``. It may be called many times. With ``has_aux``,
        ``(out, pullback, aux)``.

        Raises:
            DerivativeError: An argument in ``wrt`` is not floating-point.
        """
        result: tuple[Any, ...] = self.derive("vjp", args, kwargs)
        return result

    def jvp(self, primals: Sequence[Any], tangents: Any) -> tuple[Any, ...]:
        """Return ``(value, tangent)``: how the value changes along a direction (forward mode).

        Costs about two values, whatever the number of arguments; one gradient of many numbers is
        better left to ``grad``, many outputs of few numbers to this. Hooks are not called.

        Args:
            primals: The positional arguments, in a tuple.
            tangents: The direction, in the structure of what ``grad`` returns: one array for one
                array, a tuple for a tuple, and containers as the argument has them (None will do
                for what is not floating-point).

        Returns:
            The value, and its tangent in the same structure, with zeros for what is not
            floating-point. With ``has_aux``, ``(value, tangent, aux)``.

        Raises:
            DerivativeError: An argument in ``wrt`` is not floating-point, or what is computed has
                no derivative.
            TypeRuleError: The tangents do not fit the arguments.

        Example:
            >>> from gradc import compile_grad
            >>> f = compile_grad(lambda x: x**3)
            >>> tuple(map(float, f.jvp((2.0,), 1.0)))
            (8.0, 12.0)
        """
        check_primals(primals)
        result: tuple[Any, ...] = self.derive("jvp", primals, {}, (tangents,))
        return result

    def linearize(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, ...]:
        """Return the value now, and the function that pushes tangents forward.

        ``out, push = f.linearize(x)``; ``push(tangents)``, as ``jvp`` takes them, gives the tangent
        of ``out``. What does not depend on the tangents is computed once. With ``has_aux``,
        ``(out, push, aux)``.

        Raises:
            DerivativeError: As for ``jvp``.

        Example:
            >>> from gradc import compile_grad
            >>> f = compile_grad(lambda x: x**3)
            >>> out, push = f.linearize(2.0)
            >>> float(push(1.0)), float(push(-0.5))
            (12.0, -6.0)
        """
        result: tuple[Any, ...] = self.derive("linearize", args, kwargs)
        return result

    def hvp(self, primals: Sequence[Any], vector: Any) -> Any:
        """Return the Hessian times a vector: the tangent of the gradient, by one program.

        Args:
            primals: The positional arguments, in a tuple.
            vector: In the structure of the gradient, as the tangents of ``jvp``.

        Returns:
            The product, in the structure of the gradient; ``(product, aux)`` with ``has_aux``.

        Raises:
            DerivativeError: As for ``value_and_grad``.
            TypeRuleError: The vector does not fit the arguments.

        Example:
            >>> import numpy as np
            >>> from gradc import compile_grad
            >>> f = compile_grad(lambda x: np.sum(x**3))
            >>> f.hvp((np.array([1.0, 2.0]),), np.array([1.0, 1.0]))
            array([ 6., 12.])
        """
        check_primals(primals)
        return self.derive("hvp", primals, {}, (vector,))

    def jacobian(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the derivatives of all outputs by all that ``wrt`` names.

        By forward or by reverse mode, whichever takes fewer steps; ``jacfwd`` and ``jacrev`` say
        which. Products of a matrix with the directions stay products of matrices.

        Returns:
            For an array of shape ``s`` by one of shape ``t`` an array of shape ``(*s, *t)``; in the
            structure of the output, and in it in the structure of the gradient. Of outputs that are
            not floating-point there is None. With ``has_aux``, ``(jacobian, aux)``.

        Raises:
            DerivativeError: Nothing floating-point is returned, or an argument in ``wrt`` is not.

        Example:
            >>> import numpy as np
            >>> from gradc import compile_grad
            >>> f = compile_grad(lambda x: x[:2] * x[2])
            >>> f.jacobian(np.array([1.0, 2.0, 3.0]))
            array([[3., 0., 1.],
                   [0., 3., 2.]])
        """
        return self.derive("jacobian", args, kwargs)

    def jacrev(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the Jacobian by reverse mode: a step for each output number; see ``jacobian``."""
        return self.derive("jacrev", args, kwargs)

    def jacfwd(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the Jacobian by forward mode: a step for each input number; see ``jacobian``."""
        return self.derive("jacfwd", args, kwargs)

    def hessian(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the second derivatives, by forward over reverse mode.

        Returns:
            Of a scalar by one array of shape ``t`` an array of shape ``(*t, *t)``; by a tuple or a
            container, the gradient's structure, with the gradient's structure in it. With
            ``has_aux``, ``(hessian, aux)``. Outputs may be arrays too, as for ``jacobian``.

        Raises:
            DerivativeError: As for ``jacobian``.

        Example:
            >>> import numpy as np
            >>> from gradc import compile_grad
            >>> f = compile_grad(lambda x: x[0] ** 2 * x[1])
            >>> f.hessian(np.array([1.0, 2.0]))
            array([[4., 2.],
                   [2., 0.]])
        """
        return self.derive("hessian", args, kwargs)
