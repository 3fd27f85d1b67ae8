// Preloaded into the daemon: sees each of its file operations below one directory, numbers and records them, and lets a
// chosen one fail, write only half, or be the last one before SIGKILL.
//
// DISK_DIRECTORY  the directory, absolute and without links
// DISK_CONTROL    a file of one page, shared with the test: struct control
// DISK_LOG        a file that every operation that succeeded is appended to: struct event, paths, content
// DISK_BOOT_ID    a file that is read instead of the kernel's boot id, so that a start looks like one after a power loss
//
// Operations are done one after another, under a lock, so that their order in the log is the order of their effects.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, CREATE, WRITE, TRUNCATE, SYNC, SYNC_DIRECTORY, RENAME, LINK, UNLINK, MAKE_DIRECTORY, REMOVE_DIRECTORY, CHANGE_MODE, STATFS };
enum mode { WATCH, FAIL_ONE, FAIL_FROM, KILL_BEFORE, KILL_AFTER, HALF };

struct control {
  _Atomic int64_t count;  // operations so far
  _Atomic int64_t target; // the one that is hit, from 1
  _Atomic int32_t mode, error, hits, kind;
};

struct event {
  int64_t index, inode, number; // number: size after a write or truncation, device-independent
  int32_t kind, path, other, content; // lengths of what follows
};

static struct control *control;
static const char *directory, *boot_id;
static size_t directory_length;
static int log_file = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char *page = getenv("DISK_CONTROL"), *log = getenv("DISK_LOG");
  boot_id = getenv("DISK_BOOT_ID");
  directory = getenv("DISK_DIRECTORY");
  if (!page || !directory) return;
  directory_length = strlen(directory);
  if (log) log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int file = syscall(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC);
  void *shared = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  if (shared != MAP_FAILED) control = shared;
}

static int is_ours(const char *path) {
  return control && path && !strncmp(path, directory, directory_length)
      && (path[directory_length] == '/' || path[directory_length] == 0);
}

static int path_of(int file, char *path) {
  if (!control) return 0;
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, 1023);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

static struct stat status_of(const char *path) {
  struct stat status;
  if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW)) memset(&status, 0, sizeof status);
  return status;
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// What to do with this operation: 0 do it, or one of enum mode. Called under the lock.
static int64_t current;
static int admit(enum kind kind) {
  current = atomic_fetch_add(&control->count, 1) + 1;
  int mode = control->mode;
  int hit = mode == FAIL_FROM ? current >= control->target : mode != WATCH && current == control->target;
  if (!hit) return WATCH;
  control->hits++;
  control->kind = kind;
  if (mode == KILL_BEFORE) die();
  if (mode == FAIL_ONE || mode == FAIL_FROM) errno = control->error;
  return mode;
}

static int fails(int verdict) { return verdict == FAIL_ONE || verdict == FAIL_FROM; }

static void record(enum kind kind, int64_t inode, const char *path, const char *other, int64_t number, const void *content, size_t length) {
  if (log_file < 0) return;
  struct event event = {current, inode, number, kind, strlen(path), other ? strlen(other) : 0, length};
  struct iovec parts[] = {{&event, sizeof event}, {(void *)path, event.path}, {(void *)(other ? other : ""), event.other}, {(void *)content, length}};
  if (syscall(SYS_writev, log_file, parts, 4) < 0) abort();
}

// The end of every operation: the lock is given back with errno as it was, unless this was the last one.
static void done(int verdict) {
  int error = errno;
  if (verdict == KILL_AFTER) die();
  pthread_mutex_unlock(&one_at_a_time);
  errno = error;
}

static int open_any(const char *path, int flags, mode_t mode) {
  if (boot_id && !strcmp(path, "/proc/sys/kernel/random/boot_id")) path = boot_id;
  if (!is_ours(path)) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  pthread_mutex_lock(&one_at_a_time);
  int creates = (flags & O_CREAT) && !status_of(path).st_ino;
  int verdict = admit(creates ? CREATE : OPEN);
  int file = fails(verdict) ? -1 : syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (file >= 0 && creates) record(CREATE, status_of(path).st_ino, path, 0, 0, 0, 0);
  if (file >= 0 && !creates && (flags & O_TRUNC)) record(TRUNCATE, status_of(path).st_ino, path, 0, 0, 0, 0);
  done(verdict);
  return file;
}

#define MODE_ARGUMENT va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest)
int open(const char *path, int flags, ...) { MODE_ARGUMENT; return open_any(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT; return open_any(path, flags | O_LARGEFILE, mode); }

static ssize_t write_any(int file, const struct iovec *parts, int count, off_t offset) {
  char path[1024];
  int positional = offset >= 0;
  if (file < 3 || !path_of(file, path))
    return positional ? syscall(SYS_pwritev, file, parts, count, offset, 0) : syscall(SYS_writev, file, parts, count);
  pthread_mutex_lock(&one_at_a_time);
  int verdict = admit(WRITE);
  struct iovec half = parts[0];
  if (verdict == HALF && half.iov_len > 1) { half.iov_len /= 2; parts = &half; count = 1; }
  ssize_t written = fails(verdict) ? -1
      : positional ? syscall(SYS_pwritev, file, parts, count, offset, 0) : syscall(SYS_writev, file, parts, count);
  struct stat status;
  if (written >= 0 && !fstat(file, &status)) record(WRITE, status.st_ino, path, 0, status.st_size, 0, 0);
  done(verdict);
  return written;
}

#define ONE_PART struct iovec part = {(void *)bytes, length}
ssize_t write(int file, const void *bytes, size_t length) { ONE_PART; return write_any(file, &part, 1, -1); }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { ONE_PART; return write_any(file, &part, 1, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) { ONE_PART; return write_any(file, &part, 1, offset); }
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) { return write_any(file, parts, count, offset); }
ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t offset) { return write_any(file, parts, count, offset); }

static int truncate_any(int file, off_t size) {
  char path[1024];
  if (!path_of(file, path)) return syscall(SYS_ftruncate, file, size);
  pthread_mutex_lock(&one_at_a_time);
  int verdict = admit(TRUNCATE), result = fails(verdict) ? -1 : syscall(SYS_ftruncate, file, size);
  struct stat status;
  if (!result && !fstat(file, &status)) record(TRUNCATE, status.st_ino, path, 0, size, 0, 0);
  done(verdict);
  return result;
}
int ftruncate(int file, off_t size) { return truncate_any(file, size); }
int ftruncate64(int file, off_t size) { return truncate_any(file, size); }

// What is durable afterwards is recorded as it was before: a write that comes in between may miss this sync.
static int sync_any(int file, long call) {
  char path[1024];
  struct stat status;
  if (!path_of(file, path) || fstat(file, &status)) return syscall(call, file);
  pthread_mutex_lock(&one_at_a_time);
  int is_directory = S_ISDIR(status.st_mode), verdict = admit(is_directory ? SYNC_DIRECTORY : SYNC);
  void *content = 0;
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  int again = is_directory ? -1 : syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
  if (again >= 0 && status.st_size) content = mmap(0, status.st_size, PROT_READ, MAP_SHARED, again, 0);
  int result = fails(verdict) ? -1 : syscall(call, file);
  if (!result) record(is_directory ? SYNC_DIRECTORY : SYNC, status.st_ino, path, 0, status.st_size, content, content ? status.st_size : 0);
  if (content) munmap(content, status.st_size);
  if (again >= 0) syscall(SYS_close, again);
  done(verdict);
  return result;
}
int fsync(int file) { return sync_any(file, SYS_fsync); }
int fdatasync(int file) { return sync_any(file, SYS_fdatasync); }

static int move_any(enum kind kind, const char *from, const char *to, unsigned flags) {
  long call = kind == LINK ? SYS_linkat : SYS_renameat2;
  if (!is_ours(from) && !is_ours(to)) return syscall(call, AT_FDCWD, from, AT_FDCWD, to, flags);
  pthread_mutex_lock(&one_at_a_time);
  int64_t inode = status_of(from).st_ino;
  int verdict = admit(kind), result = fails(verdict) ? -1 : syscall(call, AT_FDCWD, from, AT_FDCWD, to, flags);
  if (!result) record(kind, inode, from, to, 0, 0, 0);
  done(verdict);
  return result;
}
int rename(const char *from, const char *to) { return move_any(RENAME, from, to, 0); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
  (void)from_at; (void)to_at; // the daemon has absolute paths only
  return move_any(RENAME, from, to, flags);
}
int link(const char *from, const char *to) { return move_any(LINK, from, to, 0); }

static int change(enum kind kind, const char *path, long call, long argument, long more) {
  if (!is_ours(path)) return syscall(call, AT_FDCWD, path, argument, more);
  pthread_mutex_lock(&one_at_a_time);
  int64_t inode = status_of(path).st_ino;
  int verdict = admit(kind), result = fails(verdict) ? -1 : syscall(call, AT_FDCWD, path, argument, more);
  if (!result) record(kind, inode ? inode : (int64_t)status_of(path).st_ino, path, 0, 0, 0, 0);
  done(verdict);
  return result;
}
int unlink(const char *path) { return change(UNLINK, path, SYS_unlinkat, 0, 0); }
int rmdir(const char *path) { return change(REMOVE_DIRECTORY, path, SYS_unlinkat, AT_REMOVEDIR, 0); }
int chmod(const char *path, mode_t mode) { return change(CHANGE_MODE, path, SYS_fchmodat, mode, 0); }
int mkdir(const char *path, mode_t mode) { return change(MAKE_DIRECTORY, path, SYS_mkdirat, mode, 0); }

// The real one is asked for by version: our own dlsym, below, would answer with ourselves.
typedef void *(*lookup)(void *, const char *);
static lookup real_lookup(void) {
  static lookup found;
  if (!found) found = (lookup)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
  if (!found) found = (lookup)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
  return found;
}

#define SPACE(name, type) int name(const char *path, struct type *space) { \
  int (*real)(const char *, struct type *) = real_lookup()(RTLD_NEXT, #name); \
  if (!is_ours(path)) return real(path, space); \
  pthread_mutex_lock(&one_at_a_time); \
  int verdict = admit(STATFS), result = fails(verdict) ? -1 : real(path, space); \
  done(verdict); \
  return result; }
SPACE(statfs, statfs)
SPACE(statfs64, statfs64)

// .NET looks a function of libc up in libc itself, which passes a preloaded library by.
void *dlsym(void *library, const char *name) {
  static const struct { const char *name; void *function; } ours[] = {
    {"open", open}, {"fsync", fsync}, {"fdatasync", fdatasync}, {"rename", rename}, {"renameat2", renameat2}, {"link", link},
    {"unlink", unlink}, {"rmdir", rmdir}, {"mkdir", mkdir}, {"pwrite", pwrite}, {"ftruncate", ftruncate},
  };
  for (size_t i = 0; control && i < sizeof ours / sizeof *ours; i++)
    if (!strcmp(name, ours[i].name)) return ours[i].function;
  return real_lookup()(library, name);
}
