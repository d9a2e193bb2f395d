"""What rows become: groups, tables, plots, LEADERBOARD.md and the page."""
