"""What the chats are told of their jobs: the place in line, how far they are, and how they ended."""
