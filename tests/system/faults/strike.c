/* What befalls a process at one of its calls: preloaded into a session and all that it starts.
 *
 * $STRIKE names a file of `struct control`, which all of them share: who is in it, how often each
 * order was met, and orders, a line each:
 *
 *     CALL FIRST LAST ACTION PART NEEDLE
 *
 * The calls from FIRST to LAST of that name, or of any for `any`, on files with PART in their path
 * (and, where NEEDLE is no `-`, with that text in what is written) are counted in all processes
 * together while the orders are armed. ACTION is the number of an error, which is returned (close(2)
 * closes all the same, as NFS does), `log`, or VICTIM:WHEN: `child`, `session` or `both` are killed
 * `before` or `behind` the call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ORDERS = 32, MOST_PROCESSES = 64, TEXT = 4096 };

struct control {
    long armed, session, struck;
    double killed;
    long counts[MOST_ORDERS];
    long processes[MOST_PROCESSES];
    char orders[TEXT];
};

static struct control *control;
static char mapped[1024];
static pid_t known;

static struct control *taken(void)
{
    const char *path = getenv("STRIKE");
    pid_t own = getpid();
    struct stat status;
    int fd, i;
    if (!path || strlen(path) >= sizeof mapped)
        return NULL;
    if (strcmp(path, mapped)) {
        fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
        if (fd < 0 || fstat(fd, &status) || status.st_size < (off_t)sizeof *control) {
            syscall(SYS_close, fd);
            return NULL; /* it is being made */
        }
        control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        syscall(SYS_close, fd);
        if (control == MAP_FAILED)
            return control = NULL;
        strcpy(mapped, path);
        known = 0;
    }
    for (i = 0; control && known != own && i < MOST_PROCESSES; i++)
        if (control->processes[i] == own ||
            __sync_bool_compare_and_swap(&control->processes[i], 0, own))
            known = own;
    return control;
}

/* Whether a process has the file of orders: its number may be somebody else's by now. */
static int is_ours(pid_t pid)
{
    char name[64], text[65536 + 1];
    int found = 0;
    FILE *maps;
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    maps = fopen(name, "r");
    while (maps && !found && fgets(text, sizeof text, maps))
        found = strstr(text, mapped) != NULL;
    if (maps)
        fclose(maps);
    return found;
}

static void end(const char *victim)
{
    struct timespec now;
    pid_t own = getpid();
    int i, ends_session = strcmp(victim, "child"), ends_children = strcmp(victim, "session");
    clock_gettime(CLOCK_REALTIME, &now);
    control->killed = now.tv_sec + now.tv_nsec / 1e9;
    if (!strcmp(victim, "child") && own != control->session)
        kill(own, SIGKILL);
    for (i = 0; i < MOST_PROCESSES && control->processes[i]; i++) {
        pid_t pid = control->processes[i];
        int is_session = pid == control->session;
        if (pid != own && (is_session ? ends_session : ends_children) && is_ours(pid))
            kill(pid, SIGKILL);
    }
    if (own == control->session ? ends_session : ends_children)
        kill(own, SIGKILL);
}

static int holds(const struct iovec *parts, int number, const char *needle)
{
    int i;
    for (i = 0; i < number; i++)
        if (memmem(parts[i].iov_base, parts[i].iov_len, needle, strlen(needle)))
            return 1;
    return 0;
}

static void write_down(long count, const char *call, const char *path)
{
    char text[4600], name[1100];
    int fd, size;
    snprintf(name, sizeof name, "%s.log", mapped);
    size = snprintf(text, sizeof text, "%ld %d %s %s\n", count, getpid(), call, path);
    fd = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd >= 0 && syscall(SYS_write, fd, text, size) < 0)
        size = 0;
    syscall(SYS_close, fd);
}

/* Meet the orders that are for a call; return an error's number if it is refused. */
static int met(const char *call, int fd, const char *path, const struct iovec *parts, int number,
               const char *when)
{
    char copy[TEXT], link[64], found[4096] = "", *line, *rest;
    int saved = errno, refusal = 0, order = 0;
    struct control *told = taken();
    if (!told || !told->armed)
        return 0;
    memcpy(copy, told->orders, TEXT);
    copy[TEXT - 1] = 0;
    for (line = strtok_r(copy, "\n", &rest); line && order < MOST_ORDERS;
         line = strtok_r(NULL, "\n", &rest), order++) {
        char wanted[32], action[64], part[512], needle[256];
        long first, last, count;
        int is_behind;
        if (sscanf(line, "%31s %ld %ld %63s %511s %255s", wanted, &first, &last, action, part,
                   needle) != 6 ||
            (strcmp(wanted, call) && strcmp(wanted, "any")))
            continue;
        is_behind = strstr(action, ":behind") != NULL;
        if (is_behind != !strcmp(when, "behind"))
            continue;
        if (!path && !*found) {
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            if (readlink(link, found, sizeof found - 1) < 0)
                strcpy(found, "?");
        }
        if (!strstr(path ? path : found, part) ||
            (strcmp(needle, "-") && !holds(parts, number, needle)))
            continue;
        count = __sync_add_and_fetch(&told->counts[order], 1);
        if (!strcmp(action, "log"))
            write_down(count, call, path ? path : found);
        if (count < first || count > last || !strcmp(action, "log"))
            continue;
        __sync_add_and_fetch(&told->struck, 1);
        write_down(count, call, path ? path : found);
        if (strchr(action, ':'))
            *strchr(action, ':') = 0, end(action);
        else
            refusal = atoi(action);
    }
    errno = saved;
    return refusal;
}

#define REAL(name, type, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real)                                                                                     \
    real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* The body of a call: what it is called in orders, which file, what is written, the real one. */
#define CALL(type, name, fd, path, parts, number, real_call)                                       \
    do {                                                                                           \
        int refusal = met(name, fd, path, parts, number, "before");                                \
        type answer;                                                                               \
        if (refusal) {                                                                             \
            errno = refusal;                                                                       \
            return -1;                                                                             \
        }                                                                                          \
        answer = real_call;                                                                        \
        met(name, fd, path, parts, number, "behind");                                              \
        return answer;                                                                             \
    } while (0)

/* Where a name leads that is looked up in a folder. */
static const char *whole(int folder, const char *name, char *path)
{
    char link[64];
    ssize_t size;
    if (*name == '/' || !control || !control->armed)
        return name;
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    size = readlink(link, path, 4000);
    snprintf(path + (size > 0 ? size : 0), 4096, "/%s", name);
    return path;
}

#define PWRITE(name, offset)                                                                       \
    ssize_t name(int fd, const void *data, size_t size, offset at)                                 \
    {                                                                                              \
        struct iovec part = {(void *)data, size};                                                  \
        REAL(name, ssize_t, int, const void *, size_t, offset);                                    \
        CALL(ssize_t, "pwrite", fd, NULL, &part, 1, real(fd, data, size, at));                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size)
{
    struct iovec part = {(void *)data, size};
    REAL(write, ssize_t, int, const void *, size_t);
    CALL(ssize_t, "write", fd, NULL, &part, 1, real(fd, data, size));
}

ssize_t writev(int fd, const struct iovec *parts, int number)
{
    REAL(writev, ssize_t, int, const struct iovec *, int);
    CALL(ssize_t, "write", fd, NULL, parts, number, real(fd, parts, number));
}

#define SYNC(name)                                                                                 \
    int name(int fd)                                                                               \
    {                                                                                              \
        REAL(name, int, int);                                                                      \
        CALL(int, "fsync", fd, NULL, NULL, 0, real(fd));                                           \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, length)                                                                     \
    int name(int fd, length size)                                                                  \
    {                                                                                              \
        REAL(name, int, int, length);                                                              \
        CALL(int, "truncate", fd, NULL, NULL, 0, real(fd, size));                                  \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int close(int fd)
{
    char link[64], path[4096] = "?";
    int refusal, answer;
    REAL(close, int, int);
    if (!taken() || !control->armed)
        return real(fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0)
        strcpy(path, "?");
    refusal = met("close", fd, path, NULL, 0, "before");
    answer = real(fd);
    met("close", fd, path, NULL, 0, "behind");
    return refusal ? (errno = refusal, -1) : answer;
}

int rename(const char *old, const char *new)
{
    REAL(rename, int, const char *, const char *);
    CALL(int, "rename", -1, new, NULL, 0, real(old, new));
}

int renameat(int from, const char *old, int to, const char *new)
{
    char path[8192];
    REAL(renameat, int, int, const char *, int, const char *);
    taken();
    CALL(int, "rename", -1, whole(to, new, path), NULL, 0, real(from, old, to, new));
}

int unlink(const char *path)
{
    REAL(unlink, int, const char *);
    CALL(int, "unlink", -1, path, NULL, 0, real(path));
}

int unlinkat(int folder, const char *path, int flags)
{
    char found[8192];
    REAL(unlinkat, int, int, const char *, int);
    taken();
    CALL(int, "unlink", -1, whole(folder, path, found), NULL, 0, real(folder, path, flags));
}

int rmdir(const char *path)
{
    REAL(rmdir, int, const char *);
    CALL(int, "rmdir", -1, path, NULL, 0, real(path));
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        MODE(flags)                                                                                \
        REAL(name, int, const char *, int, ...);                                                   \
        if (!(flags & (O_CREAT | O_RDWR | O_WRONLY)))                                              \
            return real(path, flags, mode);                                                        \
        CALL(int, flags & O_CREAT ? "create" : "open", -1, path, NULL, 0, real(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        char found[8192];                                                                          \
        MODE(flags)                                                                                \
        REAL(name, int, int, const char *, int, ...);                                              \
        if (!(flags & (O_CREAT | O_RDWR | O_WRONLY)))                                              \
            return real(folder, path, flags, mode);                                                \
        taken();                                                                                   \
        CALL(int, flags & O_CREAT ? "create" : "open", -1, whole(folder, path, found), NULL, 0,    \
             real(folder, path, flags, mode));                                                     \
    }
OPENAT(openat)
OPENAT(openat64)
