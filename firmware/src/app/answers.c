#include "app/answers.h"

#include <string.h>

#include "app/config.h"
#include "protocol/crc32.h"

static answer_t answers[APP_ANSWERS_KEPT];

void answers_clear(void) { memset(answers, 0, sizeof answers); }

void answers_forget(uint32_t since) {
  for (size_t i = 0; i < APP_ANSWERS_KEPT; i++) {
    if (!answers_after(answers[i].seq, since)) answers[i].valid = false;
  }
}

answer_t *answers_slot(uint32_t seq) { return &answers[seq % APP_ANSWERS_KEPT]; }

const answer_t *answers_find(uint32_t seq, uint32_t request_crc) {
  const answer_t *answer = answers_slot(seq);
  const bool same = answer->valid && answer->seq == seq && answer->request_crc == request_crc;
  return same ? answer : NULL;
}

bool answers_passed(uint32_t seq) {
  const answer_t *answer = answers_slot(seq);
  return answer->valid && answers_after(answer->seq, seq);
}

uint32_t answers_digest(const answer_t *answer) {
  const uint32_t crc = answer->input_crc;
  const uint8_t head[4] = {(uint8_t)(crc & 0xffu), (uint8_t)((crc >> 8) & 0xffu),
                           (uint8_t)((crc >> 16) & 0xffu), (uint8_t)(crc >> 24)};
  return crc32_update(crc32_update(0, head, sizeof head), answer->output, MODEL_OUTPUT_BYTES);
}
