"""What a study found: the winner, which setting matters, all trials, and pictures, from the study's storage alone."""
