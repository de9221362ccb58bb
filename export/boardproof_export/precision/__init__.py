"""What quantization costs a model: outputs and layers of its .tflite files through LiteRT, float against int8. No
TensorFlow, and no printing."""
