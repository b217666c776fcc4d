/* Logistic regression with an L2 penalty. */

#include <math.h>

#include "limit.h"

enum { N = X_0, D = X_1 };

void value_and_gradient(const double *const *in, double *const *out)
{
    const double *restrict w = in[0], *restrict X = in[1], *restrict sign = in[2];
    const double penalty = *in[3];
    double *restrict ct = out[1], slope[N], sum = 0, squares = 0;

    for (int i = 0; i < N; i++) {
        double product = 0;
        for (int k = 0; k < D; k++)
            product += X[i * D + k] * w[k];
        slope[i] = sign[i] * product; /* the margin, for now */
    }
    for (int i = 0; i < N; i++) {
        double margin = slope[i], decay = exp(-fabs(margin));
        sum += log1p(decay) - fmin(margin, 0);
        slope[i] = -sign[i] / N * (margin > 0 ? decay : 1) / (1 + decay);
    }
    for (int k = 0; k < D; k++) {
        squares += w[k] * w[k];
        ct[k] = penalty * w[k];
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < D; k++)
            ct[k] += slope[i] * X[i * D + k];
    *out[0] = sum / N + penalty / 2 * squares;
}
