/* The sum of option prices: one pass, each of its functions worked out once. */

#include <math.h>

#include "limit.h"

enum { N = spot_0 };

static const double ROOT_OF_HALF = 0.70710678118654752440;
static const double PEAK = 0.39894228040143267794; /* of the normal density: 1 / sqrt(2 pi) */

void value_and_gradient(const double *const *in, double *const *out)
{
    const double *restrict spot = in[0], *restrict volatility = in[1];
    const double *restrict strike = in[2], *restrict years = in[3], rate = *in[4];
    double *restrict by_spot = out[1], *restrict by_volatility = out[2], sum = 0;

#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < N; i++) {
        double s = spot[i], v = volatility[i], k = strike[i], t = years[i];
        double root = sqrt(t), spread = v * root;
        double d1 = (log(s / k) + (rate + v * v / 2) * t) / spread, d2 = d1 - spread;
        double discounted = k * exp(-rate * t);
        double cdf1 = 0.5 + 0.5 * erf(d1 * ROOT_OF_HALF), cdf2 = 0.5 + 0.5 * erf(d2 * ROOT_OF_HALF);
        double by_d1 = s * PEAK * exp(-0.5 * d1 * d1);
        double by_d2 = -discounted * PEAK * exp(-0.5 * d2 * d2);
        double by_numerator = (by_d1 + by_d2) / spread;
        sum += s * cdf1 - discounted * cdf2;
        by_spot[i] = by_numerator / s + cdf1;
        by_volatility[i] = by_numerator * (v * t - d1 * root) - by_d2 * root;
    }
    *out[0] = sum;
}
