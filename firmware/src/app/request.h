/* The payload of the request that is arriving: inputs go straight into the engine's tensors, packed ones are
 * unpacked on the way, and what is short stays in a small buffer. So an input needs its tensor and nothing more.
 *
 * Bytes are put before the frame's CRC is known. A damaged frame leaves garbage in the tensors, and no answer can come
 * of it: an inference follows only a good frame that has put every byte of every input itself. */
#ifndef BOARDPROOF_APP_REQUEST_H
#define BOARDPROOF_APP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/frame.h"

/* Where the parser puts payloads. Without `engine`, when there are no tensors to write to, inputs are dropped. */
frame_sink_t request_sink(bool engine);

/* The first bytes of the payload that did not go into tensors: of layer what stands before the inputs, of
 * inferences nothing, else PROTOCOL_ECHO_MAX bytes at most. Valid until another frame begins to arrive. */
const uint8_t *request_head(void);

/* Did the request put every byte of every input, and no more? */
bool request_has_inputs(void);

/* CRC-32 over the input tensors, one behind the other. */
uint32_t request_input_crc(void);

#endif
