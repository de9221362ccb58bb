/* The application: one handler a request, on top of the HAL and the engine. */
#ifndef BOARDPROOF_APP_H
#define BOARDPROOF_APP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Prepares the engine. A failure is kept and told in answer to hello; the board stays reachable. */
void app_init(void);

/* Reads what has arrived and answers every whole request in it; sleeps in hal_wait() when there is nothing.
 */
void app_poll(void);

#ifdef __cplusplus
}
#endif

#endif
