/* Moments that are waited for, the next one first: a binary heap. Whoever waits has a `struct timer` in it. */
#ifndef TIMERS_H
#define TIMERS_H

#include "measure.h"

struct timer {
    int64_t due;
    int place; /* in the heap; -1 when nothing is waited for */
};

static struct timer **heap;
static int waiting, heap_room;

static void put(struct timer *timer, int place)
{
    heap[place] = timer;
    timer->place = place;
}

static void sift_up(struct timer *timer, int place)
{
    for (int above; place && heap[above = (place - 1) / 2]->due > timer->due; place = above)
        put(heap[above], place);
    put(timer, place);
}

static void sift_down(struct timer *timer, int place)
{
    for (int below; (below = 2 * place + 1) < waiting; place = below) {
        if (below + 1 < waiting && heap[below + 1]->due < heap[below]->due)
            below++;
        if (heap[below]->due >= timer->due)
            break;
        put(heap[below], place);
    }
    put(timer, place);
}

static void wait_until(struct timer *timer, int64_t due)
{
    if (waiting == heap_room) {
        heap_room = heap_room ? 2 * heap_room : 1024;
        heap = must(realloc(heap, heap_room * sizeof *heap));
    }
    timer->due = due;
    sift_up(timer, waiting++);
}

static void wait_no_more(struct timer *timer)
{
    int place = timer->place;
    if (place < 0)
        return;
    timer->place = -1;
    struct timer *last = heap[--waiting];
    if (last == timer)
        return;
    if (place && heap[(place - 1) / 2]->due > last->due)
        sift_up(last, place);
    else
        sift_down(last, place);
}

/* Whoever is due by now, and waits no more; NULL when nobody is. */
static struct timer *take_due(int64_t now)
{
    if (!waiting || heap[0]->due > now)
        return NULL;
    struct timer *first = heap[0];
    wait_no_more(first);
    return first;
}

#endif
