//! Any bytes as a flat file with two types of records, ignored lines and a trailer.
#![no_main]

const FORMAT: &str = r##"{"fixed":{"records":[
    {"tag":{"at":1,"text":"D"},"fields":[{"name":"id","start":2,"length":4},{"name":"item_name","start":6,"length":6}]},
    {"tag":{"at":3,"text":"XX"},"fields":[{"name":"id","start":5,"length":4},{"name":"group_ids","start":9,"length":9}]}],
    "ignore":["H","#"],"trailer":{"tag":{"at":1,"text":"T"},"start":2,"length":3}}}"##;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feedengine_fuzz::declared("items.txt", bytes, FORMAT);
});
