"""What a learner sees of the rows it remembers."""
