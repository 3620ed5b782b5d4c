"""Running things: the one door to the harness, and later the experiment planner and its launchers."""
