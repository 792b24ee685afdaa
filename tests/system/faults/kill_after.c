/* A process that is killed behind its n-th write to some file: preloaded into it.
 *
 * $KILL_AFTER is n, $KILL_PART a part of the path of files whose writes count.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void count(int fd)
{
    static int writes;
    const char *after = getenv("KILL_AFTER"), *part = getenv("KILL_PART");
    char link[64], path[4096] = "";
    if (!after || !part)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) >= 0 && strstr(path, part) && ++writes == atoi(after))
        kill(getpid(), SIGKILL);
}

#define PWRITE(name, offset)                                                                       \
    ssize_t name(int fd, const void *data, size_t size, offset at)                                 \
    {                                                                                              \
        ssize_t (*real)(int, const void *, size_t, offset) = dlsym(RTLD_NEXT, #name);              \
        ssize_t written = real(fd, data, size, at);                                                \
        count(fd);                                                                                 \
        return written;                                                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
