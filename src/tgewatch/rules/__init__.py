"""Rules of the field as pure functions: values in, values out."""
