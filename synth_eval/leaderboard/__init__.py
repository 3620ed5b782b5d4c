"""From run folders to boards: verified rows, and the tables and the figure made from them."""

from synth_eval.leaderboard.board import BuildReport, board_build, board_rows

__all__ = ["BuildReport", "board_build", "board_rows"]
