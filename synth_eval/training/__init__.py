"""Training: settings from YAML, a classification head, supervised fine-tuning, and the guards around both."""
