//! What single words mean: flags, whole numbers, names that are compared loosely.

/// true, false, 1 or 0 in any case.
pub fn flag(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A whole number of at most 18 digits, with or without a minus sign.
pub fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let sound = (1..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if sound { text.parse().ok() } else { None }
}

/// A column name as loose profiles compare it: without case, blanks, `_` and `-`.
pub fn loosely(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}
