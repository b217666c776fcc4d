/* Calls a program so many times. A file of its own: no compiler sees that all calls do the same. */

#include <stdint.h>

#include "limit.h"

void repeat_limit(long calls, const double *const *in, double *const *out)
{
    while (calls-- > 0)
        value_and_gradient(in, out);
}

/* A program of gradc that takes one array and gives two; see `Lowered.cffi_decl`. */
int32_t repeat_program(long calls, int32_t (*program)(const double *, double *, double *),
                       const double *const *in, double *const *out)
{
    int32_t status = 0;
    while (calls-- > 0)
        status |= program(in[0], out[0], out[1]);
    return status;
}
