"""TensorFlow Lite Micro: what it can run, its arena, what is rendered for it. Imports no interpreter."""
