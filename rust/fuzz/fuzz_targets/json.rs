//! Any bytes as a JSON document.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("items.json", bytes);
});
