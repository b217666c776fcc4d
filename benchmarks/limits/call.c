/* sum(x * x) */

#include "limit.h"

void value_and_gradient(const double *const *in, double *const *out)
{
    const double *restrict x = in[0];
    double *restrict ct = out[1], sum = 0;
    for (int i = 0; i < x_0; i++) {
        sum += x[i] * x[i];
        ct[i] = 2 * x[i];
    }
    *out[0] = sum;
}
