"""More items than memory is to hold: put aside on disk, in their order, or sorted."""
