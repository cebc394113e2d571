"""What lies in the watched folder, and whether it still changes. Nothing here touches a file."""
