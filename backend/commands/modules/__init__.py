"""Environment modules of a host, Lmod's and those of Environment Modules: what there is, and commands with them."""
