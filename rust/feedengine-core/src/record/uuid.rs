//! UUIDs as RFC 9562 writes them: 8-4-4-4-12 hexadecimal digits, in either case.

/// Where the dashes of a UUID stand.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// A UUID of 36 characters with its letters small, as the store has it.
#[inline]
pub fn uuid_bytes(text: &[u8]) -> Option<[u8; 36]> {
    let mut bytes: [u8; 36] = text.try_into().ok()?;
    bytes.make_ascii_lowercase();
    let dashes = DASHES.iter().all(|at| bytes[*at] == b'-');
    let digits = bytes.iter().filter(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    // 32 digits leave four places, and those are the dashes'.
    (dashes && digits == 32).then_some(bytes)
}

/// The number of a UUID of 36 characters, in any case of letters.
pub fn uuid(text: &str) -> Option<u128> {
    let value = |byte: u8| u128::from(if byte <= b'9' { byte - b'0' } else { byte - b'a' + 10 });
    let bytes = uuid_bytes(text.as_bytes())?;
    Some(bytes.iter().filter(|byte| **byte != b'-').fold(0, |number, byte| number << 4 | value(*byte)))
}

/// A UUID as text.
pub fn uuid_text(number: u128) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in number.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place_is_judged_as_its_form_says() {
        let sound = b"f81d4fae-7dec-11d0-A765-00A0C91E6BF6";
        assert_eq!(uuid_bytes(sound).as_ref().map(|bytes| &bytes[..]), Some(&sound.to_ascii_lowercase()[..]));
        for at in 0..36 {
            for byte in 0..=255u8 {
                let mut text = *sound;
                text[at] = byte;
                let right = if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
                assert_eq!(uuid_bytes(&text).is_some(), right, "{byte:#x} at {at}");
            }
        }
        assert!(uuid_bytes(&sound[1..]).is_none() && uuid_bytes(b"").is_none());
    }
}
