//! CSV in declared encodings; the first byte chooses which.
#![no_main]

const ENCODINGS: [&str; 6] = ["utf-8", "latin-1", "cp1252", "utf-16", "utf-16le", "utf-16be"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let encoding = ENCODINGS[usize::from(*first) % ENCODINGS.len()];
    feedengine_fuzz::declared("items.csv", rest, &format!(r#"{{"encoding":"{encoding}"}}"#));
});
