"""Natural language inference: labels, prompts, overlap rules, HANS facts and the grammars that write pairs."""
