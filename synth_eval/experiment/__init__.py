"""Experiments: settings, plan, stages, launchers; and the one door to the harness."""
