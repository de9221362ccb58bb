/* tiny: the .tflite file as a C array. Rendered by boardproof; do not edit. */
#ifndef BOARDPROOF_MODEL_DATA_H
#define BOARDPROOF_MODEL_DATA_H

#ifdef __cplusplus
extern "C" {
#endif

/* The file's bytes, aligned to 16 bytes, and how many they are. */
extern const unsigned char model_data[712];
extern const unsigned int model_data_length;

#ifdef __cplusplus
}
#endif
#endif
