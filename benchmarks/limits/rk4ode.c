/* Predators and prey by the classical Runge-Kutta method; the points of each step are kept. */

#include "limit.h"

enum { STEPS = 1000 };

static const double STEP = 0.01, HALF = 0.005, SIXTH = 0.01 / 6;

typedef struct {
    double x, y;
} Pair;

static Pair seen[STEPS][4];

static inline Pair slopes(Pair at, const double *p)
{
    return (Pair){p[0] * at.x - p[1] * at.x * at.y, p[2] * at.x * at.y - p[3] * at.y};
}

static inline Pair moved(Pair from, double step, Pair slope)
{
    return (Pair){from.x + step * slope.x, from.y + step * slope.y};
}

/* The gradient by `at` of `ct` times the slopes there; adds that by `p`. */
static inline Pair pull(Pair ct, Pair at, const double *p, double *ct_p)
{
    double both = at.x * at.y;
    ct_p[0] += ct.x * at.x;
    ct_p[1] -= ct.x * both;
    ct_p[2] += ct.y * both;
    ct_p[3] -= ct.y * at.y;
    return (Pair){ct.x * (p[0] - p[1] * at.y) + ct.y * p[2] * at.y,
                  ct.y * (p[2] * at.x - p[3]) - ct.x * p[1] * at.x};
}

void value_and_gradient(const double *const *in, double *const *out)
{
    const double p[4] = {in[0][0], in[0][1], in[0][2], in[0][3]};
    double ct_p[4] = {0, 0, 0, 0};
    Pair at = {in[1][0], in[1][1]}, ct = {in[2][0], in[2][1]};

    for (int step = 0; step < STEPS; step++) {
        Pair *points = seen[step];
        points[0] = at;
        Pair a = slopes(at, p);
        points[1] = moved(at, HALF, a);
        Pair b = slopes(points[1], p);
        points[2] = moved(at, HALF, b);
        Pair c = slopes(points[2], p);
        points[3] = moved(at, STEP, c);
        Pair d = slopes(points[3], p);
        at.x += SIXTH * (a.x + 2 * (b.x + c.x) + d.x);
        at.y += SIXTH * (a.y + 2 * (b.y + c.y) + d.y);
    }
    *out[0] = ct.x * at.x + ct.y * at.y;

    for (int step = STEPS - 1; step >= 0; step--) {
        const Pair *points = seen[step];
        Pair slope = {SIXTH * ct.x, SIXTH * ct.y}, twice = {2 * slope.x, 2 * slope.y};
        Pair d = pull(slope, points[3], p, ct_p);
        Pair c = pull(moved(twice, STEP, d), points[2], p, ct_p);
        Pair b = pull(moved(twice, HALF, c), points[1], p, ct_p);
        Pair a = pull(moved(slope, HALF, b), points[0], p, ct_p);
        ct.x += a.x + b.x + c.x + d.x;
        ct.y += a.y + b.y + c.y + d.y;
    }
    for (int i = 0; i < 4; i++)
        out[1][i] = ct_p[i];
}
