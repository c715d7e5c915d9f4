//! Any bytes as a Parquet file, and any bytes as its directory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("items.parquet", &[b"PAR1", bytes].concat());
    let length = (bytes.len() as u32).to_le_bytes();
    feedengine_fuzz::check("items.parquet", &[b"PAR1", bytes, &length, b"PAR1"].concat());
});
