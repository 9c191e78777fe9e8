"""One module for each group of subcommands; loaded only when one of them is called."""
