/* Writes down what a process does to the files of one folder, in order, and does it.
 *
 * LD_PRELOAD it with TAPE_ROOT (absolute folder) and TAPE_FILE (where the tape goes). Records:
 * a byte for the kind, then little-endian numbers and length-prefixed bytes:
 *   C inode path          a file was made            W inode offset data     written
 *   T inode size          made shorter or longer     S inode                 fsync of a file
 *   D path                fsync of a folder          U path                  unlinked
 *   R path path           renamed                    M path                  folder made
 *   X path                folder removed
 * After set_clock_step the process lives so many seconds later, or earlier.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int tape = -1;
static char root[PATH_MAX];
static size_t root_length;
static long clock_step_s;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("TAPE_ROOT"), *file = getenv("TAPE_FILE");
    if (!folder || !file || !realpath(folder, root)) return;
    root_length = strlen(root);
    tape = REAL(open)(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int is_ours(const char *path) {
    return tape >= 0 && strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == '\0');
}

/* Absolute path without links of the folder part; the last part may not exist yet. */
static int absolute(int folder, const char *path, char *out) {
    char parent[PATH_MAX], whole[PATH_MAX];
    if (path[0] != '/' && folder != AT_FDCWD) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t n = readlink(link, parent, sizeof parent - 1);
        if (n < 0) return 0;
        parent[n] = '\0';
        if ((size_t)snprintf(whole, sizeof whole, "%s/%s", parent, path) >= sizeof whole) return 0;
    } else if ((size_t)snprintf(whole, sizeof whole, "%s", path) >= sizeof whole) {
        return 0;
    }
    char *slash = strrchr(whole, '/');
    const char *name = slash ? slash + 1 : whole;
    char last[PATH_MAX];
    snprintf(last, sizeof last, "%s", name);
    if (slash == whole) slash[1] = '\0';
    else if (slash) *slash = '\0';
    if (!realpath(slash ? whole : ".", parent)) return 0;
    return (size_t)snprintf(out, PATH_MAX, "%s/%s", parent, last) < PATH_MAX;
}

/* The path of an open file below the root, and its inode. */
static int open_file(int fd, char *path, struct stat *about) {
    if (tape < 0 || fd == tape) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0 || path[0] != '/') return 0;
    path[n] = '\0';
    if (!is_ours(path)) return 0;
    return fstat(fd, about) == 0 && (S_ISREG(about->st_mode) || S_ISDIR(about->st_mode));
}

static void put(const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t n = REAL(write)(tape, at, size);
        if (n <= 0) abort();
        at += n;
        size -= n;
    }
}

static void put_number(uint64_t number) { put(&number, sizeof number); }

static void put_bytes(const void *data, size_t size) {
    put_number(size);
    put(data, size);
}

static void note(char kind, const char *path, const char *other) {
    if (tape < 0) return;
    put(&kind, 1);
    put_bytes(path + root_length, strlen(path) - root_length);
    if (other) put_bytes(other + root_length, strlen(other) - root_length);
}

static void note_inode(char kind, uint64_t inode) {
    put(&kind, 1);
    put_number(inode);
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (tape < 0 || !(flags & (O_CREAT | O_TRUNC)) || !absolute(folder, path, full) ||
        !is_ours(full))
        return REAL(openat64)(folder, path, flags, mode);
    pthread_mutex_lock(&turn);
    int was_there = access(full, F_OK) == 0;
    int fd = REAL(openat64)(folder, path, flags, mode);
    struct stat about;
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        if (!was_there) {
            note_inode('C', about.st_ino);
            put_bytes(full + root_length, strlen(full) - root_length);
        } else if (flags & O_TRUNC) {
            note_inode('T', about.st_ino);
            put_number(0);
        }
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE_OF(flags)
    return opened(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE_OF(flags)
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE_OF(flags)
    return opened(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE_OF(flags)
    return opened(folder, path, flags, mode);
}

static void note_write(int fd, int64_t offset, const void *data, size_t size) {
    char path[PATH_MAX];
    struct stat about;
    if (!open_file(fd, path, &about)) return;
    note_inode('W', about.st_ino);
    put_number(offset);
    put_bytes(data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    pthread_mutex_lock(&turn);
    ssize_t n = REAL(pwrite64)(fd, data, size, offset);
    if (n > 0) note_write(fd, offset, data, n);
    pthread_mutex_unlock(&turn);
    return n;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (tape < 0 || fd == tape) return REAL(write)(fd, data, size);
    pthread_mutex_lock(&turn);
    ssize_t n = REAL(write)(fd, data, size);
    if (n > 0) {
        int kept = errno;
        off64_t end = lseek64(fd, 0, SEEK_CUR);
        if (end >= 0) note_write(fd, end - n, data, n);
        errno = kept;
    }
    pthread_mutex_unlock(&turn);
    return n;
}

int ftruncate64(int fd, off64_t size) {
    pthread_mutex_lock(&turn);
    int done = REAL(ftruncate64)(fd, size);
    char path[PATH_MAX];
    struct stat about;
    if (done == 0 && open_file(fd, path, &about)) {
        note_inode('T', about.st_ino);
        put_number(size);
    }
    pthread_mutex_unlock(&turn);
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int done) {
    char path[PATH_MAX];
    struct stat about;
    if (done == 0 && open_file(fd, path, &about)) {
        if (S_ISDIR(about.st_mode)) note('D', path, NULL);
        else note_inode('S', about.st_ino);
    }
    return done;
}
int fsync(int fd) {
    pthread_mutex_lock(&turn);
    int done = synced(fd, REAL(fsync)(fd));
    pthread_mutex_unlock(&turn);
    return done;
}
int fdatasync(int fd) {
    pthread_mutex_lock(&turn);
    int done = synced(fd, REAL(fdatasync)(fd));
    pthread_mutex_unlock(&turn);
    return done;
}

static int changed(char kind, int folder, const char *path, int done) {
    char full[PATH_MAX];
    if (done == 0 && tape >= 0 && absolute(folder, path, full) && is_ours(full))
        note(kind, full, NULL);
    return done;
}
#define LOCKED(expression) \
    pthread_mutex_lock(&turn); \
    int done = (expression); \
    int kept = errno; \
    pthread_mutex_unlock(&turn); \
    errno = kept; \
    return done;

int unlink(const char *path) { LOCKED(changed('U', AT_FDCWD, path, REAL(unlink)(path))) }
int unlinkat(int folder, const char *path, int flags) {
    LOCKED(changed(flags & AT_REMOVEDIR ? 'X' : 'U', folder, path,
                   REAL(unlinkat)(folder, path, flags)))
}
int rmdir(const char *path) { LOCKED(changed('X', AT_FDCWD, path, REAL(rmdir)(path))) }
int mkdir(const char *path, mode_t mode) {
    LOCKED(changed('M', AT_FDCWD, path, REAL(mkdir)(path, mode)))
}

static int renamed(int from, const char *path, int to, const char *other) {
    char one[PATH_MAX], two[PATH_MAX];
    int is_known = tape >= 0 && absolute(from, path, one) && absolute(to, other, two);
    int done = REAL(renameat)(from, path, to, other);
    if (done == 0 && is_known && is_ours(one) && is_ours(two)) note('R', one, two);
    return done;
}
int rename(const char *path, const char *other) {
    LOCKED(renamed(AT_FDCWD, path, AT_FDCWD, other))
}
int link(const char *path, const char *other) {
    char one[PATH_MAX], two[PATH_MAX];
    int is_known = tape >= 0 && absolute(AT_FDCWD, path, one) && absolute(AT_FDCWD, other, two);
    if (is_known && is_ours(one) && is_ours(two)) abort(); /* the tape knows no hard links */
    return REAL(link)(path, other);
}

void set_clock_step(long seconds) { clock_step_s = seconds; }

int clock_gettime(clockid_t clock, struct timespec *when) {
    int done = REAL(clock_gettime)(clock, when);
    if (done == 0 && clock == CLOCK_REALTIME) when->tv_sec += clock_step_s;
    return done;
}
time_t time(time_t *when) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (when) *when = now.tv_sec;
    return now.tv_sec;
}
