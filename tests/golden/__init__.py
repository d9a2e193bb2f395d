"""The project against tensors that others computed: `python -m tests.golden FILE...`."""
