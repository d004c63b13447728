"""How rows become files: encoders of the formats, and the writers that make one file or many of them."""
