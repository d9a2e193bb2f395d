"""Video, sound and text on Quatrefoil's core."""
