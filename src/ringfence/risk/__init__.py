"""What is known against a buyer, and how much it weighs."""
