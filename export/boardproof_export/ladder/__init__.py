"""Training and conversion: the only room that may import TensorFlow. It renders nothing."""
