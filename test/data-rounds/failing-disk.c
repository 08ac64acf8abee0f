/*
 * A library that is loaded before libc (LD_PRELOAD) and has writes, syncs and renames below one directory
 * fail: those with the numbers DISK_FAIL_AT to DISK_FAIL_AT + DISK_FAIL_COUNT - 1, counted from 1 over the
 * life of the process, with the error DISK_FAIL_ERRNO. The first one that fails has the file
 * DISK_FAIL_REPORT made. With DISK_FAIL_WRITES=1 only writes are counted, as on a full disk, and the first
 * that fails of several bytes writes half of them before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long operations;
static const char *under, *report;
static long fail_at, fail_count;
static int fail_errno, writes_only;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *text;
  under = getenv("DISK_FAIL_UNDER");
  report = getenv("DISK_FAIL_REPORT");
  fail_at = (text = getenv("DISK_FAIL_AT")) ? atol(text) : 0;
  fail_count = (text = getenv("DISK_FAIL_COUNT")) ? atol(text) : 1;
  fail_errno = (text = getenv("DISK_FAIL_ERRNO")) ? atoi(text) : EIO;
  writes_only = getenv("DISK_FAIL_WRITES") != NULL;
}

static int is_under(const char *path) {
  size_t length = under ? strlen(under) : 0;
  return length > 0 && strncmp(path, under, length) == 0;
}

/* The place of the next operation among those that fail, from 1; 0: it does not fail. */
static long next_fault(const char *what) {
  long number = atomic_fetch_add(&operations, 1) + 1;
  if (fail_at == 0 || number < fail_at || number >= fail_at + fail_count) return 0;
  if (report != NULL && number == fail_at) {
    int file = syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file >= 0) {
      syscall(SYS_write, file, what, strlen(what));
      syscall(SYS_close, file);
    }
  }
  return number - fail_at + 1;
}

static long fault_of(int fd, const char *what) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!is_under(path)) return 0;
  /* Sockets and pipes have no path below a directory. */
  char text[PATH_MAX + 32];
  snprintf(text, sizeof text, "%s %s", what, path + strlen(under));
  return next_fault(text);
}

#define FAIL_IF(condition)   \
  do {                       \
    if (condition) {         \
      errno = fail_errno;    \
      return -1;             \
    }                        \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
  long fault = fault_of(fd, "write");
  if (fault == 1 && writes_only && count > 1) return REAL(write)(fd, bytes, count / 2);
  FAIL_IF(fault);
  return REAL(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  long fault = fault_of(fd, "pwrite");
  if (fault == 1 && writes_only && count > 1) return REAL(pwrite)(fd, bytes, count / 2, offset);
  FAIL_IF(fault);
  return REAL(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return pwrite(fd, bytes, count, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  long fault = fault_of(fd, "writev");
  if (fault == 1 && writes_only && pieces[0].iov_len > 1) {
    return REAL(write)(fd, pieces[0].iov_base, pieces[0].iov_len / 2);
  }
  FAIL_IF(fault);
  return REAL(writev)(fd, pieces, count);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  long fault = fault_of(fd, "pwritev");
  if (fault == 1 && writes_only && pieces[0].iov_len > 1) {
    return REAL(pwrite)(fd, pieces[0].iov_base, pieces[0].iov_len / 2, offset);
  }
  FAIL_IF(fault);
  return REAL(pwritev)(fd, pieces, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset) {
  return pwritev(fd, pieces, count, offset);
}

int fsync(int fd) {
  FAIL_IF(!writes_only && fault_of(fd, "fsync"));
  return REAL(fsync)(fd);
}

int fdatasync(int fd) {
  FAIL_IF(!writes_only && fault_of(fd, "fdatasync"));
  return REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to) {
  FAIL_IF(!writes_only && is_under(from) && next_fault(to));
  return REAL(rename)(from, to);
}
