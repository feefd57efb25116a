/* Preloaded into a process, it logs what that process does to the files of one folder: every creation, write, truncation,
   sync, removal and renaming, in order, with the bytes. What would be left after a loss of power is worked out from the
   log. Linux with 64-bit offsets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define DESCRIPTORS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static char folder[4096];
static size_t folder_length;
/* What each descriptor stands for: a name in the folder, "" for the folder itself, NULL for anything else. */
static char *names[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("PATRONAGE_POWER_LOG"), *of = getenv("PATRONAGE_POWER_FOLDER");
    if (log == NULL || of == NULL || strlen(of) >= sizeof folder) return;
    strcpy(folder, of);
    folder_length = strlen(folder);
    log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* The name in the folder that a path stands for, or NULL. */
static const char *name_of(const char *path) {
    if (log_file < 0 || path == NULL || strncmp(path, folder, folder_length) != 0) return NULL;
    path += folder_length;
    if (*path == 0) return path;
    if (*path != '/') return NULL;
    return path + 1;
}

static const char *name_at(int file) {
    return file >= 0 && file < DESCRIPTORS ? names[file] : NULL;
}

static void put(const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        ssize_t put = syscall(SYS_write, log_file, from, length);
        if (put < 0) abort();
        from += put;
        length -= (size_t)put;
    }
}

/* Only with the lock. */
static void entry(char kind, const char *name, uint64_t at, const void *bytes, uint64_t length) {
    uint64_t head[3] = {strlen(name), at, length};
    int error = errno;
    put(&kind, 1);
    put(head, sizeof head);
    put(name, head[0]);
    put(bytes, length);
    errno = error;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    const char *name = at == AT_FDCWD ? name_of(path) : NULL;
    if (name == NULL) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    int there = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    int file = (int)syscall(SYS_openat, at, path, flags, mode);
    if (file >= DESCRIPTORS) abort();
    if (file >= 0) {
        if (!there) entry('c', name, 0, NULL, 0);
        else if (flags & O_TRUNC) entry('t', name, 0, NULL, 0);
        free(names[file]);
        names[file] = strdup(name);
    }
    pthread_mutex_unlock(&lock);
    return file;
}

#define OPEN(function)                                          \
    int function(const char *path, int flags, ...) {            \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                           \
        return opened(AT_FDCWD, path, flags, mode);             \
    }
#define OPEN_AT(function)                                       \
    int function(int at, const char *path, int flags, ...) {    \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                           \
        return opened(at, path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

int close(int file) {
    if (name_at(file) != NULL) {
        pthread_mutex_lock(&lock);
        free(names[file]);
        names[file] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, file);
}

ssize_t write(int file, const void *bytes, size_t length) {
    if (name_at(file) == NULL) return syscall(SYS_write, file, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_write, file, bytes, length);
    if (written > 0) {
        uint64_t end = (uint64_t)syscall(SYS_lseek, file, 0, SEEK_CUR);
        entry('w', names[file], end - (uint64_t)written, bytes, (uint64_t)written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

static ssize_t written_at(int file, const void *bytes, size_t length, off_t at) {
    if (name_at(file) == NULL) return syscall(SYS_pwrite64, file, bytes, length, at);
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_pwrite64, file, bytes, length, at);
    if (written > 0) entry('w', names[file], (uint64_t)at, bytes, (uint64_t)written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return written_at(file, bytes, length, at); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) { return written_at(file, bytes, length, at); }

static int truncated(int file, off_t length) {
    if (name_at(file) == NULL) return (int)syscall(SYS_ftruncate, file, length);
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_ftruncate, file, length);
    if (answer == 0) entry('t', names[file], (uint64_t)length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return answer;
}

int ftruncate(int file, off_t length) { return truncated(file, length); }
int ftruncate64(int file, off_t length) { return truncated(file, length); }

/* Both make contents and sizes durable. The real sync is left out: what is durable is worked out from the log. */
static int synced(int file) {
    pthread_mutex_lock(&lock);
    entry('s', names[file], 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int file) { return name_at(file) == NULL ? (int)syscall(SYS_fsync, file) : synced(file); }
int fdatasync(int file) { return name_at(file) == NULL ? (int)syscall(SYS_fdatasync, file) : synced(file); }

int unlink(const char *path) {
    const char *name = name_of(path);
    if (name == NULL) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (answer == 0) entry('u', name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return answer;
}

int rename(const char *from, const char *to) {
    const char *name = name_of(from), *new_name = name_of(to);
    if (name == NULL || new_name == NULL) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (answer == 0) entry('r', name, 0, new_name, strlen(new_name));
    pthread_mutex_unlock(&lock);
    return answer;
}
