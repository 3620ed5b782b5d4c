"""Text from language models: engines that continue prompts, a store that survives a kill, NLI pairs made of it."""
