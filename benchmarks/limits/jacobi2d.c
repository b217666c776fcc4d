/* Jacobi's method on a grid. The sweeps are linear: nothing of them is kept. */

#include <string.h>

#include "limit.h"

enum { N = a_0, M = a_1, STEPS = 100 };

static double first[N][M], second[N][M];
static double framed[N + 2][M + 2]; /* an inner gradient; its frame stays zero */

static void average_into(double (*restrict to)[M], const double (*restrict from)[M])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < M - 1; j++)
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i + 1][j] +
                              from[i - 1][j]);
}

/* Hands the gradient by the inner points of one grid, which were overwritten, to the other one. */
static void spread(double (*restrict ct_to)[M], double (*restrict ct_from)[M])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < M - 1; j++) {
            framed[i + 1][j + 1] = 0.2 * ct_to[i][j];
            ct_to[i][j] = 0;
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < M; j++)
            ct_from[i][j] += framed[i + 1][j + 1] + framed[i + 1][j] + framed[i + 1][j + 2] +
                             framed[i][j + 1] + framed[i + 2][j + 1];
}

void value_and_gradient(const double *const *in, double *const *out)
{
    const double *restrict weights = in[2];
    double(*ct_a)[M] = (double(*)[M])out[1], (*ct_b)[M] = (double(*)[M])out[2], sum = 0;

    memcpy(first, in[0], sizeof first);
    memcpy(second, in[1], sizeof second);
    for (int step = 0; step < STEPS; step++) {
        average_into(second, first);
        average_into(first, second);
    }
    for (int i = 0; i < N * M; i++)
        sum += weights[i] * first[0][i];
    *out[0] = sum;

    memcpy(ct_a, weights, sizeof first);
    memset(ct_b, 0, sizeof second);
    for (int step = 0; step < STEPS; step++) {
        spread(ct_a, ct_b);
        spread(ct_b, ct_a);
    }
}
