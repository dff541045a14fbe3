/* Preloaded into a daemon: read(2) of an inotify or fanotify queue fails with EIO, once for each time that a test makes the
   file that FAILING_READ names. The file is removed by the read that fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_watch_queue(int fd) {
    char link[64], target[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return 0;
    target[length] = 0;
    return strcmp(target, "anon_inode:inotify") == 0 || strcmp(target, "anon_inode:[fanotify]") == 0;
}

ssize_t read(int fd, void *buffer, size_t length) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real)
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    const char *name = getenv("FAILING_READ");
    if (name && access(name, F_OK) == 0 && is_watch_queue(fd) && unlink(name) == 0) {
        errno = EIO;
        return -1;
    }
    return real(fd, buffer, length);
}
