/* What a limit is: value and gradient of one workload, written by hand, for the sizes of one run.

The sizes come as macros: X_0 is the length of the first axis of the argument X. */

/* Arguments and results in the order of Python's; a number is an array of length 1. */
void value_and_gradient(const double *const *in, double *const *out);
