"""The program behind the five drop-in modules: one a process, made when first needed."""
