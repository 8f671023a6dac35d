/*
 * User-mode Linux 6.1 may never hear that a full pty of the host has room again: then nothing of the guest leaves any more,
 * for good. This shim, preloaded into linux.uml, lets a write to a terminal wait until all of it was taken, so that there is
 * nothing to hear of. A reader that stops for longer than the limit is left to UML.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 5000

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "write");
  ssize_t taken = real(fd, bytes, length);
  if ((size_t)taken == length || (taken < 0 && errno != EAGAIN) || !isatty(fd)) return taken;
  size_t done = taken < 0 ? 0 : (size_t)taken;
  long until = now_ms() + LIMIT_MS;
  while (done < length && now_ms() < until) {
    struct pollfd room = {fd, POLLOUT, 0};
    poll(&room, 1, 100);
    taken = real(fd, (const char *)bytes + done, length - done);
    if (taken > 0) done += (size_t)taken;
    else if (taken < 0 && errno != EAGAIN && errno != EINTR) break;
  }
  if (done > 0) return (ssize_t)done;
  errno = EAGAIN;
  return -1;
}
