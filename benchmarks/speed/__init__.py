"""How fast the parts are, against what else there is."""
