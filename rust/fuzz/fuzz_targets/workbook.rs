//! Any bytes as the archive of a workbook, and any bytes as the rows of its sheet.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("items.xlsx", &[b"PK\x03\x04", bytes].concat());
    feedengine_fuzz::check("items.xlsx", &feedengine_fuzz::workbook(bytes));
});
