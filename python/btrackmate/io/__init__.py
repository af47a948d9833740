"""Reading and writing of images, labels, spots, tracks and run records."""
