/* How constants of a rendered model are stored and read.
 *
 * MODEL_FLASH qualifies every constant array and every pointer to one. Where flash is in the address space it
 * is empty. AVR reads flash with other instructions: there it is a named address space, so that a plain
 * dereference is the right load, also beyond 64 KB.
 *
 * A core library reads its own constants from the first 64 KB only. Link with --sort-section=name: the
 * weights then lie behind those (.progmemx.data comes after .progmem.data). */
#ifndef BOARDPROOF_ENGINE_AOT_FLASH_H
#define BOARDPROOF_ENGINE_AOT_FLASH_H

#ifdef __AVR__
#define MODEL_FLASH __memx
#else
#define MODEL_FLASH
#endif

#endif
