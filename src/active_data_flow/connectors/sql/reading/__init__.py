"""Reading: what a database says of a table or query, the statements that read it, and the rows that come of them."""
