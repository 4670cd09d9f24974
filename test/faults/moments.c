/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * A library for LD_PRELOAD that sends a program a signal at a moment that is the same in every run, whatever the machine does.
 * The program's calls of the C library are its events, counted from 0: c (clock_gettime: once a step, once an epoch), o (open),
 * w (write), s (fsync), r (rename). A moment is an event, or, inside a step or a measurement, which make no calls, the first touch
 * of a page of the program's mapped memory after an event.
 *
 *   MOMENT_REPORT=FILE              "sent EVENT NANOSECONDS" when the signal goes out, in or after that event; at the end "events cooocccw…"
 *   MOMENT="SIGNAL EVENT"           a number of a signal, sent in the call; a write writes half of its bytes before
 *   MOMENT="SIGNAL EVENT PAGE"      sent when page number PAGE (modulo their count) is touched after the event, before the next one;
 *                                   not sent where nothing touches it then
 *   MOMENT_SHORT=N                  no signal: every read and write moves at most N bytes */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kPageBytes = 4096, kMostEvents = 1 << 16 };

static int signal_number;
static long wanted_event = -1, wanted_page = -1, short_bytes;
static char* memory; /* what the program mapped first */
static size_t memory_pages;
static char* _Atomic trap; /* the page whose touch sends the signal */
static atomic_int sent;
static char events[kMostEvents];
static long event_count;
static int report = -1;

static long long now(void) {
  struct timespec time;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void report_line(const char* text, size_t length) {
  if (report >= 0 && syscall(SYS_write, report, text, length) != (ssize_t)length) abort();
}

static void send_signal(void) {
  if (atomic_exchange(&sent, 1)) return;
  char line[96];
  report_line(line, (size_t)snprintf(line, sizeof line, "sent %ld %lld\n", event_count - 1, now()));
  raise(signal_number);
}

static void set_trap(void) {
  char* page = memory + (size_t)wanted_page % memory_pages * kPageBytes;
  atomic_store(&trap, page);
  mprotect(page, kPageBytes, PROT_NONE);
}

static void lift_trap(void) {
  char* page = atomic_exchange(&trap, NULL);
  if (page) mprotect(page, kPageBytes, PROT_READ | PROT_WRITE);
}

static void on_touch(int number, siginfo_t* information, void* context) {
  (void)context;
  char* touched = information->si_addr;
  if (touched < memory || touched >= memory + memory_pages * kPageBytes) {
    signal(number, SIG_DFL); /* a fault of the program's own */
    return;
  }
  lift_trap();
  send_signal();
}

/* Counts an event, and says whether the signal is due in it. */
static int event(char kind) {
  const long number = event_count;
  if (event_count < kMostEvents) events[event_count++] = kind;
  lift_trap();
  if (number != wanted_event) return 0;
  if (wanted_page < 0) return 1;
  if (memory) set_trap();
  return 0;
}

/* The system must not find the trap: it would refuse the call instead of touching the page. */
static void system_touches(const void* begin, size_t bytes) {
  const char* page = atomic_load(&trap);
  if (!page || (const char*)begin >= page + kPageBytes || (const char*)begin + bytes <= page) return;
  lift_trap();
  send_signal();
}

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

void* mmap(void* address, size_t bytes, int protection, int flags, int descriptor, off_t offset) {
  REAL(void*, mmap, void*, size_t, int, int, int, off_t);
  void* out = real(address, bytes, protection, flags, descriptor, offset);
  if (!memory && out != MAP_FAILED && bytes >= kPageBytes) {
    memory = out;
    memory_pages = bytes / kPageBytes;
  }
  return out;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  REAL(int, clock_gettime, clockid_t, struct timespec*);
  if (event('c')) send_signal();
  return real(clock, time);
}

int open(const char* path, int flags, ...) {
  REAL(int, open, const char*, int, ...);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (event('o')) send_signal();
  return real(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  REAL(ssize_t, write, int, const void*, size_t);
  if (short_bytes > 0 && count > (size_t)short_bytes) count = (size_t)short_bytes;
  if (event('w')) {
    const ssize_t half = real(descriptor, bytes, count / 2);
    send_signal();
    return half;
  }
  system_touches(bytes, count);
  return real(descriptor, bytes, count);
}

ssize_t read(int descriptor, void* bytes, size_t count) {
  REAL(ssize_t, read, int, void*, size_t);
  if (short_bytes > 0 && count > (size_t)short_bytes) count = (size_t)short_bytes;
  return real(descriptor, bytes, count);
}

int fsync(int descriptor) {
  REAL(int, fsync, int);
  if (event('s')) send_signal();
  return real(descriptor);
}

int rename(const char* from, const char* to) {
  REAL(int, rename, const char*, const char*);
  if (event('r')) send_signal();
  return real(from, to);
}

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("MOMENT_REPORT");
  const char* moment = getenv("MOMENT");
  const char* bytes = getenv("MOMENT_SHORT");
  if (path) report = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (moment && sscanf(moment, "%d %ld %ld", &signal_number, &wanted_event, &wanted_page) < 2) abort();
  if (bytes) short_bytes = atol(bytes);
  struct sigaction action = {0};
  action.sa_sigaction = on_touch;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
}

__attribute__((destructor)) static void end(void) {
  report_line("events ", 7);
  report_line(events, (size_t)event_count);
  report_line("\n", 1);
}
