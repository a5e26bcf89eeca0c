// The least that a fan-out costs: one thread, one send() for each subscriber and event, nothing kept, nothing joined.
// Usage: sender PORT. GET subscribes; POST sends its body to every subscriber. A subscriber that is behind is dropped.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, REQUEST = 4096, BACKLOG = 4096, BATCH = 512 };

static const char OPENED[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";
static const char ACCEPTED[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
static const char ALIVE[] = "HTTP/1.1 204 No Content\r\n\r\n";

// By descriptor.
static struct connection {
    char *request;
    int length;
    int seat; // place among the subscribers, from 1; 0 if it is none
} connections[MOST];

static int subscribers[MOST], count;

static void leave(int fd) {
    struct connection *it = &connections[fd];

    if (it->seat) {
        int last = subscribers[--count];
        subscribers[it->seat - 1] = last;
        connections[last].seat = it->seat;
    }

    free(it->request);
    memset(it, 0, sizeof *it);
    close(fd);
}

static void answer(int fd, const char *text, size_t length) {
    if (send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
        leave(fd);
}

static void fan_out(const char *data, int length) {
    char chunk[REQUEST + 64];
    int size = sprintf(chunk, "%x\r\ndata: %.*s\n\n\r\n", length + 8, length, data);

    // From the end: who leaves is replaced by the last.
    for (int i = count - 1; i >= 0; i--)
        answer(subscribers[i], chunk, size);
}

static void subscribe(int fd) {
    struct connection *it = &connections[fd];

    subscribers[count] = fd;
    it->seat = ++count;
    free(it->request);
    it->request = NULL;
    answer(fd, OPENED, sizeof OPENED - 1);
}

// Returns when the request is not whole yet.
static void handle(int fd) {
    struct connection *it = &connections[fd];
    char *body = strstr(it->request, "\r\n\r\n");
    if (!body)
        return;

    body += 4;
    if (!strncmp(it->request, "GET /sse", 8)) {
        subscribe(fd);
        return;
    }

    char *header = strcasestr(it->request, "content-length:");
    int length = header ? atoi(header + 15) : 0;
    if (it->request + it->length < body + length)
        return;

    it->length = 0;
    if (strncmp(it->request, "POST ", 5)) {
        answer(fd, ALIVE, sizeof ALIVE - 1);
        return;
    }

    fan_out(body, length);
    answer(fd, ACCEPTED, sizeof ACCEPTED - 1);
}

static void receive(int fd) {
    struct connection *it = &connections[fd];
    if (!it->request)
        it->request = malloc(REQUEST);

    ssize_t got = recv(fd, it->request + it->length, REQUEST - 1 - it->length, 0);
    if (got <= 0) {
        leave(fd);
        return;
    }

    it->length += got;
    it->request[it->length] = 0;
    handle(fd);
}

static void welcome(int listener, int epoll) {
    int fd, one = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= MOST) {
            close(fd);
            continue;
        }

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ready[BATCH], interest = {.events = EPOLLIN};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

    if (argc != 2)
        return 2;
    address.sin_port = htons(atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG)) {
        perror("sender");
        return 1;
    }

    int epoll = epoll_create1(0);
    interest.data.fd = listener;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &interest);

    for (;;) {
        int number = epoll_wait(epoll, ready, BATCH, -1);
        for (int i = 0; i < number; i++) {
            int fd = ready[i].data.fd;

            if (fd == listener)
                welcome(listener, epoll);
            else if (connections[fd].seat)
                leave(fd); // a subscriber has nothing to say: this is its end
            else
                receive(fd);
        }
    }
}
