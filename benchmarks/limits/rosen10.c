/* Rosenbrock's valley. */

#include "limit.h"

enum { N = x_0 };

void value_and_gradient(const double *const *in, double *const *out)
{
    const double *restrict x = in[0];
    double *restrict ct = out[1], bend[N - 1], sum = 0;
    for (int i = 0; i < N - 1; i++) {
        double shortfall = 1 - x[i];
        bend[i] = x[i + 1] - x[i] * x[i];
        sum += 100 * bend[i] * bend[i] + shortfall * shortfall;
        ct[i] = -400 * bend[i] * x[i] - 2 * shortfall;
    }
    ct[N - 1] = 0;
    for (int i = 0; i < N - 1; i++)
        ct[i + 1] += 200 * bend[i];
    *out[0] = sum;
}
