"""Side-by-side measurements against the tools people use today. They print ratios and assert nothing."""
