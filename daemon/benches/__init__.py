"""What `vigentd bench …` measures."""
