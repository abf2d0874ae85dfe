"""The lake: Delta tables of what was collected. `lake.Lake` is the way in, `tables` says what each column means."""
