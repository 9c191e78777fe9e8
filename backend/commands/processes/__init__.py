"""The processes of a host: a table with memory, processor and tree, and signals to them."""
