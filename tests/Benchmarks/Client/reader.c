/* The work of LoadTests' clients on an event, as a C program: chunked HTTP, the event stream's fields, the number and
 * the time in the JSON, a latency histogram, and a ledger for each reader. One thread on epoll. CReader.cs builds it
 * when there is a C compiler; its output is that of the mode `read`.
 *
 *   reader ADDRESS PORT PATH CONNECTIONS EVENTS SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum at { HEAD, CHUNK_SIZE, CHUNK, CHUNK_END, PLAIN, END };
enum { MOST_IN_FLIGHT = 256, SUB_BITS = 6, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

typedef struct { int64_t first, last; } range;                 /* received without a gap */
typedef struct { char *bytes; size_t length, size; } text;

typedef struct {
    int fd, status;
    enum at at;
    bool chunked;
    int64_t left, events, position, last_position;
    text line, data, name, id;                                  /* parts of the current line and event */
    range *ranges;
    size_t count, size;
} reader;

static int64_t histogram[BUCKETS], sizes[BUCKETS], total, wrong, reads, highest;

static int64_t now(void) {                                      /* 100 ns since 1970 */
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 10000000 + t.tv_nsec / 100;
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what) { perror(what); exit(1); }

/* 64 buckets to each power of two, as in LatencyHistogram. */
static void record(int64_t *buckets, int64_t value) {
    if (value < 0) value = 0;
    int shift = value < SUB ? 0 : 63 - __builtin_clzll((uint64_t)value) - SUB_BITS;
    buckets[value < SUB ? value : ((int64_t)(shift + 1) << SUB_BITS) + (value >> shift) - SUB]++;
}

static double percentile(double percent) {
    int64_t wanted = (int64_t)(total * percent / 100 + 0.999999), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        if ((seen += histogram[i]) < wanted || seen == 0) continue;
        int shift = i < SUB ? 0 : (i >> SUB_BITS) - 1;
        int64_t low = i < SUB ? i : ((int64_t)(i & (SUB - 1)) + SUB) << shift;
        return (low + ((int64_t)1 << shift)) / 1e4;
    }
    return 0;
}

static void append(text *t, const char *bytes, size_t n) {
    if (t->length + n > t->size && !(t->bytes = realloc(t->bytes, t->size = 2 * (t->length + n)))) die("realloc");
    memcpy(t->bytes + t->length, bytes, n);
    t->length += n;
}

static void set(text *t, const char *bytes, size_t n) { t->length = 0; append(t, bytes, n); }

/* Adds a number to the reader's ledger; false for a duplicate. Usually the last range grows by one. */
static bool receive(reader *r, int64_t number) {
    if (r->count && r->ranges[r->count - 1].last + 1 == number) { r->ranges[r->count - 1].last = number; return true; }
    size_t i = r->count;
    while (i > 0 && r->ranges[i - 1].first > number) i--;
    if (i > 0 && r->ranges[i - 1].last >= number) return false;
    if (i > 0 && r->ranges[i - 1].last + 1 == number) {
        r->ranges[i - 1].last = number;
        if (i < r->count && r->ranges[i].first == number + 1) {
            r->ranges[i - 1].last = r->ranges[i].last;
            memmove(r->ranges + i, r->ranges + i + 1, (--r->count - i) * sizeof(range));
        }
        return true;
    }
    if (i < r->count && r->ranges[i].first == number + 1) { r->ranges[i].first = number; return true; }
        if (r->count == r->size) {
            r->size = r->size ? 2 * r->size : 2;
            if (!(r->ranges = realloc(r->ranges, r->size * sizeof(range)))) die("realloc");
        }
    memmove(r->ranges + i + 1, r->ranges + i, (r->count++ - i) * sizeof(range));
    r->ranges[i] = (range){number, number};
    return true;
}

static const char *number(const char *p, const char *end, int64_t *value) {
    const char *begin = p;
    for (*value = 0; p < end && *p >= '0' && *p <= '9'; p++) *value = *value * 10 + (*p - '0');
    return p > begin ? p : NULL;
}

/* {"n":17,"t":17600000000000000,"pad":"xxx"} */
static bool parse(const text *t, int64_t *n, int64_t *at) {
    static const char first[] = "{\"n\":", second[] = ",\"t\":";
    const char *p = t->bytes, *end = t->bytes + t->length;
    if (t->length < sizeof first || memcmp(p, first, sizeof first - 1)) return false;
        if (!(p = number(p + sizeof first - 1, end, n))) return false;
        if (end - p < (long)sizeof second || memcmp(p, second, sizeof second - 1)) return false;
    return number(p + sizeof second - 1, end, at) != NULL;
}

static void dispatch(reader *r) {
    int64_t n, at;
    if (r->data.length && parse(&r->data, &n, &at)) {
        int64_t latency = now() - at;
        record(histogram, latency);
        record(sizes, (int64_t)r->data.length);
        if (latency > highest) highest = latency;
        total++;
        bool fresh = receive(r, n);
        if (!fresh || r->position < r->last_position) wrong++;
        r->last_position = r->position;
        if (fresh) r->events++;
    }
    r->data.length = r->name.length = 0;
}

static bool is(const char *field, size_t n, const char *name) { return n == strlen(name) && !memcmp(field, name, n); }

static void field(reader *r, const char *line, size_t n) {
    if (n && line[n - 1] == '\r') n--;
    if (!n) { dispatch(r); return; }
    const char *colon = memchr(line, ':', n);
    if (colon == line) return;                                  /* a comment */
    size_t length = colon ? (size_t)(colon - line) : n;
    const char *value = colon ? colon + 1 : line + n;
    if (value < line + n && *value == ' ') value++;
    size_t rest = (size_t)(line + n - value);
    if (is(line, length, "data")) {
        if (r->data.length) append(&r->data, "\n", 1);
        append(&r->data, value, rest);
    }
    else if (is(line, length, "event")) set(&r->name, value, rest);
    else if (is(line, length, "id")) {
        set(&r->id, value, rest);
        const char *dash = memrchr(value, '-', rest);
        if (dash) number(dash + 1, value + rest, &r->position);
    }
}

static void head(reader *r, const char *line, size_t n) {
    if (n && line[n - 1] == '\r') n--;
    if (!r->status && n > 12) r->status = atoi(line + 9);       /* HTTP/1.1 200 OK */
        else if (n > 18 && !strncasecmp(line, "transfer-encoding:", 18)) {
            r->chunked = memmem(line, n, "chunked", 7) != NULL;
        }
    else if (!n) r->at = r->chunked ? CHUNK_SIZE : PLAIN;
}

static void lines(reader *r, const char *p, const char *end) {
    for (const char *newline; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
                if (!r->line.length) { field(r, p, (size_t)(newline - p)); continue; }
                append(&r->line, p, (size_t)(newline - p));
                field(r, r->line.bytes, r->line.length);
                r->line.length = 0;
    }
    if (p < end) append(&r->line, p, (size_t)(end - p));
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void take(reader *r, const char *p, const char *end) {
    while (p < end) {
        switch (r->at) {
            case HEAD: {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                append(&r->line, p, (size_t)((newline ? newline : end) - p));
                if (!newline) return;
                p = newline + 1;
                head(r, r->line.bytes, r->line.length);
                r->line.length = 0;
                break;
            }
            case CHUNK_SIZE:
                if (*p == '\n') r->at = r->left > 0 ? CHUNK : END;
                else if (hex(*p) >= 0) r->left = r->left * 16 + hex(*p);
                p++;
                break;
            case CHUNK: {
                const char *until = end - p < r->left ? end : p + r->left;
                lines(r, p, until);
                if ((r->left -= until - p) == 0) r->at = CHUNK_END;
                p = until;
                break;
            }
            case CHUNK_END:
                if (*p++ == '\n') r->at = CHUNK_SIZE;
                break;
            case PLAIN: lines(r, p, end); return;
            default: return;
        }
    }
}

/* Uses many loopback addresses: one has only 28,000 ports, each in use for a minute after closing. */
static int open_stream(const char *address, int port, const char *path, int n) {
    static int on = 1;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000101 + (uint32_t)(n % 16))};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) die("address");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    char request[2048];
        int length = snprintf(request, sizeof request,
            "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\n\r\n", path, address, port);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) die("send");
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "reader ADDRESS PORT PATH CONNECTIONS EVENTS SECONDS\n"); return 2; }
    int connections = atoi(argv[4]), opened = 0, answered = 0, refused = 0, done = 0, poll = epoll_create1(0);
    int64_t expect = atoll(argv[5]), began = now(), last = began, events = 0;
    double limit = atof(argv[6]), used = 0;
    bool ready = false;
    reader *readers = calloc((size_t)connections, sizeof *readers);
    static char buffer[256 * 1024];
    static struct epoll_event found[1024];
    struct epoll_event input = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (poll < 0 || !readers || epoll_ctl(poll, EPOLL_CTL_ADD, 0, &input)) die("reader");
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (now() - began < limit * 1e7) {
        while (opened < connections && opened - answered < MOST_IN_FLIGHT) {
            struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)opened};
            readers[opened].fd = open_stream(argv[1], atoi(argv[2]), argv[3], opened);
            if (epoll_ctl(poll, EPOLL_CTL_ADD, readers[opened].fd, &e)) die("epoll_ctl");
            opened++;
        }
        if (!ready && answered == connections) {
            ready = true;
            used = cpu();
                        printf("{\"Connected\":%d,\"Refused\":%d,\"Seconds\":%.3f}\n",
                            answered - refused, refused, (now() - began) / 1e7);
        }
        if (ready && expect > 0 && done >= connections - refused) break;
        int n = epoll_wait(poll, found, 1024, opened < connections ? 0 : 20);
        for (int i = 0; i < n; i++) {
            if (found[i].data.u32 == UINT32_MAX) {
                if (read(0, buffer, sizeof buffer) <= 0) goto stop;     /* the parent closed the input or ended */
                continue;
            }
            reader *r = readers + found[i].data.u32;
            ssize_t got = recv(r->fd, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            reads++;
            enum at before = r->at;
            int64_t had = r->events;
            if (got > 0) take(r, buffer, buffer + got);
            if (before == HEAD && r->at != HEAD) { answered++; if (r->status != 200) refused++; }
            else if (got <= 0 && r->at == HEAD) { answered++; refused++; }
            if (r->events > had) { events += r->events - had; last = now(); }
            if (expect > 0 && had < expect && r->events >= expect) done++;
            if (got > 0) continue;
            /* Ended by the server: missing events count as lost. */
            if (r->status == 200 && r->events < expect) done++;
            close(r->fd);
        }
    }
stop:
    printf("{\"Connected\":%d,\"Events\":%ld,\"Lost\":%ld,\"Wrong\":%ld,\"P50Ms\":%.4f,\"P99Ms\":%.4f,"
        "\"P999Ms\":%.4f,\"MaxMs\":%.4f,\"Seconds\":%.3f,\"CpuSeconds\":%.4f,\"Reads\":%ld}\n",
        answered - refused, events, expect * connections > events ? expect * connections - events : 0, wrong,
        percentile(50), percentile(99), percentile(99.9), highest / 1e4,
        (last - began) / 1e7, cpu() - used, reads);
    fflush(stdout);
        /* Closing the streams is work for the server, which the parent may still be measuring. */
        while (read(0, buffer, sizeof buffer) > 0) {}
    return 0;
}
