/* The HAL of a process on the host, for tests and fuzzing: the link is standard input and output, whatever
 * whoever starts the process has put there (a pipe, a socket, a pseudo-terminal in raw mode). The process
 * ends with its input.
 *
 * Its ticks are microseconds of the host and say nothing of a board: its clock is 0, as an emulator's. */
#define _POSIX_C_SOURCE 200809L

#include "hal/hal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a pipe holds on Linux. More would not be lost: the writer would wait. */
#define RECEIVE_BYTES 65536u
/* An upper bound on how late the fall-back of a baud change may be noticed. */
#define WAIT_MILLISECONDS 100

static uint64_t started;
static uint64_t measure_started;

static uint64_t microseconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Whether reading would not block: a byte is there, or the end. */
static bool readable(int timeout_milliseconds) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, timeout_milliseconds) > 0;
}

void hal_init(void) { started = microseconds(); }

size_t hal_read(uint8_t *bytes, size_t capacity) {
  if (capacity == 0u || !readable(0)) {
    return 0;
  }
  const ssize_t count = read(STDIN_FILENO, bytes, capacity);
  if (count > 0) {
    return (size_t)count;
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return 0;
  }
  exit(EXIT_SUCCESS);
}

void hal_write(const uint8_t *bytes, size_t count) {
  while (count > 0u) {
    const ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written > 0) {
      bytes += written;
      count -= (size_t)written;
    } else if (written < 0 && errno == EAGAIN) {
      struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
      (void)poll(&output, 1, WAIT_MILLISECONDS);
    } else if (written < 0 && errno != EINTR) {
      exit(EXIT_FAILURE); /* nobody is there to hear it */
    }
  }
}

void hal_flush(void) {}

void hal_wait(void) { (void)readable(WAIT_MILLISECONDS); }

uint32_t hal_receive_capacity(void) { return RECEIVE_BYTES; }

uint32_t hal_overruns(void) { return 0; }

void hal_measure_begin(void) { measure_started = microseconds(); }

uint32_t hal_measure_end(void) {
  const uint64_t elapsed = microseconds() - measure_started;
  return elapsed < UINT32_MAX ? (uint32_t)elapsed : UINT32_MAX;
}

hal_unit_t hal_unit(void) { return HAL_UNIT_MICROSECONDS; }

uint32_t hal_clock_hz(void) { return 0; }

uint32_t hal_safe_baud(void) { return 0; }

bool hal_set_baud(uint32_t baud) {
  (void)baud;
  return false;
}

uint32_t hal_millis(void) { return (uint32_t)((microseconds() - started) / 1000u); }

/* A process has no reset: it ends, and whoever started it may start it again. */
void hal_reset(void) { exit(EXIT_SUCCESS); }
