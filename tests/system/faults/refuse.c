/* A disk that refuses or delays one call: preloaded into a process and all that it starts.
 *
 * A file in $REFUSE_DIR, named after the call (`pwrite`, `close`), holds a number and a part of a
 * path. The next call on a file that has this in its path takes the order away, whichever process
 * makes it, and fails with the number as its errno; with a negative one it takes so many seconds.
 * close(2) closes all the same, as NFS does when it refuses what was written before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int struck(const char *call, int fd)
{
    const char *folder = getenv("REFUSE_DIR");
    char order[4096], text[256] = "", part[200], link[64], path[4096] = "";
    int number = 0, saved = errno, file;
    if (!folder)
        return 0;
    snprintf(order, sizeof order, "%s/%s", folder, call);
    file = syscall(SYS_openat, AT_FDCWD, order, O_RDONLY);
    if (file >= 0) {
        ssize_t ignored = read(file, text, sizeof text - 1);
        (void)ignored;
        syscall(SYS_close, file);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (sscanf(text, "%d %199s", &number, part) != 2 ||
            readlink(link, path, sizeof path - 1) < 0 || !strstr(path, part) || unlink(order))
            number = 0;
    }
    errno = saved;
    if (number < 0)
        sleep(-number);
    return number > 0 ? number : 0;
}

#define PWRITE(name, offset)                                                                       \
    ssize_t name(int fd, const void *data, size_t size, offset at)                                 \
    {                                                                                              \
        ssize_t (*real)(int, const void *, size_t, offset) = dlsym(RTLD_NEXT, #name);              \
        int refusal = struck("pwrite", fd);                                                        \
        if (refusal)                                                                               \
            return errno = refusal, -1;                                                            \
        return real(fd, data, size, at);                                                           \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int close(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    int refusal = struck("close", fd), answer = real(fd);
    return refusal ? (errno = refusal, -1) : answer;
}
