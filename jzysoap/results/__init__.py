"""The adapter layer: result strings to models."""
