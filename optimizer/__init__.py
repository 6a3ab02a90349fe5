"""Search space, objectives, acquisition, batches: a generic ask/tell optimizer without chemistry."""
