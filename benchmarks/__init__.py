"""The leaderboard: what is compared, the stored rows, and the pages made of them."""
