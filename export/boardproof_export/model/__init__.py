"""What is rendered of a model whatever the engine, and the arithmetic of quantization. Knows no operator, no engine."""
