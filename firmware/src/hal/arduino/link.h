/* What lies behind `Serial` on an Arduino board: how much it holds, and whether it has a rate.
 *
 *   LINK_HAS_RATE        1: a UART, behind a USB bridge; 0: the core's own USB
 *   LINK_RECEIVE_BYTES   received bytes that can wait in the core library's buffer without loss
 *   link_open(baud)      opens `Serial`
 *
 * A buffer that the core library lets us size is made larger where there is RAM; -D LINK_RECEIVE_BYTES states
 * another size. The numbers of the boards that were never run are those of their core library's source
 * (docs/BOARDS.md). */
#ifndef BOARDPROOF_HAL_ARDUINO_LINK_H
#define BOARDPROOF_HAL_ARDUINO_LINK_H

#include "hal/arduino/core.h"

#if defined(USBCON) || defined(TEENSYDUINO) || defined(ARDUINO_ARCH_MBED) || defined(ARDUINO_ARCH_RP2040) || \
    (defined(ARDUINO_USB_CDC_ON_BOOT) && ARDUINO_USB_CDC_ON_BOOT)
#define LINK_HAS_RATE 0
#else
#define LINK_HAS_RATE 1
#endif

#ifndef LINK_RECEIVE_BYTES
#if defined(ARDUINO_ARCH_ESP32)
#define LINK_RECEIVE_BYTES 8192
#elif !LINK_HAS_RATE
#define LINK_RECEIVE_BYTES 4096 /* a full buffer makes the USB host wait: what cannot wait here waits there */
#elif defined(SERIAL_RX_BUFFER_SIZE)
#define LINK_RECEIVE_BYTES (SERIAL_RX_BUFFER_SIZE - 1) /* the ring keeps one place free */
#else
#define LINK_RECEIVE_BYTES 63 /* what every core library has */
#endif
#endif

static inline void link_open(uint32_t baud) {
#if defined(ARDUINO_ARCH_ESP32)
  Serial.setRxBufferSize(LINK_RECEIVE_BYTES); /* takes effect when the port is opened */
#endif
  Serial.begin(baud);
}

#endif
