"""What receives the documents of the RunEngine."""
