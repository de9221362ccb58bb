/* A simulated AVR board: runs a firmware in libsimavr, with its first UART on a terminal.
 *
 *   board ELF MCU HZ TERMINAL READY RECORD
 *
 * TERMINAL and READY are open file descriptors: a pseudo-terminal's master side, and a pipe that gets one
 * byte when the firmware is loaded. At the end (SIGTERM, or the firmware stopped) RECORD is written, a JSON
 * file with cycles           core clock cycles that were simulated ram_bytes        the chip's RAM
 *   ram_never_used   its longest stretch that nothing was ever written to: what lay between the variables and
 * the deepest stack
 *
 * simavr's UART takes a byte every 11 bit times and holds 63 that wait, so nothing is lost before the
 * firmware's own receive buffer. While the core works it runs as fast as this machine can; while it sleeps
 * with nothing on the line, it sleeps in real time, so that the firmware's time-outs last as long as the
 * host's.
 *
 * Exit codes: 0 ended by a signal, 2 usage, 3 the firmware crashed or could not be loaded. */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>
#include <simavr/sim_time.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_CRASHED 3
#define PAINT 0xa5u
#define LOOK_MICROSECONDS 1000u /* of simulated time, between two looks at the terminal */

typedef struct {
  avr_t *avr;
  avr_irq_t *uart_input;
  int terminal;
  bool uart_full;   /* simavr asked to wait */
  bool uart_empty;  /* the firmware has read all */
  uint8_t in[4096]; /* from the host, not yet on the line */
  size_t in_begin, in_end;
  uint8_t out[4096]; /* from the board, not yet written */
  size_t out_count;
} board_t;

static volatile sig_atomic_t stopped;

static void stop(int number) {
  (void)number;
  stopped = 1;
}

/* Writes what the board sent; waits while the host does not read, as a paused board loses less than a hurried
 * one. */
static void flush_output(board_t *board) {
  size_t done = 0;
  while (done < board->out_count && !stopped) {
    const ssize_t count = write(board->terminal, board->out + done, board->out_count - done);
    if (count > 0) {
      done += (size_t)count;
    } else if (errno == EAGAIN) {
      struct pollfd ready = {.fd = board->terminal, .events = POLLOUT};
      (void)poll(&ready, 1, 100);
    } else if (errno != EINTR) {
      stopped = 1;
    }
  }
  board->out_count = 0;
}

/* Puts what waits on the line, as far as simavr takes it. */
static void feed(board_t *board) {
  while (!board->uart_full && board->in_begin < board->in_end) {
    board->uart_empty = false;
    avr_raise_irq(board->uart_input, board->in[board->in_begin++]);
  }
}

/* Reads what the host sent, once all before it is on the line. */
static void take_input(board_t *board) {
  if (board->in_begin == board->in_end) {
    const ssize_t count = read(board->terminal, board->in, sizeof board->in);
    board->in_begin = 0;
    board->in_end = count > 0 ? (size_t)count : 0;
  }
  feed(board);
}

static void on_output(avr_irq_t *irq, uint32_t value, void *context) {
  board_t *const board = context;
  (void)irq;
  board->out[board->out_count++] = (uint8_t)value;
  if (board->out_count == sizeof board->out) flush_output(board);
}

/* The firmware has read all that had arrived. */
static void on_empty(avr_irq_t *irq, uint32_t value, void *context) {
  board_t *const board = context;
  (void)irq;
  (void)value;
  board->uart_full = false;
  board->uart_empty = true;
  feed(board);
}

static void on_full(avr_irq_t *irq, uint32_t value, void *context) {
  board_t *const board = context;
  (void)irq;
  board->uart_full = value != 0;
}

static avr_cycle_count_t look(avr_t *avr, avr_cycle_count_t when, void *context) {
  board_t *const board = context;
  flush_output(board);
  take_input(board);
  return when + avr_usec_to_cycles(avr, LOOK_MICROSECONDS);
}

static board_t the_board;

/* The core sleeps for `cycles`. With a byte on the line that is no time at all. */
static void on_sleep(avr_t *avr, avr_cycle_count_t cycles) {
  board_t *const board = &the_board;
  flush_output(board);
  take_input(board);
  if (!board->uart_empty) return;
  struct pollfd ready = {.fd = board->terminal, .events = POLLIN};
  const uint64_t nanoseconds = avr_cycles_to_nsec(avr, cycles);
  const struct timespec timeout = {.tv_sec = (time_t)(nanoseconds / 1000000000u),
                                   .tv_nsec = (long)(nanoseconds % 1000000000u)};
  if (ppoll(&ready, 1, &timeout, NULL) > 0) take_input(board);
}

static bool prepare(board_t *board, const char *elf, const char *mcu, const char *hz) {
  static elf_firmware_t firmware;
  if (elf_read_firmware(elf, &firmware) != 0) {
    fprintf(stderr, "%s is no AVR program\n", elf);
    return false;
  }
  avr_t *const avr = avr_make_mcu_by_name(mcu);
  if (avr == NULL) {
    fprintf(stderr, "simavr does not know the chip %s\n", mcu);
    return false;
  }
  avr_init(avr);
  avr->log = LOG_ERROR;
  avr_load_firmware(avr, &firmware);
  avr->frequency = (uint32_t)strtoul(hz, NULL, 10);
  avr->sleep = on_sleep;
  board->avr = avr;
  uint32_t flags = 0; /* neither a console of its own nor sleeping while the firmware polls */
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  board->uart_input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_output, board);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_empty, board);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_full, board);
  avr_cycle_timer_register_usec(avr, LOOK_MICROSECONDS, look, board);
  memset(avr->data + avr->ioend + 1, (int)PAINT, (size_t)(avr->ramend - avr->ioend));
  return true;
}

/* The longest stretch of RAM that still has its paint. */
static unsigned never_used(const avr_t *avr) {
  unsigned longest = 0;
  unsigned length = 0;
  for (uint32_t address = avr->ioend + 1u; address <= avr->ramend; ++address) {
    length = avr->data[address] == PAINT ? length + 1u : 0u;
    longest = length > longest ? length : longest;
  }
  return longest;
}

/* Boards that share a build each write it: it is the whole record of one of them, the last to end. */
static void write_record(const avr_t *avr, const char *path) {
  char own[PATH_MAX];
  if (snprintf(own, sizeof own, "%s.%ld", path, (long)getpid()) >= (int)sizeof own) return;
  FILE *const file = fopen(own, "w");
  if (file == NULL) return;
  fprintf(file, "{\"cycles\": %llu, \"ram_bytes\": %u, \"ram_never_used\": %u}\n",
          (unsigned long long)avr->cycle, (unsigned)(avr->ramend - avr->ioend), never_used(avr));
  if (fclose(file) != 0 || rename(own, path) != 0) remove(own);
}

int main(int count, char **arguments) {
  board_t *const board = &the_board;
  if (count != 7) {
    fprintf(stderr, "usage: board ELF MCU HZ TERMINAL READY RECORD\n");
    return EXIT_USAGE;
  }
  const int ready = atoi(arguments[5]);
  board->terminal = atoi(arguments[4]);
  board->uart_empty = true;
  board->uart_full = true; /* until the firmware turns its receiver on */
  if (fcntl(board->terminal, F_SETFL, O_NONBLOCK) != 0 ||
      !prepare(board, arguments[1], arguments[2], arguments[3])) {
    return EXIT_CRASHED;
  }
  const struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  if (write(ready, "", 1) != 1) return EXIT_CRASHED;
  int state = cpu_Running;
  while (!stopped && state != cpu_Done && state != cpu_Crashed) {
    state = avr_run(board->avr);
  }
  write_record(board->avr, arguments[6]);
  if (stopped) return 0;
  fprintf(stderr, "the firmware %s at %#x\n", state == cpu_Crashed ? "crashed" : "stopped",
          (unsigned)board->avr->pc);
  return EXIT_CRASHED;
}
