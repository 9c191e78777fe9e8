"""Each part of a report in blocks: one module for each part. Pure."""
