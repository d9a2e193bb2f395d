"""The towers of pre-trained models: configurations of core's transformer, and adapters for their weights."""
