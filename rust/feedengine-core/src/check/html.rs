//! Text out of HTML: tags go, entities are resolved. What is no tag stays: `3 < 4` is no HTML.

/// Tags behind which a new line would begin: a blank stands for them, so that words do not run together.
const BLOCKS: [&str; 24] = [
    "address",
    "article",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "ol",
    "p",
    "table",
    "td",
    "tr",
    "ul",
];

/// Writes the text of `html` to `out`; false if it holds nothing to take out.
pub fn strip(html: &str, out: &mut String) -> bool {
    if memchr::memchr2(b'<', b'&', html.as_bytes()).is_none() {
        return false;
    }
    let mut rest = html;
    let mut changed = false;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((letter, length)) = entity(rest) {
            out.push(letter);
            rest = &rest[length..];
        } else if let Some((name, length)) = tag(rest) {
            if BLOCKS.contains(&&*name) && !out.is_empty() && !out.ends_with(char::is_whitespace) {
                out.push(' ');
            }
            rest = &rest[length..];
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
            continue;
        }
        changed = true;
    }
    out.push_str(rest);
    changed
}

/// The name of the tag or comment that `text` starts with, and its length; of scripts and styles with what is in them.
fn tag(text: &str) -> Option<(String, usize)> {
    let rest = text.strip_prefix('<')?;
    if rest.starts_with("!--") {
        return Some((String::new(), 1 + rest.find("-->")? + 3));
    }
    let closing = rest.starts_with('/');
    let inner = &rest[usize::from(closing)..];
    let first = inner.bytes().next()?;
    if !(first.is_ascii_alphabetic() || (!closing && matches!(first, b'!' | b'?'))) {
        return None;
    }
    let end = text.len() - inner.len() + tag_end(inner)?;
    let name: String = inner.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if !closing && matches!(&*name, "script" | "style") {
        let close = format!("</{name}");
        let behind = text[end..].to_ascii_lowercase().find(&close).map(|at| end + at);
        if let Some((at, length)) = behind.and_then(|at| text[at..].find('>').map(|length| (at, length))) {
            return Some((name, at + length + 1));
        }
    }
    Some((name, end))
}

/// One past the `>` of a tag; those within quotes do not count.
fn tag_end(inner: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in inner.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'>' => return Some(at + 1),
            // A quote opens behind `=` alone: an apostrophe elsewhere is text.
            None if matches!(byte, b'"' | b'\'') && inner[..at].trim_end().ends_with('=') => quote = Some(byte),
            None => {}
        }
    }
    None
}

/// The character of the entity that `text` starts with, and the entity's length.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let length = body.bytes().take(10).position(|byte| byte == b';')?;
    let name = &body[..length];
    let letter = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u32::from_str_radix(digits, 16).ok()?
                }
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            };
            // Controls and NUL are no text.
            char::from_u32(code).filter(|letter| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r'))?
        }
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((letter, length + 2))
}

/// The entities that shops write: those of XML, Latin-1, and common signs.
const NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("iexcl", '¡'),
    ("cent", '¢'),
    ("pound", '£'),
    ("curren", '¤'),
    ("yen", '¥'),
    ("brvbar", '¦'),
    ("sect", '§'),
    ("uml", '¨'),
    ("copy", '©'),
    ("ordf", 'ª'),
    ("laquo", '«'),
    ("not", '¬'),
    ("shy", '\u{ad}'),
    ("reg", '®'),
    ("macr", '¯'),
    ("deg", '°'),
    ("plusmn", '±'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("acute", '´'),
    ("micro", 'µ'),
    ("para", '¶'),
    ("middot", '·'),
    ("cedil", '¸'),
    ("sup1", '¹'),
    ("ordm", 'º'),
    ("raquo", '»'),
    ("frac14", '¼'),
    ("frac12", '½'),
    ("frac34", '¾'),
    ("iquest", '¿'),
    ("Agrave", 'À'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Atilde", 'Ã'),
    ("Auml", 'Ä'),
    ("Aring", 'Å'),
    ("AElig", 'Æ'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Euml", 'Ë'),
    ("Igrave", 'Ì'),
    ("Iacute", 'Í'),
    ("Icirc", 'Î'),
    ("Iuml", 'Ï'),
    ("ETH", 'Ð'),
    ("Ntilde", 'Ñ'),
    ("Ograve", 'Ò'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Otilde", 'Õ'),
    ("Ouml", 'Ö'),
    ("times", '×'),
    ("Oslash", 'Ø'),
    ("Ugrave", 'Ù'),
    ("Uacute", 'Ú'),
    ("Ucirc", 'Û'),
    ("Uuml", 'Ü'),
    ("Yacute", 'Ý'),
    ("THORN", 'Þ'),
    ("szlig", 'ß'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("eth", 'ð'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("divide", '÷'),
    ("oslash", 'ø'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("yacute", 'ý'),
    ("thorn", 'þ'),
    ("yuml", 'ÿ'),
    ("euro", '€'),
    ("trade", '™'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_text_stays() {
        for (html, text) in [
            ("<p>One <b>fine</b> shirt</p><p>of cotton</p>", "One fine shirt of cotton "),
            ("a<br>b<br/>c<BR />d", "a b c d"),
            ("<a href=\"x>y\">link</a>", "link"),
            ("<img alt='a > b' src=x>pic", "pic"),
            ("it's <b title=it's>ok</b>", "it's ok"),
            ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
            ("a <3 b", "a <3 b"),
            ("un<closed", "un<closed"),
            ("<!-- no\n--><style>p { x: y }</style><script>if (a<b) {}</SCRIPT>yes", "yes"),
            ("<!DOCTYPE html><?xml v?>x", "x"),
            ("Gr&ouml;&szlig;e &amp; Ma&#223; &#x20AC;&nbsp;5", "Größe & Maß €\u{a0}5"),
            ("&lt;b&gt;", "<b>"),
            ("R&D &unknown; &#0; &#xD800; &; &#; AT&T;", "R&D &unknown; &#0; &#xD800; &; &#; AT&T;"),
            ("plain", "plain"),
        ] {
            let mut out = String::new();
            let changed = strip(html, &mut out);
            assert_eq!(if changed { &out } else { html }, text, "{html}");
            assert_eq!(changed, html != text, "{html}");
        }
    }
}
