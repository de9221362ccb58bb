#include "memory_hal.h"

#include <string.h>

#include "app/app.h"
#include "hal/hal.h"
#include "hal/ring.h"

#define QUEUE_BYTES (1u << 20)
#define RECEIVE_BYTES_MOST 65536u

/* Bytes, each with the time at which it arrives or was sent, in order of time, and the rate it was sent at.
 */
typedef struct {
  uint8_t bytes[QUEUE_BYTES];
  uint64_t at[QUEUE_BYTES];
  uint32_t baud[QUEUE_BYTES];
  size_t head;
  size_t tail;
} queue_t;

static queue_t down; /* on its way to the board */
static queue_t up;   /* sent by the board */
static uint8_t storage[RECEIVE_BYTES_MOST];
static ring_t received;
static board_options_t options;

static struct {
  uint64_t now;
  uint64_t limit;        /* of the present board_run() */
  uint64_t powered_at;   /* the firmware listens from here on */
  uint64_t arrived;      /* bytes that reached the board since board_make() */
  uint64_t begun;        /* of the measured section */
  bool power_lost;       /* between a byte's arrival and the restart */
  uint32_t overruns;     /* of the hardware: lost with the power */
  uint32_t all_overruns; /* since board_make() */
  uint32_t inferences;
  uint32_t power_losses;
  uint32_t baud;
} board;

static bool queue_put(queue_t *queue, const uint8_t *bytes, size_t count, uint64_t at) {
  if (queue->head == queue->tail) queue->head = queue->tail = 0;
  if (count > QUEUE_BYTES - queue->tail) {
    const size_t waiting = queue->tail - queue->head;
    memmove(queue->bytes, queue->bytes + queue->head, waiting);
    memmove(queue->at, queue->at + queue->head, waiting * sizeof queue->at[0]);
    memmove(queue->baud, queue->baud + queue->head, waiting * sizeof queue->baud[0]);
    queue->head = 0;
    queue->tail = waiting;
  }
  if (count > QUEUE_BYTES - queue->tail) return false;
  memcpy(queue->bytes + queue->tail, bytes, count);
  for (size_t i = 0; i < count; i++) {
    queue->at[queue->tail + i] = at;
    queue->baud[queue->tail + i] = board.baud;
  }
  queue->tail += count;
  return true;
}

static bool queue_has(const queue_t *queue, uint64_t until) {
  return queue->head < queue->tail && queue->at[queue->head] <= until;
}

static void power_on(void) {
  board_clear_statics();
  received = (ring_t){.storage = storage, .mask = options.receive_bytes - 1u};
  board.power_lost = false;
  board.overruns = 0;
  board.baud = options.safe_baud;
  hal_init();
  if (options.boot_text_length > 0) hal_write(options.boot_text, options.boot_text_length);
  app_init();
  board.powered_at = board.now + options.boot_ns;
}

void board_make(const board_options_t *chosen) {
  options = *chosen;
  memset(&board, 0, sizeof board);
  down.head = down.tail = up.head = up.tail = 0;
  power_on();
}

void board_lose_power(void) {
  board.power_losses++;
  power_on();
}

bool board_feed(const uint8_t *bytes, size_t count, uint64_t at) {
  return queue_put(&down, bytes, count, at);
}

/* Moves what has arrived by now into the receive buffer, as an interrupt handler would have. The main loop
 * takes bytes out only in hal_read(), so doing it there loses exactly the bytes that would have been lost. */
static void receive(void) {
  while (!board.power_lost && queue_has(&down, board.now)) {
    const uint64_t at = down.at[down.head];
    const uint8_t byte = down.bytes[down.head++];
    board.arrived++;
    if (board.arrived == options.power_lost_at) {
      board.power_lost = true;
    } else if (at >= board.powered_at && !ring_put(&received, byte)) {
      board.overruns++;
      board.all_overruns++;
    }
  }
}

uint64_t board_run(uint64_t until) {
  board.limit = until;
  while (up.head == up.tail && board.now <= until) {
    receive();
    if (board.power_lost) board_lose_power();
    if (board.now == until && ring_count(&received) == 0) break;
    app_poll();
  }
  return board.now;
}

uint64_t board_sent_at(void) { return up.head < up.tail ? up.at[up.head] : UINT64_MAX; }

uint32_t board_sent_baud(void) { return up.head < up.tail ? up.baud[up.head] : 0; }

size_t board_take(uint8_t *bytes, size_t capacity, uint64_t until) {
  const uint32_t baud = board_sent_baud();
  size_t count = 0;
  while (count < capacity && queue_has(&up, until) && up.baud[up.head] == baud) {
    bytes[count++] = up.bytes[up.head++];
  }
  return count;
}

uint32_t board_baud(void) { return board.baud; }

uint32_t board_overruns(void) { return board.all_overruns; }

uint32_t board_inferences(void) { return board.inferences; }

uint32_t board_power_losses(void) { return board.power_losses; }

void hal_init(void) {}

size_t hal_read(uint8_t *bytes, size_t capacity) {
  receive();
  return board.power_lost ? 0 : ring_take(&received, bytes, capacity);
}

void hal_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    board.now += options.transmit_ns;
    if (!queue_put(&up, bytes + i, 1u, board.now)) __builtin_trap(); /* the firmware talks without end */
  }
}

void hal_flush(void) {}

void hal_wait(void) {
  if (board.power_lost || ring_count(&received) > 0) return;
  const uint64_t arrival = down.head < down.tail ? down.at[down.head] : UINT64_MAX;
  const uint64_t wake = arrival < board.limit ? arrival : board.limit;
  if (wake > board.now) board.now = wake;
}

uint32_t hal_receive_capacity(void) { return options.receive_bytes; }

uint32_t hal_overruns(void) { return board.overruns; }

void hal_measure_begin(void) { board.begun = board.now; }

/* A whole inference is one measured section; a profiled one has a section an operator. */
uint32_t hal_measure_end(void) {
  board.inferences++;
  board.now += options.inference_ns;
  return (uint32_t)((board.now - board.begun) / 1000u);
}

hal_unit_t hal_unit(void) { return HAL_UNIT_MICROSECONDS; }

uint32_t hal_clock_hz(void) { return 1000000u; }

uint32_t hal_safe_baud(void) { return options.safe_baud; }

bool hal_set_baud(uint32_t baud) {
  board.baud = baud;
  return true;
}

uint32_t hal_millis(void) { return (uint32_t)(board.now / 1000000u); }

void hal_reset(void) { board.power_lost = true; }
