/* Calls a kernel with arrays that are allocated to the byte: by one thread, then by several.
   What native code asks of Python is here: memory, and errors. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

int32_t kernel(POINTERS);
void gradc_pool_reset(void);
void gradc_pool_resize(int64_t size);
void gradc_pool_patience(int64_t pauses);

void *PyExc_IndexError, *PyExc_MemoryError, *PyExc_ValueError;

int32_t PyGILState_Ensure(void) { return 0; }
void PyGILState_Release(int32_t state) { (void)state; }
int32_t PyErr_CheckSignals(void) { return 0; }
void *PyErr_NoMemory(void) { return NULL; }
void *PyErr_Format(void *kind, const char *text, ...) { (void)kind; fprintf(stderr, "raises: %s\n", text); return 0; }
void *PyMem_RawMalloc(size_t size) { return malloc(size); }
void *PyMem_RawCalloc(size_t count, size_t size) { return calloc(count, size); }
void *PyMem_RawRealloc(void *memory, size_t size) { return realloc(memory, size); }
void PyMem_RawFree(void *memory) { free(memory); }

static const size_t sizes[] = SIZES;

static int run(int64_t threads, const unsigned char *given, FILE *file)
{
    void *arrays[INPUTS + OUTPUTS + 1], *workspace = NULL;
    int status;

    gradc_pool_resize(threads);
    for (int i = 0; i < INPUTS + OUTPUTS; i++) {
        arrays[i] = malloc(sizes[i] > WITHHELD ? sizes[i] - WITHHELD : 0);
        if (i < INPUTS) {
            memcpy(arrays[i], given, sizes[i] > WITHHELD ? sizes[i] - WITHHELD : 0);
            given += sizes[i];
        }
    }
    if (WORKSPACE && posix_memalign(&workspace, 64, WORKSPACE))
        return 2;
    status = kernel(ARGUMENTS);
    /* Valgrind tells if a byte was not written. */
    for (int i = INPUTS; i < INPUTS + OUTPUTS; i++)
        fwrite(arrays[i], 1, sizes[i], file);
    for (int i = 0; i < INPUTS + OUTPUTS; i++)
        free(arrays[i]);
    free(workspace);
    return status;
}

int main(void)
{
    size_t total = 0;
    unsigned char *given;
    FILE *file;
    int status = 0;

    for (int i = 0; i < INPUTS; i++)
        total += sizes[i];
    given = malloc(total + 1);
    file = fopen("inputs", "rb");
    if (!file || fread(given, 1, total, file) != total)
        return 3;
    fclose(file);
    gradc_pool_reset();
    gradc_pool_patience(50);
    for (int64_t threads = 1; threads <= THREADS && !status; threads += THREADS - 1) {
        file = fopen("outputs", "wb");
        status = run(threads, given, file);
        fclose(file);
    }
    gradc_pool_resize(1); /* its threads end */
    free(given);
    return status;
}
