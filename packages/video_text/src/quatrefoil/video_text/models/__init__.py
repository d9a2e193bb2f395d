"""Models, one file each, each as its paper's figure: the views, in order."""
