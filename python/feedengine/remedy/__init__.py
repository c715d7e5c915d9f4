"""What becomes of faults: which record each is about, when it is mended, which rows wait and for what."""
