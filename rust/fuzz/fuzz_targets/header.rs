//! Any bytes as a CSV header.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("feed.csv", &[bytes, b"\nA1,b,c\n"].concat());
});
