/* What the tools share: the clock, growing arrays, percentiles, JSON. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1e6

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline void *must(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Times in nanoseconds, in the order of their measurement. */
struct samples {
    int64_t *values;
    size_t count, room;
};

static inline void add_sample(struct samples *s, int64_t value)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 4096;
        s->values = must(realloc(s->values, s->room * sizeof *s->values));
    }
    s->values[s->count++] = value;
}

static inline int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static inline double percentile_ms(const struct samples *sorted, double share)
{
    return sorted->count ? sorted->values[(size_t)((sorted->count - 1) * share)] / NS_PER_MS : 0.0;
}

/* "name": {"p50": 1.000, "p99": 2.000, "max": 3.000}, in milliseconds; sorts the samples. */
static inline void print_percentiles(const char *name, struct samples *s)
{
    if (s->count)
        qsort(s->values, s->count, sizeof *s->values, by_value);
    printf("\"%s\": {\"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}", name, percentile_ms(s, 0.5),
           percentile_ms(s, 0.99), percentile_ms(s, 1.0));
}

#endif
