/* An odd laptop: its clock is off, or its disk is full. Preloaded into one
 * process; what that starts is not affected, because the host clears the
 * environment of the code that it runs.
 *
 * LAPTOP_CLOCK_OFFSET  seconds by which the time of day is off
 * LAPTOP_FULL          a folder below which nothing can be written
 * LAPTOP_FULL_WHEN     ... once this file is there */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- the clock */

static long offset(void)
{
    const char *seconds = getenv("LAPTOP_CLOCK_OFFSET");
    return seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    static __typeof__(&clock_gettime) real;
    if (!real)
        real = REAL(clock_gettime);
    int failed = real(clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

/* ---- the disk */

static const char *full(void)
{
    const char *when = getenv("LAPTOP_FULL_WHEN");
    const char *folder = getenv("LAPTOP_FULL");
    if (!folder || (when && access(when, F_OK)))
        return NULL;
    return folder;
}

static int below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

static int refused_path(const char *path)
{
    int before = errno;
    const char *folder = full();
    if (!folder || path[0] != '/' || !below(path, folder)) {
        errno = before;
        return 0;
    }
    errno = ENOSPC;
    return 1;
}

static int refused_fd(int fd)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    const char *folder = full();
    if (folder) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (below(path, folder)) {
                errno = ENOSPC;
                return 1;
            }
        }
    }
    errno = before;
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static __typeof__(&write) real;
    if (!real)
        real = REAL(write);
    return refused_fd(fd) ? -1 : real(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static __typeof__(&writev) real;
    if (!real)
        real = REAL(writev);
    return refused_fd(fd) ? -1 : real(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    static __typeof__(&pwrite64) real;
    if (!real)
        real = REAL(pwrite64);
    return refused_fd(fd) ? -1 : real(fd, bytes, count, at);
}

int mkdir(const char *path, mode_t mode)
{
    static __typeof__(&mkdir) real;
    if (!real)
        real = REAL(mkdir);
    return refused_path(path) ? -1 : real(path, mode);
}

/* A file that is there can be opened; what is written into it is refused. */
#define IS_NEW(path, flags) ((flags) & O_CREAT && access(path, F_OK))

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...)                            \
    {                                                                     \
        static __typeof__(&name) real;                                    \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;         \
        va_end(more);                                                     \
        if (!real)                                                        \
            real = REAL(name);                                            \
        if (IS_NEW(path, flags) && refused_path(path))                    \
            return -1;                                                    \
        return real(path, flags, mode);                                   \
    }

OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                      \
    int name(int folder, const char *path, int flags, ...)                \
    {                                                                     \
        static __typeof__(&name) real;                                    \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;         \
        va_end(more);                                                     \
        if (!real)                                                        \
            real = REAL(name);                                            \
        if (IS_NEW(path, flags) && refused_path(path))                    \
            return -1;                                                    \
        return real(folder, path, flags, mode);                           \
    }

OPENAT(openat)
OPENAT(openat64)
