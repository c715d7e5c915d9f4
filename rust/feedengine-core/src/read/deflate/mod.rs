//! RFC 1951 undone: one block after the other, from a source into buffers that are handed on when they are full.
//!
//! Everything the inner loop needs is made sure of before it runs, so that it has two conditions to watch and no
//! cases at the ends: the input always has [`MARGIN`] readable bytes (behind its end, zeros that no sound stream
//! takes up), the output [`SLOP`] writable ones behind its limit.

mod input;
mod output;
mod table;

pub(crate) use input::{Input, MARGIN};
pub(crate) use output::{HISTORY, Output, SLOP};

use super::simd::{Chunk, Scan, best};
use table::{CODES, DISTANCES, END, INVALID, LENGTHS, LITERAL, SUB, Table};

/// What lies at both ends of the inflater.
pub(crate) trait Ends {
    /// Why inflating ended early.
    type Stop;
    /// Puts the next bytes into `out`; 0 at the end only.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Self::Stop>;
    /// Takes what `buffer` holds from `start` to `end`, and gives an empty buffer of the same length.
    fn give(&mut self, buffer: Vec<u8>, start: usize, end: usize) -> Result<Vec<u8>, Self::Stop>;
    /// The data ends before its end mark.
    fn truncated(&mut self) -> Self::Stop;
    /// The data breaks the format.
    fn corrupt(&mut self, what: &str) -> Self::Stop;
}

/// Tables of the block at hand; kept from block to block for their memory.
pub(crate) struct Inflater {
    lengths: Table<11, { (1 << 11) + 286 * 16 }>,
    distances: Table<8, { (1 << 8) + 30 * 128 }>,
    codes: Table<7, { 1 << 7 }>,
}

impl Inflater {
    /// Without any tables yet.
    pub(crate) fn new() -> Self {
        Inflater { lengths: Table::new(), distances: Table::new(), codes: Table::new() }
    }

    /// Inflates one stream, up to the end of its last block.
    pub(crate) fn stream<E: Ends>(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        ends: &mut E,
    ) -> Result<(), E::Stop> {
        loop {
            input.need(ends)?;
            let head = input.take(3);
            match head >> 1 {
                0 => stored(input, output, ends)?,
                1 => {
                    self.fixed();
                    best(Block { inflater: self, input, output, ends })?;
                }
                2 => {
                    self.dynamic(input, ends)?;
                    best(Block { inflater: self, input, output, ends })?;
                }
                _ => return Err(input.wrong(ends, "a block of unknown kind")),
            }
            if head & 1 == 1 {
                return input.check(ends);
            }
        }
    }

    /// The tables that the format itself names.
    fn fixed(&mut self) {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        // 286 and 287 take part in the code but name nothing: their entries say so.
        let sound = self.lengths.build(&lengths, &LENGTHS, true) && self.distances.build(&[5; 32], &DISTANCES, true);
        debug_assert!(sound);
    }

    /// The tables that the block brings.
    fn dynamic<E: Ends>(&mut self, input: &mut Input, ends: &mut E) -> Result<(), E::Stop> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        input.need(ends)?;
        let literals = input.take(5) as usize + 257;
        let distances = input.take(5) as usize + 1;
        let codes = input.take(4) as usize + 4;
        if literals > 286 || distances > 30 {
            return Err(input.wrong(ends, "a table is too long"));
        }
        let mut of_codes = [0; 19];
        for place in &ORDER[..codes] {
            input.need(ends)?;
            of_codes[*place] = input.take(3) as u8;
        }
        if !self.codes.build(&of_codes, &CODES, false) {
            return Err(input.wrong(ends, "the table of tables is no code"));
        }
        let mut lengths = [0u8; 286 + 30];
        let all = literals + distances;
        let mut at = 0;
        while at < all {
            input.need(ends)?;
            let entry = self.codes.find(input.bits());
            if entry & INVALID != 0 {
                return Err(input.wrong(ends, "a table holds an unknown code"));
            }
            input.drop(entry & 63);
            let (length, times) = match entry >> 16 {
                16 if at == 0 => return Err(input.wrong(ends, "a table repeats nothing")),
                16 => (lengths[at - 1], 3 + input.take(2)),
                17 => (0, 3 + input.take(3)),
                18 => (0, 11 + input.take(7)),
                length => (length as u8, 1),
            };
            let until = at + times as usize;
            if until > all {
                return Err(input.wrong(ends, "a table runs over its end"));
            }
            lengths[at..until].fill(length);
            at = until;
        }
        let (lengths, rest) = lengths[..all].split_at(literals);
        if lengths[256] == 0 {
            return Err(input.wrong(ends, "a block has no end"));
        }
        if !self.lengths.build(lengths, &LENGTHS, true) || !self.distances.build(rest, &DISTANCES, true) {
            return Err(input.wrong(ends, "a table is no code"));
        }
        Ok(())
    }
}

/// A block that is kept as it is.
fn stored<E: Ends>(input: &mut Input, output: &mut Output, ends: &mut E) -> Result<(), E::Stop> {
    input.align();
    input.need(ends)?;
    let (length, check) = (input.take(16), input.take(16));
    if length != check ^ 0xFFFF {
        return Err(input.wrong(ends, "the length of a stored block is damaged"));
    }
    input.align();
    let mut left = length as usize;
    while left > 0 {
        input.peek(1, ends)?;
        output.room(ends)?;
        let piece = input.rest().len().min(left).min(output.limit - output.at);
        if piece == 0 {
            return Err(ends.truncated());
        }
        output.bytes[output.at..output.at + piece].copy_from_slice(&input.rest()[..piece]);
        output.at += piece;
        input.skip(piece);
        left -= piece;
    }
    Ok(())
}

/// The symbols of a compressed block.
struct Block<'b, E> {
    inflater: &'b Inflater,
    input: &'b mut Input,
    output: &'b mut Output,
    ends: &'b mut E,
}

/// Why the inner loop stopped.
enum Pause {
    /// Input or output must be seen to.
    Ends,
    /// The block has ended.
    Over,
    Wrong(&'static str),
}

impl<E: Ends> Scan for Block<'_, E> {
    type Found = Result<(), E::Stop>;

    /// It compares nothing 64 bytes at a time, but shifts a lot: newer machines have better instructions for that too.
    #[inline(always)]
    fn run<C: Chunk>(self) -> Result<(), E::Stop> {
        let Block { inflater, input, output, ends } = self;
        loop {
            input.need(ends)?;
            output.room(ends)?;
            match symbols(inflater, input, output) {
                Pause::Ends => {}
                Pause::Over => return input.check(ends),
                Pause::Wrong(what) => return Err(input.wrong(ends, what)),
            }
        }
    }
}

/// Inflates symbols while there is input and room. State lives in locals here: in registers.
#[inline(always)]
fn symbols(inflater: &Inflater, input: &mut Input, output: &mut Output) -> Pause {
    let bytes = &input.bytes[..];
    // The last place from which two refills can be read, of 8 bytes each.
    let last = input.end - MARGIN;
    let (mut bits, mut count, mut at) = (input.bits, input.count, input.at);
    let (limit, floor) = (output.limit, output.floor);
    let mut out = output.at;
    let buffer = &mut output.bytes[..];
    assert!(limit + SLOP <= buffer.len() && last + MARGIN <= bytes.len());
    macro_rules! refill {
        () => {
            // SAFETY: `at` is at most `last` at the head of the loop and moves by at most 7 in each of two refills;
            // MARGIN is 24.
            let word = unsafe { bytes.as_ptr().add(at).cast::<u64>().read_unaligned() };
            bits |= u64::from_le(word) << count;
            at += (63 - count as usize) >> 3;
            count |= 56;
        };
    }
    macro_rules! consume {
        ($entry:expr) => {
            bits >>= $entry & 63;
            count -= $entry & 63;
        };
    }
    macro_rules! put {
        ($entry:expr) => {
            // SAFETY: `out` is below `limit` at the head of the loop, and a turn puts 3 literals and 258 bytes at
            // most, with SLOP behind the limit.
            unsafe { *buffer.as_mut_ptr().add(out) = ($entry >> 16) as u8 };
            out += 1;
        };
    }
    let pause = loop {
        if at > last || out >= limit {
            break Pause::Ends;
        }
        refill!();
        let mut entry = inflater.lengths.first(bits);
        if entry & LITERAL != 0 {
            // Three literals of the first table take 33 of 56 bits.
            consume!(entry);
            put!(entry);
            entry = inflater.lengths.first(bits);
            if entry & LITERAL != 0 {
                consume!(entry);
                put!(entry);
                entry = inflater.lengths.first(bits);
                if entry & LITERAL != 0 {
                    consume!(entry);
                    put!(entry);
                    continue;
                }
            }
            refill!();
        }
        if entry & SUB != 0 {
            entry = inflater.lengths.second(entry, bits);
            if entry & LITERAL != 0 {
                consume!(entry);
                put!(entry);
                continue;
            }
        }
        if entry & (END | INVALID) != 0 {
            if entry & END != 0 {
                consume!(entry);
                break Pause::Over;
            }
            break Pause::Wrong("an unknown code for a length");
        }
        // At most 20 bits for the length and 28 for the distance.
        let length = table::value(entry, bits);
        consume!(entry);
        let mut entry = inflater.distances.first(bits);
        if entry & SUB != 0 {
            entry = inflater.distances.second(entry, bits);
        }
        if entry & INVALID != 0 {
            break Pause::Wrong("an unknown code for a distance");
        }
        let distance = table::value(entry, bits);
        consume!(entry);
        if distance > out - floor {
            break Pause::Wrong("a distance beyond the beginning");
        }
        // SAFETY: `distance` is at least 1 and within what was written; the room is there as for `put`.
        unsafe { output::repeat(buffer.as_mut_ptr().add(out), distance, length) };
        out += length;
    };
    (input.bits, input.count, input.at) = (bits, count, at);
    output.at = out;
    pause
}

#[cfg(test)]
mod tests;
