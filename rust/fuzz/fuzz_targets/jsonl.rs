//! Any bytes as JSON lines.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("items.jsonl", bytes);
});
