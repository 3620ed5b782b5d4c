"""synth-eval: what does synthetic training data do to a language model?

Importing this package loads nothing heavy: it also runs, through the start-up hook, in every
interpreter of an environment that has synth-eval installed.
"""

__version__ = "0.1.0"
