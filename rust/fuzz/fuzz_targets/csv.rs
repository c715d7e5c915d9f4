//! CSV records under a header that is sound.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::check("items.csv", &[b"id,item_name,active,metadata:json:x,facets,group_ids\n", bytes].concat());
});
