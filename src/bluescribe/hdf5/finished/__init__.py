"""What is done to files that nobody writes any more: changed as copies, mended after a crash."""
