//! CSV and JSON lines cut into blocks: a block ends with the last record that ends in what was read.

use super::scan::ValueEnd;
use super::source::Bytes;
use super::{Block, Encoding, Span, exact, scan};
use crate::fault::{Code, Fault, Position};

/// The state of one member that is cut at line ends.
pub(crate) struct Lines {
    /// `Some` for CSV.
    delimiter: Option<u8>,
    encoding: Encoding,
    block: usize,
    max_record: usize,
    /// What was read but not yet given out: the start of a record.
    tail: Vec<u8>,
    at_end: bool,
    section: u32,
    pub(crate) records: u64,
    /// Lines that have ended.
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) final_newline: bool,
}

impl Lines {
    /// Begins behind `bytes` bytes and `lines` lines of header.
    pub(crate) fn new(
        delimiter: Option<u8>,
        options: &super::ReadOptions,
        section: u32,
        lines: u64,
        bytes: u64,
    ) -> Self {
        Lines {
            delimiter,
            encoding: options.format.encoding.unwrap_or(Encoding::Utf8),
            block: options.block.max(16),
            max_record: options.max_record,
            tail: Vec::new(),
            at_end: false,
            section,
            records: 0,
            lines,
            bytes,
            final_newline: true,
        }
    }

    /// Fills `block` with the next records; false when there are no more.
    pub(crate) fn next(&mut self, input: &mut impl Bytes, block: &mut Block) -> Result<bool, Fault> {
        block.section = self.section;
        block.first_record = self.records;
        block.first_line = self.lines + 1;
        block.first_byte = self.bytes;
        let bytes = &mut block.bytes;
        let mut have = self.tail.len();
        let mut target = self.block.max(2 * have);
        // A reused buffer is as long as the last block: no more than the difference is cleared here.
        bytes.resize(target, 0);
        bytes[..have].copy_from_slice(&self.tail);
        loop {
            if !self.at_end {
                have += input.fill(&mut bytes[have..target])?;
                self.at_end = have < target;
            }
            // Whether a carriage return ends its record alone or with a line feed, the next byte will say.
            let unsure = !self.at_end && bytes[have - 1] == b'\r';
            block.spans.clear();
            let cut = scan::records(&bytes[..have - usize::from(unsure)], self.delimiter, &mut block.spans);
            if cut.end > 0 {
                self.drop_blank(bytes, &mut block.spans);
                self.tail.clear();
                self.tail.extend_from_slice(&bytes[cut.end..have]);
                bytes.truncate(cut.end);
                self.records += cut.records;
                self.lines += cut.lines;
                self.bytes += self.encoding.length(bytes);
                return Ok(true);
            }
            if self.at_end {
                bytes.truncate(have);
                return self.last(bytes, &mut block.spans);
            }
            if have > self.max_record {
                return Err(self.too_long(&bytes[..have]));
            }
            target = have * 2;
            bytes.resize(target, 0);
        }
    }

    /// Leaves out JSON lines of white space; scanning has left out the empty ones.
    fn drop_blank(&self, bytes: &[u8], spans: &mut Vec<Span>) {
        let blank = |span: &Span| {
            let raw = &bytes[span.start as usize..span.end as usize];
            matches!(raw.first(), Some(b' ' | b'\t')) && raw.trim_ascii().is_empty()
        };
        if self.delimiter.is_none() && spans.iter().any(blank) {
            spans.retain(|span| !blank(span));
        }
    }

    /// What no line end closes, at the end of the member.
    fn last(&mut self, bytes: &[u8], spans: &mut Vec<Span>) -> Result<bool, Fault> {
        self.tail.clear();
        if bytes.is_empty() {
            return Ok(false);
        }
        if let Some((line, byte)) = self.open_quote(bytes) {
            let message = format!("the quote that opens on line {line} is never closed");
            return Err(Fault::new(Code::UnterminatedQuote, message).at(self.position(line, byte)));
        }
        let text = bytes.trim_ascii();
        if self.delimiter.is_none() && text.starts_with(b"{") && scan::value_end(text, usize::MAX) == ValueEnd::Beyond {
            let fault = Fault::new(Code::Truncated, "the last line ends before its object is closed");
            return Err(fault.at(self.position(self.lines + 1, self.bytes)));
        }
        spans.push(Span { start: 0, end: bytes.len() as u32, ordinal: 0 });
        self.drop_blank(bytes, spans);
        self.records += 1;
        self.lines += exact::lines(bytes) + 1;
        self.bytes += self.encoding.length(bytes);
        self.final_newline = false;
        Ok(true)
    }

    fn too_long(&self, bytes: &[u8]) -> Fault {
        let (line, byte) = (self.lines + 1, self.bytes);
        let mut message = format!("the record is longer than {} bytes", self.max_record);
        if let Some((line, _)) = self.open_quote(bytes) {
            message += &format!("; a quote opens on line {line} and is not closed");
        }
        Fault::new(Code::RecordTooLong, message).at(self.position(line, byte))
    }

    /// Line and offset of a quote that is still open at the end of `bytes`.
    fn open_quote(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let at = exact::open_quote(bytes, self.delimiter?)?;
        Some((self.lines + 1 + exact::lines(&bytes[..at]), self.bytes + self.encoding.length(&bytes[..at])))
    }

    fn position(&self, line: u64, byte: u64) -> Position {
        Position { record: self.records + 1, line, byte, ..Position::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, options};
    use super::*;

    /// All blocks of `bytes`, joined, after checking that their numbers follow on one another.
    fn joined(bytes: &[u8], size: usize, delimiter: Option<u8>) -> Result<(Vec<u8>, u64, u64, bool), Fault> {
        let mut options = options();
        options.block = size;
        let mut lines = Lines::new(delimiter, &options, 0, 0, 0);
        let (mut input, mut block, mut all) = (bytes, Block::default(), Vec::new());
        let mut records = 0;
        while lines.next(&mut input, &mut block)? {
            assert_eq!(block.first_byte, all.len() as u64);
            assert_eq!(block.first_line, exact::lines(&all) + 1);
            assert_eq!(block.first_record, records);
            all.extend_from_slice(&block.bytes);
            records = lines.records;
            assert!(block.spans.iter().all(|span| block.first_record + u64::from(span.ordinal) < records));
        }
        Ok((all, records, lines.lines, lines.final_newline))
    }

    #[test]
    fn blocks_of_any_size_hold_the_same_records() {
        let mut random = Random::new(6);
        for _ in 0..300 {
            let mut bytes = Vec::new();
            for _ in 0..random.below(60) {
                bytes.extend_from_slice(random.pick::<&[u8]>(&[
                    b"a",
                    b",",
                    b"\n",
                    b"\r\n",
                    b"\r",
                    b"\"x\ny\"",
                    b"\"\r\n\"",
                    b"long field",
                    b"\n\n",
                    b"q\"",
                ]));
            }
            let whole = joined(&bytes, 1 << 20, Some(b','));
            if let Ok((all, ..)) = &whole {
                assert_eq!(*all, bytes);
            }
            for size in [16, 17, 31, 64, 100] {
                let other = joined(&bytes, size, Some(b','));
                assert_eq!(other.map_err(|fault| fault.position), whole.clone().map_err(|fault| fault.position));
            }
        }
    }

    #[test]
    fn an_open_quote_and_an_endless_record_are_found_early() {
        let fault = joined(b"a,b\nc,\"d\ne,f\n", 16, Some(b',')).err();
        assert_eq!(
            fault.map(|fault| (fault.code, fault.position.line, fault.position.byte)),
            Some((Code::UnterminatedQuote, 2, 6))
        );
        let mut options = options();
        options.max_record = 1000;
        let mut lines = Lines::new(Some(b','), &options, 0, 0, 0);
        let mut input = super::super::testing::Endless(b'x');
        let fault = lines.next(&mut input, &mut Block::default()).err();
        assert_eq!(fault.map(|fault| fault.code), Some(Code::RecordTooLong));
    }
}
