/*
 * User-mode Linux 6.1 keeps 2696 octets of a process's extended state. On a processor with more of it (AMX: 11008 octets)
 * the host's kernel refuses to set less than the whole, and the guest dies before its init runs. This shim, preloaded into
 * linux.uml, reads the whole state, lays UML's part over it and sets that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define XSTATE ((void *)0x202)

long ptrace(enum __ptrace_request request, ...) {
  static long (*real)(enum __ptrace_request, ...);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "ptrace");
  va_list rest;
  va_start(rest, request);
  pid_t pid = va_arg(rest, pid_t);
  void *address = va_arg(rest, void *);
  void *data = va_arg(rest, void *);
  va_end(rest);
  if (request == PTRACE_SETREGSET && address == XSTATE) {
    static char whole[65536] __attribute__((aligned(64)));
    struct iovec asked = *(struct iovec *)data;
    struct iovec all = {whole, sizeof whole};
    if (real(PTRACE_GETREGSET, pid, XSTATE, &all) == 0 && all.iov_len > asked.iov_len) {
      memcpy(whole, asked.iov_base, asked.iov_len);
      return real(PTRACE_SETREGSET, pid, XSTATE, &all);
    }
  }
  return real(request, pid, address, data);
}
