"""Backends for lm-evaluation-harness and what is checked before one is asked."""
