"""What the files say. All of it comes from strangers."""
