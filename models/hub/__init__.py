"""The weights of models: which there are, what of them lies here, and getting them from huggingface.co."""
