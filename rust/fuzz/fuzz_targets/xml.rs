//! Any bytes as an XML document, and any bytes within a record of a sound one.
#![no_main]

const FORMAT: &str = r#"{"xml":{"record":"c/p"}}"#;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::declared("items.xml", &[b"<", bytes].concat(), FORMAT);
    feedengine_fuzz::declared("items.xml", &[b"<c><p><id>1</id>", bytes, b"</p></c>"].concat(), FORMAT);
});
