/* One caller that asks for one page, again and again, one at a time.

   probe PORT PATH TIMES PAUSE_US

   Prints one JSON object: how many answers were 200, how many were not, and their times in milliseconds. */
#define _GNU_SOURCE
#include "measure.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Reads one answer with a Content-Length; 0 when the connection may be used again, -1 when it is gone. */
static int read_answer(int fd, int *status)
{
    static char bytes[1 << 20];
    size_t length = 0;
    *status = 0;
    for (;;) {
        ssize_t got = recv(fd, bytes + length, sizeof bytes - 1 - length, 0);
        if (got <= 0)
            return -1;
        length += got;
        bytes[length] = 0;
        char *end = strstr(bytes, "\r\n\r\n");
        if (!end)
            continue;
        char *size = strcasestr(bytes, "\ncontent-length:");
        if (length < end + 4 - bytes + (size && size < end ? strtoul(size + 16, NULL, 10) : 0))
            continue;
        *status = atoi(bytes + 9);
        char *closes = strcasestr(bytes, "\nconnection: close");
        return closes && closes < end ? -1 : 0;
    }
}

int main(int count, char **words)
{
    if (count != 5) {
        fputs("probe PORT PATH TIMES PAUSE_US\n", stderr);
        return 2;
    }
    int port = atoi(words[1]), times = atoi(words[3]), fd = -1;
    long good = 0, bad = 0;
    char request[1024];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", words[2], port);
    struct samples samples = {0};
    for (int i = 0; i < times; i++) {
        int status = 0;
        int64_t began = now_ns();
        if (fd < 0)
            fd = connect_to(port);
        if (fd >= 0 && (send(fd, request, length, MSG_NOSIGNAL) != length || read_answer(fd, &status) < 0)) {
            close(fd);
            fd = -1;
        }
        add_sample(&samples, now_ns() - began);
        status == 200 ? good++ : bad++;
        usleep(atoi(words[4]));
    }
    printf("{\"good\": %ld, \"bad\": %ld, ", good, bad);
    print_percentiles("ms", &samples);
    puts("}");
    return 0;
}
