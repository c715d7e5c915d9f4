//! Record ends, delimiters and brackets, found 64 bytes at a time.
//!
//! The CSV scans assume that every quote stands where a writer of RFC 4180 puts it, and check the assumption as they
//! go: each opening quote behind a delimiter, a line end or a quote, each closing one before such a byte. The first
//! quote that breaks the rule is seen as such, because all before it were paired rightly; the work is then redone by
//! the byte-wise reader in `exact`.

use super::exact;
use super::simd::{Chunk, Scan, best};
use super::{Cut, Span};

/// Appends the records that end within `bytes`, which start with a record, and says where the last one ends and what
/// lies before that; blank records are left out but counted. With `delimiter` the bytes are CSV; without, quotes mean
/// nothing (JSON lines).
pub(crate) fn records(bytes: &[u8], delimiter: Option<u8>, out: &mut Vec<Span>) -> Cut {
    let before = out.len();
    let Some(delimiter) = delimiter else {
        return best(RecordScan::<false> { bytes, delimiter: 0, out }).unwrap_or_default();
    };
    best(RecordScan::<true> { bytes, delimiter, out: &mut *out }).unwrap_or_else(|| {
        out.truncate(before);
        exact::records(bytes, delimiter, out)
    })
}

/// What [`fields`] saw on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// There is a quote somewhere.
    pub(crate) quote: bool,
    /// There is a NUL byte somewhere.
    pub(crate) nul: bool,
}

/// Set in a field's end when the field holds a quote.
pub(crate) const QUOTED: u32 = 1 << 31;

/// Appends the end of every field of the CSV record `raw`, [`QUOTED`] or not.
pub(crate) fn fields(raw: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> Seen {
    let before = ends.len();
    let (sound, seen) = best(FieldScan { raw, delimiter, ends });
    if !sound {
        ends.truncate(before);
        exact::fields(raw, delimiter, ends);
        let mut start = 0;
        for end in &mut ends[before..] {
            let field = &raw[start..*end as usize];
            start = *end as usize + 1;
            *end |= if field.contains(&b'"') { QUOTED } else { 0 };
        }
    }
    seen
}

/// The end of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueEnd {
    /// One past its last byte.
    At(usize),
    /// Beyond the bytes at hand.
    Beyond,
    /// More brackets are open at once than the limit allows.
    TooDeep,
}

/// Finds the end of the JSON object or list that `bytes` start with, by its brackets outside of strings.
pub(crate) fn value_end(bytes: &[u8], limit: usize) -> ValueEnd {
    best(ValueScan { bytes, limit })
}

/// Walks over bytes 64 at a time. There are no closures in these loops: they would not be compiled for the
/// instructions that the loops are.
struct Pieces<'a> {
    bytes: &'a [u8],
    base: usize,
}

/// Sixty-four bytes on their way; the last ones may be padded with zeros.
struct Piece<C> {
    /// Offset of the first one.
    base: usize,
    chunk: C,
    /// The last of them.
    last: u8,
    /// Which of them are real.
    real: u64,
}

impl<'a> Pieces<'a> {
    #[inline(always)]
    fn new(bytes: &'a [u8]) -> Self {
        Pieces { bytes, base: 0 }
    }

    #[inline(always)]
    fn next<C: Chunk>(&mut self) -> Option<Piece<C>> {
        let base = self.base;
        let rest = &self.bytes[base..];
        if let Some(whole) = rest.first_chunk::<64>() {
            self.base += 64;
            return Some(Piece { base, chunk: C::load(whole), last: whole[63], real: !0 });
        }
        if rest.is_empty() {
            return None;
        }
        let mut padded = [0; 64];
        padded[..rest.len()].copy_from_slice(rest);
        self.base = self.bytes.len();
        Some(Piece { base, chunk: C::load(&padded), last: 0, real: !0 >> (64 - rest.len()) })
    }
}

/// The lowest set bit, which is cleared.
#[inline(always)]
fn lowest(mask: &mut u64) -> Option<usize> {
    let bit = mask.trailing_zeros();
    *mask &= mask.wrapping_sub(1);
    (bit < 64).then_some(bit as usize)
}

/// What the scans carry from one chunk to the next.
struct Quotes {
    delimiter: u8,
    /// All ones within quotes.
    inside: u64,
    /// The byte before this chunk.
    last: u8,
    /// Whether every quote so far stood where it may.
    sound: bool,
}

/// One chunk understood.
struct Marks {
    /// Line ends, one bit each; of CRLF the CR.
    newlines: u64,
    /// Quoted bytes, the opening quote among them.
    inside: u64,
    /// Quotes.
    quotes: u64,
}

impl Quotes {
    #[inline(always)]
    fn new(delimiter: u8) -> Self {
        // A line end lies before the first byte: a field may open there.
        Quotes { delimiter, inside: 0, last: b'\n', sound: true }
    }

    #[inline(always)]
    fn marks<C: Chunk, const QUOTES: bool>(&mut self, piece: &Piece<C>) -> Marks {
        let chunk = piece.chunk;
        let (feeds, returns) = (chunk.eq(b'\n'), chunk.eq(b'\r'));
        let newlines = returns | (feeds & !(returns << 1 | u64::from(self.last == b'\r')));
        let quotes = if QUOTES { chunk.eq(b'"') } else { 0 };
        let mut inside = self.inside;
        if QUOTES && (quotes != 0 || self.last == b'"') {
            inside = C::prefix_xor(quotes) ^ self.inside;
            let (opening, closing) = (quotes & inside, quotes & !inside);
            let edges = chunk.eq(self.delimiter) | feeds | returns;
            let outside = self.inside == 0;
            let closed = outside && self.last == b'"';
            let edge = closed || (outside && (self.last == self.delimiter || matches!(self.last, b'\n' | b'\r')));
            let misplaced = opening & !((edges | closing) << 1 | u64::from(edge));
            let unfinished = (closing << 1 | u64::from(closed)) & !(edges | quotes);
            self.sound &= (misplaced | unfinished) & piece.real == 0;
            self.inside = ((inside as i64) >> 63) as u64;
        }
        self.last = piece.last;
        Marks { newlines, inside, quotes }
    }
}

struct RecordScan<'a, const QUOTES: bool> {
    bytes: &'a [u8],
    delimiter: u8,
    out: &'a mut Vec<Span>,
}

impl<const QUOTES: bool> Scan for RecordScan<'_, QUOTES> {
    type Found = Option<Cut>;

    #[inline(always)]
    fn run<C: Chunk>(self) -> Option<Cut> {
        let RecordScan { bytes, delimiter, out } = self;
        let mut quotes = Quotes::new(delimiter);
        let (mut start, mut ordinal, mut lines) = (0, 0, 0);
        let mut pieces = Pieces::new(bytes);
        while let Some(piece) = pieces.next::<C>() {
            let marks = quotes.marks::<C, QUOTES>(&piece);
            lines += u64::from(marks.newlines.count_ones());
            let mut ends = marks.newlines & !marks.inside;
            while let Some(bit) = lowest(&mut ends) {
                let end = piece.base + bit;
                if end > start {
                    out.push(Span { start: start as u32, end: end as u32, ordinal });
                }
                let pair = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
                start = end + 1 + usize::from(pair);
                ordinal += 1;
            }
            if !quotes.sound {
                return None;
            }
        }
        // The lines of a record that goes on beyond the last end are not before it.
        let lines = if ordinal == 0 { 0 } else { lines - exact::lines(&bytes[start..]) };
        Some(Cut { end: start, records: u64::from(ordinal), lines })
    }
}

struct FieldScan<'a> {
    raw: &'a [u8],
    delimiter: u8,
    ends: &'a mut Vec<u32>,
}

impl Scan for FieldScan<'_> {
    type Found = (bool, Seen);

    #[inline(always)]
    fn run<C: Chunk>(self) -> (bool, Seen) {
        let mut quotes = Quotes::new(self.delimiter);
        let (mut quote, mut nul, mut quoted) = (0, 0, 0);
        let mut pieces = Pieces::new(self.raw);
        while let Some(piece) = pieces.next::<C>() {
            let marks = quotes.marks::<C, true>(&piece);
            quote |= marks.quotes;
            nul |= piece.chunk.eq(0) & piece.real;
            let mut ends = piece.chunk.eq(self.delimiter) & !marks.inside;
            let mut open = marks.quotes;
            while let Some(bit) = lowest(&mut ends) {
                // Quotes of this field lie below its end; those of the next one above.
                let here = open & ((1 << bit) - 1);
                let flag = if quoted | here != 0 { QUOTED } else { 0 };
                self.ends.push((piece.base + bit) as u32 | flag);
                open ^= here;
                quoted = 0;
            }
            quoted |= open;
        }
        if quoted != 0 {
            self.ends.push(self.raw.len() as u32 | QUOTED);
        } else {
            self.ends.push(self.raw.len() as u32);
        }
        (quotes.sound, Seen { quote: quote != 0, nul: nul != 0 })
    }
}

struct ValueScan<'a> {
    bytes: &'a [u8],
    limit: usize,
}

impl Scan for ValueScan<'_> {
    type Found = ValueEnd;

    #[inline(always)]
    fn run<C: Chunk>(self) -> ValueEnd {
        let (mut inside, mut escape, mut depth) = (0, 0, 0);
        let mut pieces = Pieces::new(self.bytes);
        while let Some(piece) = pieces.next::<C>() {
            let chunk = piece.chunk;
            let quotes = chunk.eq(b'"') & !escaped(chunk.eq(b'\\'), &mut escape);
            let quoted = C::prefix_xor(quotes) ^ inside;
            inside = ((quoted as i64) >> 63) as u64;
            let (open, close) = (chunk.eq_folded(b'{') & !quoted, chunk.eq_folded(b'}') & !quoted);
            let (opened, closed) = (open.count_ones() as usize, close.count_ones() as usize);
            if closed < depth && opened <= self.limit - depth {
                depth = depth + opened - closed;
                continue;
            }
            let mut rest = open | close;
            while let Some(at) = lowest(&mut rest) {
                if open >> at & 1 == 1 {
                    depth += 1;
                    if depth > self.limit {
                        return ValueEnd::TooDeep;
                    }
                } else if depth <= 1 {
                    return ValueEnd::At(piece.base + at + 1);
                } else {
                    depth -= 1;
                }
            }
        }
        ValueEnd::Beyond
    }
}

/// Which characters a backslash escapes; `carry` says whether the next chunk's first one is.
#[inline(always)]
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    let backslashes = backslashes & !*carry;
    let follows = backslashes << 1 | *carry;
    // Runs of backslashes that start at an odd place: adding the run to its start carries past its end, which tells
    // runs of odd length from those of even length.
    let odd = backslashes & !EVEN & !follows;
    let (sum, overflow) = odd.overflowing_add(backslashes);
    *carry = u64::from(overflow);
    (EVEN ^ sum << 1) & follows
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::super::testing::Random;
    use super::*;

    /// CSV-like bytes: often well-formed, sometimes not, always nasty.
    fn text(random: &mut Random, sound: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let wanted = random.below(400);
        while bytes.len() < wanted {
            let length = if random.below(8) == 0 { random.below(150) } else { random.below(6) };
            if random.below(3) == 0 {
                bytes.push(b'"');
                for _ in 0..length {
                    bytes.extend_from_slice(random.pick::<&[u8]>(&[b"a", b",", b"\n", b"\r\n", b"\r", b"\"\"", b"\0"]));
                }
                bytes.push(b'"');
            } else {
                for _ in 0..length {
                    bytes.push(*random.pick(b"abc\0"));
                }
            }
            bytes.extend_from_slice(random.pick::<&[u8]>(&[b",", b",", b"\n", b"\r\n", b"\r", b"\n\n"]));
            if !sound && random.below(10) == 0 {
                bytes.extend_from_slice(random.pick::<&[u8]>(&[b"\"", b"x\"", b"\"x", b" \"a\" "]));
            }
        }
        bytes.truncate(wanted);
        bytes
    }

    #[test]
    fn the_scans_agree_with_the_byte_wise_reader() {
        let mut random = Random::new(2);
        for round in 0..4000 {
            let bytes = text(&mut random, round % 2 == 0);
            let (mut fast, mut slow, mut other) = (Vec::new(), Vec::new(), Vec::new());
            let cut = records(&bytes, Some(b','), &mut fast);
            assert_eq!(cut, exact::records(&bytes, b',', &mut slow), "{:?}", String::from_utf8_lossy(&bytes));
            assert_eq!(fast, slow);
            let portable = RecordScan::<true> { bytes: &bytes, delimiter: b',', out: &mut other }.run::<Portable>();
            if portable.is_some() {
                assert_eq!((portable, other), (Some(cut), slow));
            }
            for span in &fast {
                let raw = &bytes[span.start as usize..span.end as usize];
                let (mut fast, mut slow, mut other) = (Vec::new(), Vec::new(), Vec::new());
                let seen = fields(raw, b',', &mut fast);
                exact::fields(raw, b',', &mut slow);
                let mut start = 0;
                for end in &mut fast {
                    let bare = *end & !QUOTED;
                    assert_eq!(*end != bare, raw[start..bare as usize].contains(&b'"'));
                    (start, *end) = (bare as usize + 1, bare);
                }
                assert_eq!(fast, slow, "{:?}", String::from_utf8_lossy(raw));
                assert_eq!(seen, Seen { quote: raw.contains(&b'"'), nul: raw.contains(&0) });
                if (FieldScan { raw, delimiter: b',', ends: &mut other }.run::<Portable>()).0 {
                    assert_eq!(other.iter().map(|end| end & !QUOTED).collect::<Vec<_>>(), slow);
                }
            }
        }
    }

    #[test]
    fn well_formed_text_never_needs_the_byte_wise_reader() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let mut bytes = text(&mut random, true);
            let end = exact::records(&bytes, b',', &mut Vec::new()).end;
            bytes.truncate(end);
            assert!(best(RecordScan::<true> { bytes: &bytes, delimiter: b',', out: &mut Vec::new() }).is_some());
        }
    }

    #[test]
    fn lines_without_quotes_end_at_every_newline() {
        let bytes = b"{\"a\":1}\n\"\n\r\n{}";
        let mut spans = Vec::new();
        assert_eq!(records(bytes, None, &mut spans), Cut { end: 12, records: 3, lines: 3 });
        let found: Vec<_> = spans.iter().map(|span| (span.start, span.end, span.ordinal)).collect();
        assert_eq!(found, [(0, 7, 0), (8, 9, 1)]);
    }

    fn plain_value_end(bytes: &[u8], limit: usize) -> ValueEnd {
        let (mut depth, mut string, mut skip) = (0, false, false);
        for (at, byte) in bytes.iter().enumerate() {
            let escaped = std::mem::take(&mut skip);
            match byte {
                b'\\' => skip = !escaped,
                b'"' if !escaped => string = !string,
                b'{' | b'[' if !string => {
                    depth += 1;
                    if depth > limit {
                        return ValueEnd::TooDeep;
                    }
                }
                b'}' | b']' if !string => {
                    depth -= 1;
                    if depth == 0 {
                        return ValueEnd::At(at + 1);
                    }
                }
                _ => {}
            }
        }
        ValueEnd::Beyond
    }

    #[test]
    fn values_end_with_their_last_bracket() {
        let mut random = Random::new(4);
        for _ in 0..4000 {
            let mut bytes = vec![b'{'];
            for _ in 0..random.below(300) {
                bytes.push(*random.pick(b"{}[]\"\\\\aaaaaaaa"));
            }
            let limit = 1 + random.below(12);
            assert_eq!(value_end(&bytes, limit), plain_value_end(&bytes, limit));
            assert_eq!(ValueScan { bytes: &bytes, limit }.run::<Portable>(), plain_value_end(&bytes, limit));
        }
    }
}
