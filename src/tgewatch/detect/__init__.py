"""What an item says about a token: values in, values out."""
