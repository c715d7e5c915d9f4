"""The shared case corpus: small, written by hand, read by Python and by Rust."""
