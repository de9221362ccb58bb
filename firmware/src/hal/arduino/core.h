/* The Arduino core library, whose headers do not pass this project's warnings. */
#ifndef BOARDPROOF_HAL_ARDUINO_CORE_H
#define BOARDPROOF_HAL_ARDUINO_CORE_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wextra"
#include <Arduino.h>
#if defined(__AVR__)
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#endif
#pragma GCC diagnostic pop

#endif
