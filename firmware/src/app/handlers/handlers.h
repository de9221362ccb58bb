/* One handler a request, in a file a family. Each gets a good frame, whose payload request.h has, and sends one
 * answer at most. */
#ifndef BOARDPROOF_APP_HANDLERS_H
#define BOARDPROOF_APP_HANDLERS_H

#include "protocol/frame.h"

/* identity.c: who the board is. */
void handle_hello(const frame_t *frame);
void handle_ops(const frame_t *frame);

/* infer.c: inferences, and what is kept between them. */
void handle_infer(const frame_t *frame);
void handle_keep_state(const frame_t *frame);

/* look.c: inferences that show what happens within. */
void handle_profile(const frame_t *frame);
void handle_layer(const frame_t *frame);

/* link.c: the link itself. */
void handle_status(const frame_t *frame);
void handle_echo(const frame_t *frame);
void handle_set_baud(const frame_t *frame);

#endif
