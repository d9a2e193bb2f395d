"""The stem that every Quatrefoil model shares: blocks, losses, views, objectives, training, evaluation."""
