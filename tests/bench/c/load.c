/* Callers of a gateway whose provider is `upstream`: each asks for a streamed chat, again and again.

   load PORT PATH CALLERS SECONDS DELTAS [MODEL [HEADER]]

   Reads answers in any framing: looks for the stamps `tNNN ` alone, and for the end that HTTP gives. Prints one
   JSON object: requests and deltas a second; requests that were done, and what was wrong with others; and as
   p50, p99 and max in milliseconds

   first   from the request to the first byte of the body       total   to the end of the answer
   delta   how long each delta was under way                    gap     between two arrivals in one answer

   `stalls` counts gaps over 200 ms. One thread, epoll, keep-alive, closed model: a caller asks again when its
   answer is over, until the seconds are over; then the last answers are read to their end. */
#define _GNU_SOURCE
#include "measure.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_EVENTS = 1024, READ_AT_ONCE = 65536, PATIENCE_S = 60, SHOWN = 3 };

/* Anything shorter than this is no stamp but a word with a digit in it. */
enum { LEAST_DIGITS = 10 };

static const int64_t stall = 200 * 1000000LL;

enum step { IDLE, CONNECTING, READING };

struct caller {
    int fd;
    enum step step;
    char *bytes;
    size_t length, room;
    size_t body;      /* where the body begins; 0 until the head is there */
    size_t scanned;   /* how far stamps were looked for */
    int chunked, closes;
    long content_length; /* -1 without one */
    int refused, stamps, disordered;
    int64_t asked_at, first_at, last_arrival, last_stamp;
};

static struct samples firsts, totals, delays, gaps;
static long done, cut, refused, inexact, unconnected, stalls, stamps_seen;
static int epoll_fd, port, expected, running;
static char request[8192];
static size_t request_length;

static void watch(struct caller *caller, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = caller};
    epoll_ctl(epoll_fd, operation, caller->fd, &event);
}

static void hang_up(struct caller *caller)
{
    close(caller->fd);
    caller->fd = -1;
}

static void over(struct caller *caller)
{
    caller->step = IDLE;
    running--;
}

static void give_up(struct caller *caller, long *counter)
{
    ++*counter;
    over(caller);
    hang_up(caller);
}

static void send_request(struct caller *caller)
{
    caller->step = READING;
    if (send(caller->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
        give_up(caller, &cut);
}

static void ask(struct caller *caller)
{
    caller->length = caller->body = caller->scanned = 0;
    caller->stamps = caller->disordered = 0;
    caller->first_at = caller->last_arrival = caller->last_stamp = 0;
    caller->asked_at = now_ns();
    running++;
    if (caller->fd >= 0) {
        send_request(caller);
        return;
    }
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    caller->step = CONNECTING;
    caller->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(caller->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(caller->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        give_up(caller, &unconnected);
    else
        watch(caller, EPOLL_CTL_ADD, EPOLLOUT);
}

static void connected(struct caller *caller)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(caller->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        give_up(caller, &unconnected);
        return;
    }
    watch(caller, EPOLL_CTL_MOD, EPOLLIN);
    send_request(caller);
}

static void read_head(struct caller *caller)
{
    char *end = strstr(caller->bytes, "\r\n\r\n");
    if (!end)
        return;
    *end = 0;
    const char *length = strcasestr(caller->bytes, "\ncontent-length:");
    caller->content_length = length ? atol(length + 16) : -1;
    caller->chunked = !!strcasestr(caller->bytes, "\ntransfer-encoding: chunked");
    caller->closes = !!strcasestr(caller->bytes, "\nconnection: close");
    caller->body = caller->scanned = end + 4 - caller->bytes;
    caller->refused = !!strncmp(caller->bytes + 9, "200", 3);
    if (caller->refused && refused++ < SHOWN)
        fprintf(stderr, "refused: %.200s | %.200s\n", caller->bytes, end + 4);
}

static void take_stamp(struct caller *caller, int64_t stamp, int64_t now)
{
    add_sample(&delays, now - stamp);
    caller->stamps++;
    stamps_seen++;
    caller->disordered |= stamp < caller->last_stamp;
    caller->last_stamp = stamp;
}

/* Finds the whole stamps in what is new; one whose end has not come is looked at again. */
static void read_stamps(struct caller *caller, int64_t now)
{
    char *at = caller->bytes + caller->scanned, *end = caller->bytes + caller->length;
    int before = caller->stamps;
    while ((at = memchr(at, 't', end - at))) {
        char *digits = at + 1, *after = digits;
        while (after < end && *after >= '0' && *after <= '9')
            after++;
        if (after == end)
            break;
        if (*after == ' ' && after - digits >= LEAST_DIGITS)
            take_stamp(caller, atoll(digits), now);
        at = after;
    }
    caller->scanned = (at ? at : end) - caller->bytes;
    if (caller->stamps == before)
        return;
    if (caller->last_arrival) {
        int64_t gap = now - caller->last_arrival;
        add_sample(&gaps, gap);
        stalls += gap > stall;
    }
    caller->last_arrival = now;
}

static int is_over(const struct caller *caller, int hung_up)
{
    size_t length = caller->length - caller->body;
    if (caller->chunked)
        return length >= 5 && !memcmp(caller->bytes + caller->length - 5, "0\r\n\r\n", 5);
    return caller->content_length >= 0 ? (long)length >= caller->content_length : hung_up;
}

static void finish(struct caller *caller, int hung_up, int64_t now)
{
    add_sample(&totals, now - caller->asked_at);
    done++;
    if (!caller->refused && (caller->stamps != expected || caller->disordered) && inexact++ < SHOWN)
        fprintf(stderr, "inexact: %d deltas%s: %.300s\n", caller->stamps, caller->disordered ? ", disordered" : "",
                caller->bytes + caller->body);
    over(caller);
    if (hung_up || caller->closes || (!caller->chunked && caller->content_length < 0))
        hang_up(caller);
}

static void hear(struct caller *caller)
{
    if (caller->room - caller->length <= READ_AT_ONCE) {
        caller->room = 2 * caller->room + READ_AT_ONCE + 1;
        caller->bytes = must(realloc(caller->bytes, caller->room));
    }
    ssize_t got = recv(caller->fd, caller->bytes + caller->length, READ_AT_ONCE, 0);
    int64_t now = now_ns();
    if (got < 0 && errno == EAGAIN)
        return;
    if (caller->step == IDLE) {
        hang_up(caller);
        return;
    }
    if (got > 0)
        caller->length += got;
    caller->bytes[caller->length] = 0;
    if (!caller->body)
        read_head(caller);
    if (caller->body) {
        if (!caller->first_at && caller->length > caller->body) {
            caller->first_at = now;
            add_sample(&firsts, now - caller->asked_at);
        }
        read_stamps(caller, now);
        if (is_over(caller, got <= 0)) {
            finish(caller, got <= 0, now);
            return;
        }
    }
    if (got <= 0)
        give_up(caller, &cut);
}

static void write_request(const char *path, const char *model, const char *header)
{
    char body[2048];
    int length = snprintf(body, sizeof body,
                          "{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":"
                          "\"Tell me how a crane builds its nest, and why so late.\"}]}",
                          model);
    request_length = snprintf(request, sizeof request,
                              "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                              "Accept: */*\r\n%s%sContent-Length: %d\r\n\r\n%s",
                              path, port, header, *header ? "\r\n" : "", length, body);
}

static void report(double seconds)
{
    printf("{\"requests_per_second\": %.2f, \"deltas_per_second\": %.1f, \"done\": %ld, \"deltas\": %ld, "
           "\"cut\": %ld, \"refused\": %ld, \"inexact\": %ld, \"unconnected\": %ld, \"stalls\": %ld, \"hung\": %d, ",
           done / seconds, stamps_seen / seconds, done, stamps_seen, cut, refused, inexact, unconnected, stalls,
           running);
    print_percentiles("first", &firsts);
    fputs(", ", stdout);
    print_percentiles("total", &totals);
    fputs(", ", stdout);
    print_percentiles("delta", &delays);
    fputs(", ", stdout);
    print_percentiles("gap", &gaps);
    puts("}");
}

int main(int count, char **words)
{
    if (count < 6 || count > 8) {
        fputs("load PORT PATH CALLERS SECONDS DELTAS [MODEL [HEADER]]\n", stderr);
        return 2;
    }
    port = atoi(words[1]);
    int callers = atoi(words[3]);
    expected = atoi(words[5]);
    write_request(words[2], count > 6 ? words[6] : "mock", count > 7 ? words[7] : "");
    epoll_fd = epoll_create1(0);
    struct caller *all = must(calloc(callers, sizeof *all));
    for (int i = 0; i < callers; i++)
        all[i].fd = -1;
    int64_t started = now_ns(), stop = started + (int64_t)(atof(words[4]) * NS_PER_S);
    for (;;) {
        int64_t now = now_ns();
        if (now < stop)
            for (int i = 0; i < callers; i++)
                if (all[i].step == IDLE)
                    ask(&all[i]);
        if (now >= stop && (!running || now >= stop + PATIENCE_S * NS_PER_S))
            break;
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(epoll_fd, events, MOST_EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            struct caller *caller = events[i].data.ptr;
            if (caller->fd < 0)
                continue;
            if (caller->step == CONNECTING)
                connected(caller);
            else
                hear(caller);
        }
    }
    report((now_ns() - started) / (double)NS_PER_S);
    return 0;
}
