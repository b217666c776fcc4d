"""Long calls that Ctrl-C ends. Run as a script: ``python signal_jobs.py NAME``.

It prints what part of a call's time had passed between the signal and its end.
"""

import os
import signal
import sys
import threading
import time

import numpy as np

from gradc import compile_grad, fori_loop, while_loop


def straight(x):
    for k in range(30):
        x = np.cumsum(np.sin(x) * (1.0 + k * 0.01))
        x = x / np.max(x)
    return np.sum(x)


def products(x):
    for _ in range(20):
        x = np.tanh(x @ x) * 0.1
    return np.sum(x)


def counted(x):
    return np.sum(fori_loop(0, 100_000_000, lambda i, s: np.sin(s) + x, x))


def endless(x):
    return np.sum(while_loop(lambda s: np.sum(s) > -1.0, lambda s: np.abs(np.sin(s)), x))


ARGUMENTS = {
    straight: np.linspace(0.0, 1.0, 4_000_000),
    products: np.random.default_rng(0).normal(size=(1200, 1200)),
    counted: np.linspace(0.0, 1.0, 1000),
    endless: np.linspace(0.0, 1.0, 1000),
}
ENDS = (straight, products)


def main(name, mode):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    function = next(one for one in ARGUMENTS if one.__name__ == name)
    argument = ARGUMENTS[function]
    compiled = compile_grad(function, backend="llvm")
    run = getattr(compiled, mode)
    whole = 60.0
    if function in ENDS:
        run(argument)
        started = time.perf_counter()
        run(argument)
        whole = time.perf_counter() - started
    else:
        compiled.inspect(argument, what="asm")
    sent = []

    def send():
        time.sleep(min(0.3, 0.2 * whole))
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    shares = []
    for _ in range(2):  # the program runs on after an interrupted call
        sender = threading.Thread(target=send)
        sender.start()
        try:
            run(argument)
        except KeyboardInterrupt:
            shares.append((time.perf_counter() - sent.pop()) / whole)
        sender.join()
    if function in ENDS:
        run(argument)
    print(shares)


if __name__ == "__main__":
    main(*sys.argv[1:])
