/* A provider with a steady hand: streams made-up deltas at a fixed pace, each with the moment it was written.

   upstream PORT DELTAS INTERVAL_US FIRST_US      listens on 127.0.0.1:PORT (0 for any), says where on stdout

   POST /v1/chat/completions    OpenAI chunks as server-sent events
   POST /api/chat               Ollama's lines
   GET  anything                a list of one model

   The text of a delta is `tNNN `, NNN being CLOCK_MONOTONIC in nanoseconds when it was handed to the kernel,
   so that whoever reads it on this machine knows how long it was under way. With INTERVAL_US 0 all deltas of
   an answer are written at once, one write each. One thread, epoll, keep-alive; what a reader does not take
   waits in memory. */
#define _GNU_SOURCE
#include "timers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_EVENTS = 512, MOST_REQUEST = 1 << 20, READ_AT_ONCE = 65536 };

enum dialect { OPENAI, OLLAMA };

struct buffer {
    char *bytes;
    size_t length, room;
};

struct peer {
    struct timer timer; /* stands first: a timer is the peer it belongs to */
    int fd;
    struct buffer in, out;
    enum dialect dialect;
    int answering, deltas_left;
};

static int epoll_fd, timer_fd, deltas;
static int64_t interval, first_wait;

static void set_timer(void)
{
    struct itimerspec when = {0};
    if (waiting) {
        int64_t due = heap[0]->due > 0 ? heap[0]->due : 1;
        when.it_value.tv_sec = due / NS_PER_S;
        when.it_value.tv_nsec = due % NS_PER_S;
    }
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* -- writing */

static void reserve(struct buffer *buffer, size_t more)
{
    if (buffer->room - buffer->length >= more)
        return;
    buffer->room = 2 * buffer->room + more;
    buffer->bytes = must(realloc(buffer->bytes, buffer->room));
}

static void watch(struct peer *peer, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, peer->fd, &event);
}

/* Sends what it can and keeps the rest; -1 when the peer is gone. */
static int say(struct peer *peer, const char *bytes, size_t length)
{
    ssize_t sent = 0;
    if (!peer->out.length) {
        sent = send(peer->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return -1;
        if (sent < 0)
            sent = 0;
    }
    if ((size_t)sent < length) {
        reserve(&peer->out, length - sent);
        memcpy(peer->out.bytes + peer->out.length, bytes + sent, length - sent);
        peer->out.length += length - sent;
        watch(peer, EPOLLIN | EPOLLOUT);
    }
    return 0;
}

static int say_kept(struct peer *peer)
{
    ssize_t sent = send(peer->fd, peer->out.bytes, peer->out.length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN ? 0 : -1;
    peer->out.length -= sent;
    memmove(peer->out.bytes, peer->out.bytes + sent, peer->out.length);
    if (!peer->out.length)
        watch(peer, EPOLLIN);
    return 0;
}

static int say_json(struct peer *peer, const char *body)
{
    char answer[1024];
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    return say(peer, answer, length);
}

static int say_chunk(struct peer *peer, const char *body, int length, const char *after)
{
    char chunk[1024];
    int size = snprintf(chunk, sizeof chunk, "%x\r\n%.*s\r\n%s", length, length, body, after);
    return say(peer, chunk, size);
}

#define CHUNK_HEAD "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1," \
                   "\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":"
#define LINE_HEAD "{\"model\":\"mock\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\","

static int say_delta(struct peer *peer)
{
    static const char *const formats[] = {
        [OPENAI] = CHUNK_HEAD "{\"content\":\"t%lld \"},\"finish_reason\":null}]}\n\n",
        [OLLAMA] = LINE_HEAD "\"content\":\"t%lld \"},\"done\":false}\n",
    };
    char body[512];
    int length = snprintf(body, sizeof body, formats[peer->dialect], (long long)now_ns());
    peer->deltas_left--;
    return say_chunk(peer, body, length, "");
}

static int say_end(struct peer *peer)
{
    static const char *const ends[] = {
        [OPENAI] = CHUNK_HEAD "{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        [OLLAMA] = LINE_HEAD "\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,"
                             "\"eval_count\":10}\n",
    };
    const char *body = ends[peer->dialect];
    peer->answering = 0;
    return say_chunk(peer, body, strlen(body), "0\r\n\r\n");
}

/* Says what is due, and when to go on; -1 when the peer is gone. */
static int go_on(struct peer *peer)
{
    do {
        if (!peer->deltas_left)
            return say_end(peer);
        if (say_delta(peer) < 0)
            return -1;
    } while (!interval);
    wait_until(&peer->timer, peer->timer.due + interval);
    return 0;
}

/* -- reading */

static int answer(struct peer *peer, const char *body)
{
    const char *head = peer->in.bytes;
    if (!strncmp(head, "GET ", 4))
        return say_json(peer, "{\"models\":[{\"name\":\"mock\"}],\"object\":\"list\",\"data\":[{\"id\":\"mock\"}]}");
    peer->dialect = strncmp(head, "POST /api/chat ", 15) ? OPENAI : OLLAMA;
    const char *asked = strstr(body, "\"stream\"");
    int streamed = asked ? !!strstr(asked, "true") : peer->dialect == OLLAMA;
    if (!streamed)
        return say_json(peer, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"mock\","
                              "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},"
                              "\"finish_reason\":\"stop\"}],"
                              "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}");
    static const char *const heads[] = {
        [OPENAI] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        [OLLAMA] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    if (say(peer, heads[peer->dialect], strlen(heads[peer->dialect])) < 0)
        return -1;
    peer->answering = 1;
    peer->deltas_left = deltas;
    peer->timer.due = now_ns();
    if (!first_wait)
        return go_on(peer);
    wait_until(&peer->timer, peer->timer.due + first_wait);
    return 0;
}

/* Where the body of a whole request begins; NULL while some of it is missing. */
static const char *whole_request(const struct buffer *in)
{
    const char *head = in->bytes, *end = strstr(head, "\r\n\r\n");
    if (!end)
        return NULL;
    const char *body = end + 4;
    const char *chunked = strcasestr(head, "\ntransfer-encoding: chunked");
    if (chunked && chunked < end)
        return strstr(body - 2, "\r\n0\r\n\r\n") ? body : NULL;
    const char *length = strcasestr(head, "\ncontent-length:");
    size_t size = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
    return in->length >= (size_t)(body - head) + size ? body : NULL;
}

static int hear(struct peer *peer)
{
    for (;;) {
        reserve(&peer->in, READ_AT_ONCE + 1);
        ssize_t got = recv(peer->fd, peer->in.bytes + peer->in.length, READ_AT_ONCE, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN) || peer->in.length > MOST_REQUEST)
            return -1;
        if (got < 0)
            break;
        peer->in.length += got;
    }
    peer->in.bytes[peer->in.length] = 0;
    if (peer->answering)
        return 0;
    const char *body = whole_request(&peer->in);
    if (!body)
        return 0;
    int result = answer(peer, body);
    peer->in.length = 0; /* no pipelining */
    return result;
}

/* -- peers come and go */

static void accept_all(int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct peer *peer = must(calloc(1, sizeof *peer));
        peer->fd = fd;
        peer->timer.place = -1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static void bury(struct peer *peer)
{
    wait_no_more(&peer->timer);
    close(peer->fd);
    free(peer->in.bytes);
    free(peer->out.bytes);
    free(peer);
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0) {
        perror("upstream");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **words)
{
    if (count != 5) {
        fputs("upstream PORT DELTAS INTERVAL_US FIRST_US\n", stderr);
        return 2;
    }
    deltas = atoi(words[2]);
    interval = atoll(words[3]) * 1000;
    first_wait = atoll(words[4]) * 1000;
    int listener = listen_on(atoi(words[1]));
    static int tick; /* its address tells the timer from peers, as NULL tells the listener */
    epoll_fd = epoll_create1(0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &tick});
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        set_timer();
        int ready = epoll_wait(epoll_fd, events, MOST_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct peer *peer = events[i].data.ptr;
            uint64_t expirations;
            if (!peer)
                accept_all(listener);
            else if ((void *)peer == &tick)
                (void)!read(timer_fd, &expirations, sizeof expirations);
            else if (((events[i].events & EPOLLOUT) && say_kept(peer) < 0) ||
                     ((events[i].events & ~EPOLLOUT) && hear(peer) < 0))
                bury(peer);
        }
        struct timer *due;
        for (int64_t now = now_ns(); (due = take_due(now));)
            if (go_on((struct peer *)due) < 0)
                bury((struct peer *)due);
    }
}
